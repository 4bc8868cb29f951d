"""The scores, online: every tick that closes is stepped through once, in order."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

from models.detectors.first_stage import Status
from models.detectors.three_scores import initial_memory, moved_to, step
from models.state import NEVER_MS, set_back
from service.scoring.checkpoint import Scored
from service.scoring.tick import ScoredTick
from telemetry.instants import MILLISECOND, from_ms, to_ms

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from features.calendar import Clock
    from models.artifacts.bundle import Bundle
    from models.detectors.three_scores import Memory
    from models.state import State
    from service.scoring.checkpoint import Checkpoints
    from service.signals.recent_window import RecentWindow
    from service.signals.room import SignalsRoom


@dataclass(frozen=True, slots=True)
class SeriesScore:
    """The latest score of one series.

    Attributes
    ----------
    score
        Distance from normal; ``None`` unless ``status`` is ``scored``.
    severity
        How bad it has been lately.
    novelty
        Distance from every value ever seen; ``None`` while too few were seen, and for a missing value.
    expected
        What the season holds at this time of the exchange day; ``None`` before the first value.
    """

    metric: str
    status: str
    score: float | None
    severity: float
    novelty: float | None
    expected: float | None


class FirstStage:
    """Scores ticks as they close: onset, severity and novelty.

    A tick closes at its end plus the grace period. What arrives later is in the window, for
    rankings, and never changes a score. A restart continues after the tick of the last checkpoint.

    Parameters
    ----------
    checkpoints
        File in which the memory outlives the process.
    grace
        How long after its end a tick waits for late samples.
    """

    def __init__(
        self,
        signals: SignalsRoom,
        checkpoints: Checkpoints,
        *,
        grace: timedelta,
    ) -> None:
        self._signals = signals
        self._grace_ms = grace // MILLISECOND
        self._checkpoints = checkpoints
        self._latest = self._written = checkpoints.read(position=signals.history.position)
        self._writing = Lock()

    def advance(self) -> Iterator[ScoredTick]:
        """Score the ticks that have closed since the last call, one by one as they are asked for."""
        in_use = self._signals.in_use
        bundle, window = in_use.bundle, in_use.window
        if bundle is None or window.newest_tick is None:
            return
        memory = self._memory_for(bundle, in_use.clock)
        ticks = self._closed_ticks(memory.state, window)
        window.close_before(ticks.stop)
        for tick in ticks:
            values = window.row(tick, bundle.baseline.keys)
            tick_ms = tick * window.step_ms
            if tick_ms < (window.start_ms or 0):
                continue  # it left the window meanwhile: its values are unknown, not missing
            memory, scores = step(memory, tick_ms, values, bundle.baseline, in_use.clock)
            self._latest = Scored(bundle.version, bundle.step_ms, memory, scores)
            yield ScoredTick(bundle, in_use.clock, window, tick_ms, values, memory, scores)

    def bring_back(self, latest_ms: int) -> int | None:
        """Continue with the tick that closes next if the last one scored is beyond the latest instant.

        Returns
        -------
        Start of that tick, or ``None`` if it was possible.
        """
        latest = self._latest
        if latest is None or latest.memory.state.tick_ms <= latest_ms:
            return None
        stood_ms, step_ms = latest.memory.state.tick_ms, latest.step_ms
        present_ms = to_ms(self._signals.present())
        closed_ms = ((present_ms - self._grace_ms) // step_ms - 1) * step_ms
        state = set_back(latest.memory.state, closed_ms)
        self._latest = replace(latest, memory=latest.memory._replace(state=state))
        return stood_ms

    def checkpoint(self) -> None:
        """Write the memory to disk, if it changed since it was written last."""
        with self._writing:
            latest = self._latest
            if latest is not None and latest is not self._written:
                self._checkpoints.write(latest, position=self._signals.history.position)
                self._written = latest

    def health_problems(self) -> list[str]:
        """Return that the history is shorter than it was, usually nothing."""
        lost = self._checkpoints.lost
        return [f"history: {lost}"] if lost else []

    @property
    def scored_until(self) -> datetime | None:
        """End of the last tick scored; ``None`` before the first."""
        latest = self._latest
        if latest is None or latest.memory.state.tick_ms == NEVER_MS:
            return None
        return from_ms(latest.memory.state.tick_ms + latest.step_ms)

    def scores_of(self, item: str) -> tuple[datetime | None, str, list[SeriesScore]]:
        """Return an item's latest scores: the tick's start, the bundle's version, and each series.

        Series that the bundle does not know are not listed.
        """
        latest = self._latest
        if latest is None:
            return None, "", []
        state, (onset, severity, novelty) = latest.memory.state, latest.scores
        found = []
        for index, key in enumerate(state.keys):
            if key.item == item:
                status = Status(int(onset.status[index]))
                value = float(onset.values[index]) if status is Status.SCORED else None
                found.append(
                    SeriesScore(
                        key.metric,
                        status.name.lower(),
                        value,
                        float(severity[index]),
                        _number(novelty[index]),
                        _number(state.expected[index]),
                    )
                )
        return from_ms(state.tick_ms), latest.bundle_version, found

    def _memory_for(self, bundle: Bundle, clock: Clock) -> Memory:
        latest = self._latest
        if latest is not None and latest.bundle_version == bundle.version:
            return latest.memory
        fresh = initial_memory(bundle.baseline, clock)
        if latest is None or latest.step_ms != bundle.step_ms:
            return fresh
        return moved_to(latest.memory, fresh)

    def _closed_ticks(self, state: State, window: RecentWindow) -> range:
        newest = window.newest_tick or 0
        present_ms = to_ms(self._signals.present())
        stop = min((present_ms - self._grace_ms) // window.step_ms, newest + 1)
        first = newest - window.n_ticks + 1
        if state.tick_ms != NEVER_MS:
            first = max(first, state.tick_ms // window.step_ms + 1)
        return range(first, max(first, stop))


def _number(value: np.float32) -> float | None:
    return None if np.isnan(value) else float(value)
