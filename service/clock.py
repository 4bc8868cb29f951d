"""Where the service reads the time: one small object, so that tests can hand in another."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Protocol

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
