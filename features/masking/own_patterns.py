"""A firm's own patterns: read from a TOML file, judged, and masked.

They are expressions of RE2, which needs time in proportion to a line's length whatever the expression; the
bounds here keep the proportion small.
"""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_PATTERNS: Final = 50
MAX_LENGTH: Final = 300
"""Characters of an expression."""

MAX_REPEATED: Final = 40
"""All counts in braces of an expression together, such as 18 for ``[0-9]{18}``."""

ORDINARY: Final = (
    "order 17 placed",
    "委托已受理",
    "GET /api/v1/quotes 200 8ms",
    "connection to 10.0.0.1:3306 established",
    "java.lang.IllegalStateException: queue full",
    "heap used=8123M",
)
"""Lines that hold no secret; an expression that finds one in half of them is a mistake."""

PLACEHOLDER: Final = re.compile("(<masked:[a-z0-9_-]{1,32}>)")

_NAME: Final = re.compile("[a-z][a-z0-9_-]{0,31}")
_COUNTS: Final = re.compile(r"\{(\d+)(?:,(\d*))?\}")
_COUNTED_GROUP: Final = re.compile(r"\)[?*+]?\{\d")


class BadPatternsError(ValueError):
    """A file of patterns that cannot be used."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class OwnPattern(NamedTuple):
    """A pattern of the firm's.

    Attributes
    ----------
    name
        What is shown in its place: ``<masked:name>``.
    expression
        RE2; all that it matches is masked.
    """

    name: str
    expression: str


def read_patterns(document: str) -> tuple[OwnPattern, ...]:
    r"""The patterns of a TOML document: a table ``patterns`` of names and expressions.

    Raises
    ------
    BadPatternsError
        If it is no such document; if an expression is none of RE2, could be slow, matches nothing at all or
        nearly everything; or if there are too many.

    Examples
    --------
    >>> read_patterns("[patterns]\nstaff = 'ZS[0-9]{6}'")
    (OwnPattern(name='staff', expression='ZS[0-9]{6}'),)
    """
    try:
        table = tomllib.loads(document)
    except RecursionError as error:
        raise BadPatternsError("it is nested too deeply") from error
    except ValueError as error:  # tomllib's own error, and that of a number with too many digits
        raise BadPatternsError(f"it is not TOML: {error}") from error
    patterns = table.get("patterns")
    if not isinstance(patterns, dict) or table.keys() != {"patterns"}:
        raise BadPatternsError("it must have one table, 'patterns'")
    if len(patterns) > MAX_PATTERNS:
        raise BadPatternsError(f"{len(patterns)} patterns are over the limit of {MAX_PATTERNS}")
    for name, expression in patterns.items():
        if reason := _reason_against(name, expression):
            raise BadPatternsError(f"pattern {name[:40]!r}: {reason}")
    return tuple(OwnPattern(*each) for each in patterns.items())


def _reason_against(name: str, expression: object) -> str:
    """Why a pattern cannot be used; empty if it can."""
    if _NAME.fullmatch(name) is None:
        return "its name must be small letters, digits, _ and -, at most 32"
    if not isinstance(expression, str) or not 0 < len(expression) <= MAX_LENGTH:
        return f"its expression must be a text of at most {MAX_LENGTH} characters"
    return _could_be_slow(expression) or _finds_what_it_should_not(expression)


def _could_be_slow(expression: str) -> str:
    if _COUNTED_GROUP.search(expression):
        return "a group must not be repeated a number of times: it could be slow"
    n_repeated = sum(int(most or least) for least, most in _COUNTS.findall(expression))
    if n_repeated > MAX_REPEATED:
        return (
            f"its counts in braces add up to {n_repeated}, over the limit of {MAX_REPEATED}: it could be slow"
        )
    return ""


def _finds_what_it_should_not(expression: str) -> str:
    try:
        found = pc.match_substring_regex(pa.array(["", *ORDINARY]), pattern=expression).to_pylist()
    except pa.ArrowInvalid as error:
        return str(error).removeprefix("Invalid regular expression: ")
    if found[0]:
        return "it matches an empty text"
    if sum(found) * 2 >= len(ORDINARY):
        return f"it matches ordinary lines, such as {ORDINARY[found.index(True) - 1]!r}"
    return ""


def mask_own(texts: Sequence[str], patterns: Sequence[OwnPattern]) -> list[str]:
    """Texts without what some patterns match; what is masked already stays as it is.

    >>> mask_own(["ZS000017 placed order 17"], [OwnPattern("staff", "ZS[0-9]{6}")])
    ['<masked:staff> placed order 17']
    """
    masked = [_storable(text) for text in texts]
    for name, expression in patterns:
        found = pc.match_substring_regex(pa.array(masked, pa.string()), pattern=expression)
        touched = np.flatnonzero(found.to_numpy(zero_copy_only=False)).tolist()
        split = [PLACEHOLDER.split(masked[index]) for index in touched]  # every second piece is a placeholder
        pieces = pa.array([piece for each in split for piece in each[::2]], pa.string())
        replaced = iter(
            pc.replace_substring_regex(pieces, pattern=expression, replacement=f"<masked:{name}>").to_pylist()
        )
        for index, each in zip(touched, split, strict=True):
            each[::2] = [next(replaced) for _ in each[::2]]
            masked[index] = "".join(each)
    return masked


def _storable(text: str) -> str:
    """A text without lone surrogates, which JSON can escape and UTF-8 cannot encode."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
