"""The service's clock: one small object, so that tests can pass in another."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Protocol

EARLIEST = datetime(1971, 1, 1, tzinfo=UTC)
"""Instants before this stand for a missing value, not for a time."""
LATEST = datetime(2200, 1, 1, tzinfo=UTC)
"""Instants from here on stand for a missing value, too."""


class WallClock(Protocol):
    """Gives the time of day."""

    def now(self) -> datetime:
        """Return the present instant, in UTC."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """Return the present instant, in UTC."""
        return datetime.now(tz=UTC)
