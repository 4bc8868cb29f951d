"""Masks the variable parts of a log line, so that its constant part remains."""

from __future__ import annotations

import re
from typing import Final

from features.masking.own_patterns import PLACEHOLDER

MASK: Final = "<*>"
"""The placeholder of a variable part, in masked lines and in templates."""

MAX_CHARACTERS: Final = 4096
"""Characters of a line that are read."""

MAX_TOKENS: Final = 128
"""Words of a line that are read."""

MAX_CACHED_TOKENS: Final = 50_000
MAX_CACHED_LENGTH: Final = 64

_DIGIT = re.compile(r"[0-9]")
_RUN = re.compile(r"[A-Za-z0-9_.$-]+")
_CHAIN = re.compile(r"<\*>(?:[^\s\w<=]*<\*>)+")
_LIST = re.compile(r"<\*>(?: <\*>)+")


def mask_token(token: str) -> str:
    """A word with every run of ASCII letters, digits and ``_.$-`` that holds a digit masked.

    Masked runs with only punctuation between them, such as an address and its port, become one mask. The
    expressions take time linear in the length of the word: no input makes them backtrack.

    What stands for a secret is masked as the secret was, so that a template does not depend on it.

    >>> [mask_token(each) for each in ("port", "/10.0.0.1:5070", "uid=0", "pwd=<masked:secret>")]
    ['port', '/<*>', 'uid=<*>', 'pwd=<*>']
    """
    if "<masked:" in token:
        token = PLACEHOLDER.sub(MASK, token)
    if token.isascii() and token.isalnum():  # one run: no expression is needed
        return token if token.isalpha() else MASK
    if _DIGIT.search(token) is None:
        return _CHAIN.sub(MASK, token) if MASK in token else token
    masked = _RUN.sub(lambda run: MASK if _DIGIT.search(run.group()) else run.group(), token)
    return _CHAIN.sub(MASK, masked)


class TokenMasks(dict[str, str]):
    """A cache of masked words, which is cleared when full and never stores a long word."""

    def __missing__(self, token: str) -> str:
        masked = mask_token(token)
        if len(token) <= MAX_CACHED_LENGTH:
            if len(self) >= MAX_CACHED_TOKENS:
                self.clear()
            self[token] = masked
        return masked

    def line(self, body: str) -> str:
        """A line with masked words and single spaces, in which a list of masks is one mask.

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
