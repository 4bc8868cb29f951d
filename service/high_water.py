"""Marks that only rise, such as the newest tick: brought back when a clock that was ahead left them there.

A clock that steps forward by hours for some seconds raises every such mark by hours. Nothing older than a
mark counts as new, so ranking, scoring and paging would stand still until the mark's time comes, also after
a restart.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from threading import Lock
from typing import TYPE_CHECKING, Protocol

from service.durations import duration
from telemetry.instants import MILLISECOND, to_ms

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from service.clock import WallClock
    from service.health import HealthRegistry
    from service.settings import Settings

logger = logging.getLogger(__name__)

TOLD = timedelta(days=1)
"""For so long `/readyz` says that marks were brought back."""

LEAST_AHEAD = timedelta(minutes=1)
"""A mark so little ahead stays where it is: clocks are often set back by a second or two."""

PART = "high-water marks"


class HighWater(Protocol):
    """Something with a mark that only rises."""

    def bring_back(self, latest_ms: int) -> int | None:
        """Lower the mark to the present if it is beyond the latest possible instant.

        Returns
        -------
        Where the mark stood, or ``None`` if it was possible.
        """
        ...


class HighWaterMarks:
    """All marks of the service.

    A mark may lie as far beyond the present as samples of senders may (``accepted_future``), and at least
    `LEAST_AHEAD`.

    Parameters
    ----------
    marks
        By the names under which they are shown; what "now" is may follow from the first ones.
    """

    def __init__(
        self, settings: Settings, clock: WallClock, health: HealthRegistry, marks: Mapping[str, HighWater]
    ) -> None:
        self._most_ahead = max(settings.accepted_future, LEAST_AHEAD)
        self._clock = clock
        self._health = health
        self._marks = dict(marks)
        self._lock = Lock()
        self._n_brought_back = dict.fromkeys(marks, 0)
        self._last: tuple[datetime, timedelta, tuple[str, ...]] | None = None

    @property
    def n_brought_back(self) -> Mapping[str, int]:
        """How often each mark was brought back since the service started."""
        return dict(self._n_brought_back)

    def bring_back(self) -> int:
        """Bring back every mark that is beyond the present; return how many were.

        A mark that cannot be brought back, for example because the store is locked, stops no other.
        """
        now = self._clock.now()
        latest_ms, present_ms = to_ms(now + self._most_ahead), to_ms(now)
        found: dict[str, int] = {}

        def each_one() -> None:
            failures = []
            for name, mark in self._marks.items():
                try:
                    stood_ms = mark.bring_back(latest_ms)
                except Exception as error:  # noqa: BLE001  the other marks come first
                    failures.append(error)
                    continue
                if stood_ms is not None:
                    found[name] = stood_ms
            if failures:
                raise failures[0]

        with self._lock:
            self._health.record(PART).run(each_one)
            if found:
                self._tell(found, now, present_ms)
        return len(found)

    def health_problems(self) -> list[str]:
        """Return what was brought back lately and how far it stood ahead; usually nothing."""
        last = self._last
        if last is None or abs(self._clock.now() - last[0]) > TOLD:
            return []
        at, ahead, names = last
        what = f"a clock was ahead by {duration(ahead)}; brought back to the present: {', '.join(names)}"
        return [f"clock: at {at:%Y-%m-%d %H:%M:%S} UTC {what}"]

    def _tell(self, found: Mapping[str, int], now: datetime, present_ms: int) -> None:
        for name, stood_ms in found.items():
            self._n_brought_back[name] += 1
            logger.warning(
                "mark brought back", extra={"mark": name, "ahead_s": (stood_ms - present_ms) / 1000}
            )
        ahead = (max(found.values()) - present_ms) * MILLISECOND
        self._last = now, ahead, tuple(found)
