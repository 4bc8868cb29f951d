"""The bundle, the window and the ranker in use, and how they are replaced."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from threading import RLock
from typing import TYPE_CHECKING

import numpy as np

from cmdb.graph import DependencyGraph
from cmdb.items import Item
from features.calendar import AlwaysClock, overridden
from features.calendar_overrides import NO_OVERRIDES
from models.rankers.sunspot import SunspotRanker
from service.settings import Present
from service.signals.recent_window import RecentWindow
from telemetry.batches import are_ends
from telemetry.instants import MILLISECOND, to_ms

if TYPE_CHECKING:
    from features.calendar import Clock
    from features.calendar_overrides import CalendarOverrides
    from models.artifacts.bundle import Bundle
    from models.artifacts.ranker_bundle import RankerBundle
    from service.clock import WallClock
    from service.settings import Settings
    from service.signals.history import SignalLog
    from service.signals.recent_window import AddedSamples
    from telemetry.batches import Samples


SHIPPED_RANKER = SunspotRanker()
"""Ranks until there is a champion among the rankers: the one that is benchmarked."""


@dataclass(frozen=True)
class InUse:
    """A bundle, the window on its step and the ranker, always used together."""

    bundle: Bundle | None
    window: RecentWindow
    overrides: CalendarOverrides = NO_OVERRIDES
    ranker: SunspotRanker = SHIPPED_RANKER

    @property
    def clock(self) -> Clock:
        """The bundle's clock, with the days that the operator listed."""
        return overridden(AlwaysClock() if self.bundle is None else self.bundle.clock_used, self.overrides)

    @cached_property
    def items_alone(self) -> DependencyGraph:
        """The bundle's items without a single edge: stands in for a graph that was never imported."""
        items = () if self.bundle is None else self.bundle.normal.items
        return DependencyGraph(Item(each) for each in items)


class InUseHolder:
    """Holds what is in use and replaces it.

    Parameters
    ----------
    history
        The window is rebuilt from it at the start, and for a bundle on another step.
    clock
        The machine's time.
    overrides
        Days on which the exchange deviates from its calendar.
    """

    def __init__(
        self, settings: Settings, history: SignalLog, clock: WallClock, *, overrides: CalendarOverrides
    ) -> None:
        self._settings = settings
        self._history = history
        self._clock = clock
        self._changing = RLock()
        self._rebuilt_ms = 0
        self._in_use = InUse(None, self._rebuilt(settings.step // MILLISECOND), overrides)

    @property
    def in_use(self) -> InUse:
        """What is in use at this moment; a request reads it once and uses that throughout."""
        return self._in_use

    def add(self, samples: Samples, *, sender: str) -> AddedSamples:
        """Add samples that are in the history to the window in use."""
        with self._changing:
            return self._in_use.window.add(samples, sender=sender)

    def adopt(self, bundle: Bundle | None) -> None:
        """Use another bundle from now on; on another step the window is rebuilt from history."""
        with self._changing:
            window = self._in_use.window
            if bundle is not None and bundle.step_ms != window.step_ms:
                window = self._rebuilt(bundle.step_ms)
            self._in_use = replace(self._in_use, bundle=bundle, window=window)

    def adopt_ranker(self, bundle: RankerBundle) -> None:
        """Rank by another ranker from now on."""
        with self._changing:
            self._in_use = replace(self._in_use, ranker=bundle.ranker)

    def bring_back(self, latest_ms: int) -> int | None:
        """Rebuild the window from history if it ends beyond the latest instant, or began there.

        Returns
        -------
        Start of its newest tick or when it was made, the later one; ``None`` if both were possible.
        """
        window = self._in_use.window
        stood_ms = max((window.newest_tick or 0) * window.step_ms, self._rebuilt_ms)
        if stood_ms <= latest_ms:
            return None
        with self._changing:
            self._in_use = replace(self._in_use, window=self._rebuilt(self._in_use.window.step_ms))
        return stood_ms

    def _rebuilt(self, step_ms: int) -> RecentWindow:
        """Return a window of what the history has of it, without samples from beyond the present."""
        length_ms = self._settings.window // MILLISECOND
        window = RecentWindow(
            step_ms=step_ms,
            length_ms=length_ms,
            max_series=self._settings.max_series,
            per_sender=self._settings.max_series_per_sender,
        )
        is_replayed = self._settings.present is Present.SIGNALS
        self._rebuilt_ms = to_ms(self._clock.now())
        since_ms = 0 if is_replayed else self._rebuilt_ms - length_ms - step_ms
        latest_ms = self._rebuilt_ms + self._settings.accepted_future // MILLISECOND
        for samples in self._history.replay(since_ms):
            kept = np.isfinite(samples.values) | are_ends(samples.values)
            window.add(samples.where(kept & (samples.time_ms <= latest_ms)))
        return window
