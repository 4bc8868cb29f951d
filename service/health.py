"""The health of each part that works in the background: its last success, and its last failure.

`/readyz`, `/metrics` and the watchdog read all of it, so that no failure is only a line in a log file.
"""

from __future__ import annotations

import logging
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from threading import Lock
from typing import TYPE_CHECKING

from telemetry.addresses import shown_address

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from service.clock import WallClock
    from telemetry.damage import Damage

logger = logging.getLogger(__name__)

MAX_ERROR = 300
"""Characters of an error that are shown."""

MISSED_ROUNDS = 10
"""A part is stuck once it has finished no round for so many of its periods."""


@dataclass(frozen=True, slots=True)
class Health:
    """The health of one part.

    Attributes
    ----------
    every
        How often it works; ``None`` where ticks or requests drive it.
    is_vital
        Whether Sunspot is not ready while it fails: it writes what must not be lost.
    last_success_at
        End of its last round that succeeded; ``None`` before the first.
    last_error
        Text of its last error; empty if it never failed.
    failing_since
        Its first failure since it last succeeded; ``None`` while it succeeds.
    n_failures
        Rounds that failed since the service started.
    position_ms
        Start of the last tick it processed; ``None`` where it processes none, or none yet.
    n_skipped
        Ticks that it skipped because they failed twice.
    idle
        Steady time since its last round ended, or since the service started.
    failing
        Steady time since its first failure since it last succeeded; 0 while it succeeds.
    """

    name: str
    every: timedelta | None = None
    is_vital: bool = False
    last_success_at: datetime | None = None
    last_error: str = ""
    failing_since: datetime | None = None
    n_failures: int = 0
    position_ms: int | None = None
    n_skipped: int = 0
    idle: timedelta = timedelta(0)
    failing: timedelta = timedelta(0)

    def broken_since(self, now: datetime, *, patience: timedelta) -> datetime | None:
        """Return when it stopped working, or ``None`` if it works.

        Parameters
        ----------
        patience
            Longest duration of a round of a periodic part; at least `MISSED_ROUNDS` of its periods.
        """
        if self.failing_since is not None:
            return min(self.failing_since, now - self.failing)  # the clock may have been set back
        if self.every is not None and self.idle > max(MISSED_ROUNDS * self.every, patience):
            return now - self.idle
        return None

    def problem(self, now: datetime, *, patience: timedelta) -> str:
        """Describe what is wrong and since when; empty if nothing is."""
        since = self.broken_since(now, patience=patience)
        if since is None:
            return ""
        at = f"{since:%Y-%m-%d %H:%M:%S} UTC"
        if self.failing_since is None:
            return f"{self.name}: no round has finished since {at}"
        skipped = f"; {self.n_skipped} ticks were skipped" if self.n_skipped else ""
        return f"{self.name}: failing since {at}: {self.last_error}{skipped}"


class HealthRecord:
    """The health of one part, as the part itself records it; safe to use from many threads.

    Parameters
    ----------
    elapsed_s
        A steady clock in seconds: a wall clock may be reset, and would then hide a part that hangs.
    """

    def __init__(
        self,
        name: str,
        clock: WallClock,
        *,
        every: timedelta | None = None,
        is_vital: bool = False,
        elapsed_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._elapsed_s = elapsed_s
        self._lock = Lock()
        self._ended_s = elapsed_s()
        self._failed_s = self._ended_s
        self._now = Health(name, every, is_vital)

    @property
    def now(self) -> Health:
        """The health at this moment."""
        now_s, now = self._elapsed_s(), self._now
        failing_s = 0.0 if now.failing_since is None else now_s - self._failed_s
        return replace(
            now, idle=timedelta(seconds=now_s - self._ended_s), failing=timedelta(seconds=failing_s)
        )

    def succeeded(self, *, position_ms: int | None = None) -> None:
        """Record a round that succeeded, and the tick it processed if it processed one."""
        if self._now.failing_since is not None:
            logger.info("work succeeds again", extra={"work": self._now.name})
        with self._lock:
            self._ended_s = self._elapsed_s()
            position_ms = self._now.position_ms if position_ms is None else position_ms
            self._now = replace(
                self._now, last_success_at=self._clock.now(), failing_since=None, position_ms=position_ms
            )

    def failed(self, error: BaseException) -> None:
        """Record a round that failed; the first one is logged too."""
        if self._now.failing_since is None:
            logger.error("work failed", exc_info=error, extra={"work": self._now.name})
        text = shown_address(f"{type(error).__name__}: {error}")[:MAX_ERROR]
        with self._lock:
            self._ended_s = self._elapsed_s()
            if self._now.failing_since is None:
                self._failed_s = self._ended_s
            self._now = replace(
                self._now,
                last_error=text,
                failing_since=self._now.failing_since or self._clock.now(),
                n_failures=self._now.n_failures + 1,
            )

    def skipped(self) -> None:
        """Record a tick that was given up."""
        with self._lock:
            self._now = replace(self._now, n_skipped=self._now.n_skipped + 1)

    def run(self, work: Callable[[], object], *, position_ms: int | None = None) -> bool:
        """Do some work and record how it went; return whether it succeeded."""
        try:
            work()
        except Exception as error:  # noqa: BLE001  any failure is recorded, and stops no other part
            self.failed(error)
            return False
        self.succeeded(position_ms=position_ms)
        return True

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Record whether what a request does succeeds or raises an `OSError`, and raise that on."""
        try:
            yield
        except OSError as error:
            self.failed(error)
            raise
        self.succeeded()


class HealthRegistry:
    """The health of every part."""

    def __init__(self, clock: WallClock, *, elapsed_s: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._elapsed_s = elapsed_s
        self._records: dict[str, HealthRecord] = {}

    def record(self, name: str, *, every: timedelta | None = None, is_vital: bool = False) -> HealthRecord:
        """Return the record of a part, made at the first call."""
        if name not in self._records:
            self._records[name] = HealthRecord(
                name, self._clock, every=every, is_vital=is_vital, elapsed_s=self._elapsed_s
            )
        return self._records[name]

    def parts(self) -> list[Health]:
        """Return the health of every part, by name."""
        return [self._records[name].now for name in sorted(self._records)]

    def problems(self, *, patience: timedelta, is_vital: bool) -> list[str]:
        """Describe every part that fails or hangs, of those that are vital or of the others."""
        now, parts = self._clock.now(), [each for each in self.parts() if each.is_vital == is_vital]
        return [text for each in parts if (text := each.problem(now, patience=patience))]


def damage_problems(name: str, damage: Sequence[Damage]) -> list[str]:
    """Return the damage found in a history as one sentence, or nothing."""
    if not damage:
        return []
    more = f", and {len(damage) - 1} more" if len(damage) > 1 else ""
    return [f"{name}: damage was found in {damage[0]}{more}"]


def lost_batches(noted: int, found: int) -> str:
    """Say that a history ends before the position of a checkpoint.

    >>> lost_batches(120, 0)
    'batches 1 to 120 were stored and are gone'
    """
    return f"batches {found + 1} to {noted} were stored and are gone"
