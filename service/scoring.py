"""The first stage, online: every tick that closes is stepped through it once, in order."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from threading import Lock
from typing import TYPE_CHECKING

from features.calendar import CLOCKS
from models.detectors.first_stage import Status, initial_state, step
from models.state import NEVER_MS, migrate
from service.clock import from_ms, to_ms

if TYPE_CHECKING:
    from datetime import datetime

    from models.bundle import Bundle
    from models.detectors.first_stage import Scores
    from models.state import State
    from service.live import LiveSignals
    from service.windows import RecentWindow
    from telemetry.batches import SeriesKey


@dataclass(frozen=True)
class Scored:
    """The scores of the newest closed tick, and the bundle that gave them."""

    bundle: Bundle
    state: State
    tick_ms: int
    scores: Scores


@dataclass(frozen=True, slots=True)
class SeriesScore:
    """The latest score of one series.

    Attributes
    ----------
    score
        Distance from normal; ``None`` unless ``status`` is ``scored``.
    """

    metric: str
    status: str
    score: float | None


class FirstStage:
    """Scores ticks as they close.

    A tick closes at its end plus the grace period. What arrives later is in the window, for
    rankings, and never changes a score.

    Parameters
    ----------
    grace
        How long after its end a tick waits for stragglers.
    """

    def __init__(self, live: LiveSignals, *, grace: timedelta) -> None:
        self._live = live
        self._grace_ms = grace // timedelta(milliseconds=1)
        self._latest: Scored | None = None
        self._state: State | None = None
        self._bundle: Bundle | None = None
        self._advancing = Lock()

    def advance(self) -> int:
        """Score every tick that has closed since the last call, and return how many there were."""
        with self._advancing:
            in_use = self._live.in_use
            bundle, window = in_use.bundle, in_use.window
            if bundle is None or window.newest_tick is None:
                return 0
            state = self._state_for(bundle)
            ticks = self._closed_ticks(state, window)
            window.close_before(ticks.stop)
            for tick in ticks:
                values = window.row(tick, bundle.baseline.keys)
                tick_ms = tick * window.step_ms
                state, scores = step(state, tick_ms, values, bundle.baseline, CLOCKS[bundle.clock])
                self._latest = Scored(bundle, state, tick_ms, scores)
            self._state, self._bundle = state, bundle
            return len(ticks)

    def scores_of(self, item: str) -> tuple[datetime | None, str, list[SeriesScore]]:
        """Return an item's latest scores: the tick's start, the bundle's version, and each series.

        Series that the bundle does not know are not listed.
        """
        latest = self._latest
        if latest is None:
            return None, "", []
        keys: tuple[SeriesKey, ...] = latest.bundle.baseline.keys
        found = []
        for index, key in enumerate(keys):
            if key.item == item:
                status = Status(int(latest.scores.status[index]))
                value = float(latest.scores.values[index]) if status is Status.SCORED else None
                found.append(SeriesScore(key.metric, status.name.lower(), value))
        return from_ms(latest.tick_ms), latest.bundle.version, found

    def _state_for(self, bundle: Bundle) -> State:
        if self._state is None or self._bundle is None:
            return initial_state(bundle.baseline)
        if self._bundle is bundle:
            return self._state
        fresh = initial_state(bundle.baseline)
        same_step = self._bundle.step_ms == bundle.step_ms
        return migrate(self._state, fresh) if same_step else fresh

    def _closed_ticks(self, state: State, window: RecentWindow) -> range:
        newest = window.newest_tick or 0
        present_ms = to_ms(self._live.present())
        stop = min((present_ms - self._grace_ms) // window.step_ms, newest + 1)
        first = newest - window.n_ticks + 1
        if state.tick_ms != NEVER_MS:
            first = max(first, state.tick_ms // window.step_ms + 1)
        return range(first, max(first, stop))
