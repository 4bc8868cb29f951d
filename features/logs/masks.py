"""The constant part of a log line: what its variable parts look like once they are masked."""

from __future__ import annotations

import re
from typing import Final

MASK: Final = "<*>"
"""What stands for a variable part, in masked lines and in templates."""

MAX_CHARACTERS: Final = 4096
"""A line is read as far as this."""

MAX_TOKENS: Final = 128
"""A line is read as far as this many words."""

MAX_CACHED_TOKENS: Final = 50_000
MAX_CACHED_LENGTH: Final = 64

_DIGIT = re.compile(r"[0-9]")
_RUN = re.compile(r"[A-Za-z0-9_.$-]+")
_CHAIN = re.compile(r"<\*>(?:[^\s\w<=]*<\*>)+")
_LIST = re.compile(r"<\*>(?: <\*>)+")


def mask_token(token: str) -> str:
    """A word with every run of ASCII letters, digits and ``_.$-`` that holds a digit masked.

    Runs that only punctuation parts, such as an address and its port, become one mask. The expressions
    take time linear in the word: none of them can be made to backtrack.

    >>> [mask_token(each) for each in ("port", "/10.0.0.1:5070", "uid=0", "(blk_-38865)")]
    ['port', '/<*>', 'uid=<*>', '(<*>)']
    """
    if token.isascii() and token.isalnum():  # one run: no expression is needed
        return token if token.isalpha() else MASK
    if _DIGIT.search(token) is None:
        return token
    masked = _RUN.sub(lambda run: MASK if _DIGIT.search(run.group()) else run.group(), token)
    return _CHAIN.sub(MASK, masked)


class TokenMasks(dict[str, str]):
    """Masked words by word, computed once each; it forgets all when full, and never keeps a long word."""

    def __missing__(self, token: str) -> str:
        masked = mask_token(token)
        if len(token) <= MAX_CACHED_LENGTH:
            if len(self) >= MAX_CACHED_TOKENS:
                self.clear()
            self[token] = masked
        return masked

    def line(self, body: str) -> str:
        """A line with its words masked, white space made single, and a list of masks made one.

        >>> TokenMasks().line("delete  blk_1 blk_2 from 10.0.0.1:80")
        'delete <*> from <*>'
        """
        if len(body) > MAX_CHARACTERS:
            body = body[:MAX_CHARACTERS]
        words = body.split(None, MAX_TOKENS)
        if len(words) > MAX_TOKENS:
            del words[MAX_TOKENS:]
        masked = " ".join(map(self.__getitem__, words))
        return _LIST.sub(MASK, masked) if "<*> <*>" in masked else masked
