"""Lengths of time as people read them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import timedelta

MINUTE_S = 60
HOUR_S = 3_600
DAY_S = 86_400


def duration(length: timedelta) -> str:
    """Return a length of time, to two units at most.

    >>> from datetime import timedelta
    >>> duration(timedelta(minutes=72)), duration(timedelta(seconds=40))
    ('1 h 12 min', '40 s')
    >>> duration(timedelta(hours=2)), duration(timedelta(days=3, minutes=5))
    ('2 h', '3 d')
    """
    seconds = max(0, int(length.total_seconds()))
    if seconds < MINUTE_S:
        return f"{seconds} s"
    if seconds < HOUR_S:
        return f"{seconds // MINUTE_S} min"
    if seconds < DAY_S:
        return _two(seconds // HOUR_S, "h", seconds % HOUR_S // MINUTE_S, "min")
    return _two(seconds // DAY_S, "d", seconds % DAY_S // HOUR_S, "h")


def _two(large: int, unit: str, small: int, small_unit: str) -> str:
    return f"{large} {unit} {small} {small_unit}" if small else f"{large} {unit}"
