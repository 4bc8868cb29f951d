"""Bounds on what senders write: no alert is lost to a text that is too long, and what was cut is visible."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

MAX_TEXTS = 64
"""Labels, and annotations, of one alert."""

MAX_NAME_LENGTH, MAX_TEXT_LENGTH, MAX_TOTAL_LENGTH = 200, 4_000, 16_000
"""Characters of the name of a label or annotation, of its text, and of all texts of an alert together."""


def cut(text: str, length: int) -> str:
    """Return a text of at most ``length`` characters and a mark that says how many are missing.

    >>> cut("abcdef", 4), cut("abcd", 4)
    ('abcd… (2 more characters)', 'abcd')
    """
    return text if len(text) <= length else f"{text[:length]}… ({len(text) - length:,} more characters)"


def bounded(
    texts: Mapping[str, str], what: str, *, first: Collection[str] = ()
) -> tuple[dict[str, str], list[str]]:
    """Return labels or annotations within the bounds, and in sentences what is missing of them.

    Parameters
    ----------
    what
        What they are, in the plural.
    first
        Names that are kept before all others.
    """
    is_cut, left = False, MAX_TOTAL_LENGTH
    kept: dict[str, str] = {}
    for name in sorted(texts, key=lambda each: each not in first):
        short_name, text = cut(name, MAX_NAME_LENGTH), cut(texts[name], min(MAX_TEXT_LENGTH, left))
        if len(kept) == MAX_TEXTS or short_name in kept or not left:
            continue
        is_cut |= short_name != name or text != texts[name]
        kept[short_name] = text
        left = max(0, left - len(text))
    notes = [f"{what} that are too long were cut"] if is_cut else []
    if len(kept) < len(texts):
        notes.append(f"{len(texts) - len(kept):,} of its {len(texts):,} {what} were left out")
    return kept, notes
