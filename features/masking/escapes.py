"""Texts as people would read them, without the ways of writing that hide a secret from a pattern."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

TRIGGER: Final = (
    r"%[0-9a-f][0-9a-f]|\\u[0-9a-f]{4}|\\[nrt/]|&(?:quot|apos|amp|lt|gt|#)"
    r"|\xef(?:\xbc[\x90-\x99\x9d\xa0-\xbf]|\xbd[\x80-\x9a])|\xe3\x80\x80|\xc2\xa0"
)
"""RE2 over bytes: every text that `views` reads so that a pattern matches, unless its trigger is found."""

_WIDE: Final = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {
    0x3000: " ",
    0x00A0: " ",
    ord("“"): '"',
    ord("”"): '"',
    ord("【"): "[",
    ord("】"): "]",
}
_ESCAPE: Final = re.compile(
    r"(?:%(?:25){0,3}[0-9A-Fa-f]{2})+|\\{1,8}u[0-9A-Fa-f]{4}|\\{1,8}[\"'/nrt]|&(?:quot|amp|lt|gt|apos|#3[49]|#x2[27]);"
)
_BYTE: Final = re.compile(r"%(?:25){0,3}([0-9A-Fa-f]{2})")
_NAMED: Final = {"&quot;": '"', "&amp;": "&", "&lt;": "<", "&gt;": ">", "&apos;": "'"}
_AFTER_BACKSLASH: Final = {"n": "\n", "r": "\r", "t": "\t"}
_LOWER: Final = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}


class View(NamedTuple):
    """A reading of a text.

    Attributes
    ----------
    text
        What is read.
    folded
        The same in lower case, as long as ``text``.
    starts
        For each character of ``text``, and for its end, where it begins in the original; ``None`` if the
        two are equally long.
    """

    text: str
    folded: str
    starts: list[int] | None


def views(text: str) -> tuple[View, ...]:
    """The text as it is written and, if that differs, as it is meant.

    Percent escapes, JSON's and HTML's escapes are resolved, however often they were escaped again, and
    full-width characters become their ASCII ones.

    >>> [each.text for each in views("token%3Dabc")]
    ['token%3Dabc', 'token=abc']
    """
    written = text if text.isascii() else text.translate(_WIDE)
    first = View(written, _folded(written), None)
    if "%" not in text and "\\" not in text and "&" not in text:
        return (first,)
    meant, starts = _resolved(written)
    return (first,) if meant == written else (first, View(meant, _folded(meant), starts))


def _folded(text: str) -> str:
    return text.lower() if text.isascii() else text.translate(_LOWER)


def _resolved(text: str) -> tuple[str, list[int]]:
    parts: list[str] = []
    starts: list[int] = []
    at = 0
    for found in _ESCAPE.finditer(text):
        parts.append(text[at : found.start()])
        starts.extend(range(at, found.start()))
        characters = (
            _percent(found) if found.group()[0] == "%" else [(_escaped(found.group()), found.start())]
        )
        for character, start in characters:
            parts.append(character)
            starts.append(start)
        at = found.end()
    parts.append(text[at:])
    starts.extend(range(at, len(text) + 1))
    return "".join(parts).translate(_WIDE), starts


def _percent(found: re.Match[str]) -> list[tuple[str, int]]:
    """The characters of consecutive percent escapes, with their starts; wrong UTF-8 becomes �."""
    tokens = list(_BYTE.finditer(found.string, found.start(), found.end()))
    values = bytes(int(each.group(1), 16) for each in tokens)
    characters, at = [], 0
    while at < len(values):
        n_bytes = 1 if values[at] < 0xC0 else 2 if values[at] < 0xE0 else 3 if values[at] < 0xF0 else 4  # noqa: PLR2004
        character = values[at : at + n_bytes].decode("utf-8", "replace")
        if len(character) != 1:
            character, n_bytes = "\ufffd", 1
        characters.append((character, tokens[at].start()))
        at += n_bytes
    return characters


def _escaped(escape: str) -> str:
    if escape[0] == "\\":
        last = escape.lstrip("\\")
        return chr(int(last[1:], 16)) if last[0] == "u" else _AFTER_BACKSLASH.get(last, last)
    return _NAMED.get(escape) or ("'" if escape in {"&#39;", "&#x27;"} else '"')
