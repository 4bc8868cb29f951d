"""Instants as aware datetimes, and as the int64 milliseconds since the epoch used in columns."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND: Final = timedelta(milliseconds=1)


def to_ms(at: datetime) -> int:
    """Milliseconds since the epoch of an aware instant in any zone, rounded down.

    >>> to_ms(datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC))
    1000
    """
    return (at - EPOCH) // MILLISECOND


def from_ms(at_ms: int) -> datetime:
    """Instant of a column's milliseconds, in UTC.

    >>> from_ms(1000).isoformat()
    '1970-01-01T00:00:01+00:00'
    """
    return EPOCH + at_ms * MILLISECOND
