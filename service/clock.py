"""Where the service reads the time: one small object, so that tests can hand in another."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Protocol

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EARLIEST = datetime(1971, 1, 1, tzinfo=UTC)
"""Instants before this are somebody's missing value, not a time."""
LATEST = datetime(2200, 1, 1, tzinfo=UTC)
"""Instants from here on are somebody's missing value too."""


class WallClock(Protocol):
    """Tells the time of day."""

    def now(self) -> datetime:
        """Return the present instant, in UTC."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """Return the present instant, in UTC."""
        return datetime.now(tz=UTC)


def to_ms(at: datetime) -> int:
    """Milliseconds since the epoch of an aware instant, whatever its zone.

    >>> to_ms(datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC))
    1000
    """
    return (at - EPOCH) // timedelta(milliseconds=1)


def from_ms(at_ms: int) -> datetime:
    """Instant of a column's milliseconds, in UTC.

    >>> from_ms(1000).isoformat()
    '1970-01-01T00:00:01+00:00'
    """
    return EPOCH + timedelta(milliseconds=at_ms)
