"""Signals as they arrive: to history first, then to the window that everything live looks at."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cached_property
from threading import RLock
from typing import TYPE_CHECKING, Protocol
from zoneinfo import ZoneInfo

import numpy as np

from cmdb.graph import DependencyGraph
from cmdb.items import Item
from features.calendar import AlwaysClock, ExchangeClock, overridden
from features.calendar_overrides import NO_OVERRIDES
from models.rankers.sunspot import SunspotRanker
from service.settings import Present
from service.signals.recent_window import AddedSamples, RecentWindow
from telemetry.instants import MILLISECOND, from_ms, to_ms

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from features.calendar import Clock
    from features.calendar_overrides import CalendarOverrides
    from models.artifacts.bundle import Bundle
    from models.artifacts.ranker_bundle import RankerBundle
    from service.clock import WallClock
    from service.settings import Settings
    from telemetry.batches import Samples
    from telemetry.damage import Damage


SHIPPED_RANKER = SunspotRanker()
"""Ranks until there is a champion among the rankers: the one that is benchmarked."""


class SignalLog(Protocol):
    """Where signals rest on disk."""

    @property
    def position(self) -> int:
        """Position of the last batch that is safe."""
        ...

    @property
    def damage(self) -> Sequence[Damage]:
        """What was found damaged since it was opened."""
        ...

    @property
    def sealing_failure(self) -> str:
        """Why it could not be sealed when that was last tried; empty if it could."""
        ...

    def append(self, samples: Samples) -> int:
        """Write a batch; it is safe when this returns."""
        ...

    def replay(self, since_ms: int = 0) -> Iterator[Samples]:
        """Read the batches again, in the order they came."""
        ...

    def retain(self, days: float, *, now_ms: int) -> int:
        """Remove what is older; return how many segments that were."""
        ...


@dataclass(frozen=True)
class InUse:
    """A bundle, the window on its step and the ranker, always taken together."""

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


@dataclass(frozen=True, slots=True)
class Received:
    """What became of a batch.

    Attributes
    ----------
    n_accepted
        Samples written to history.
    n_too_old, n_too_new
        Samples rejected for their time.
    """

    n_accepted: int
    n_too_old: int
    n_too_new: int
    taken: AddedSamples


class SignalIntake:
    """The signals of the last hours, and the bundle they are judged by.

    Parameters
    ----------
    history
        Every accepted sample is there before it is acknowledged.
    clock
        The machine's time; what "now" is to the signals follows from the settings.
    overrides
        Days on which the exchange does otherwise than its calendar says.
    """

    def __init__(
        self,
        settings: Settings,
        history: SignalLog,
        clock: WallClock,
        *,
        overrides: CalendarOverrides = NO_OVERRIDES,
    ) -> None:
        self._settings = settings
        self._history = history
        self._clock = clock
        self._changing = RLock()
        self._advanced_to_ms = 0
        self._in_use = InUse(None, self._rebuilt(settings.step // MILLISECOND), overrides)

    @property
    def in_use(self) -> InUse:
        """Bundle and window of this moment; a request takes them once and keeps to them."""
        return self._in_use

    @property
    def position(self) -> int:
        """Position in history of the last batch received."""
        return self._history.position

    @property
    def n_damaged(self) -> int:
        """Pieces of history found damaged since the service started."""
        return len(self._history.damage)

    def health_problems(self) -> list[str]:
        """Say what is wrong with the history on disk; nothing is, as a rule."""
        found = self._history.damage
        told = []
        if found:
            more = f", and {len(found) - 1} more" if len(found) > 1 else ""
            told.append(f"history: damage was found in {found[0]}{more}")
        if self._history.sealing_failure:
            told.append(f"history: {self._history.sealing_failure}")
        return told

    def calendar_known(self) -> bool:
        """Whether the calendar of the exchange knows the present day; there is none without an exchange."""
        clock = self._in_use.clock
        if not isinstance(clock, ExchangeClock):
            return True
        return clock.calendar_known(self.present().astimezone(ZoneInfo(clock.time_zone)).date())

    def retain(self) -> int:
        """Remove the history that is older than the settings keep; return how many segments that were."""
        return self._history.retain(
            self._settings.retention / timedelta(days=1), now_ms=to_ms(self.present())
        )

    def present(self) -> datetime:
        """What "now" is: the machine's time, or the end of the newest tick received."""
        end_ms = max(self._in_use.window.end_ms or 0, self._advanced_to_ms)
        if self._settings.present is Present.WALL or not end_ms:
            return self._clock.now()
        return from_ms(end_ms)

    def advance_present(self, until_ms: int) -> None:
        """Learn that something beside samples was received up to an instant: it is the present, too."""
        self._advanced_to_ms = max(self._advanced_to_ms, until_ms)

    def receive(self, samples: Samples) -> Received:
        """Keep a batch: when this returns it is on disk, and the window knows it."""
        earliest_ms, latest_ms = self.accepted_ms()
        too_old, too_new = samples.time_ms < earliest_ms, samples.time_ms > latest_ms
        accepted = samples.where(~(too_old | too_new))
        taken = AddedSamples()
        if len(accepted):
            self._history.append(accepted)
            with self._changing:
                taken = self._in_use.window.add(accepted)
        return Received(len(accepted), int(too_old.sum()), int(too_new.sum()), taken)

    def adopt(self, bundle: Bundle | None) -> None:
        """Judge by another bundle from now on; on another step the window is rebuilt from history."""
        with self._changing:
            window = self._in_use.window
            if bundle is not None and bundle.step_ms != window.step_ms:
                window = self._rebuilt(bundle.step_ms)
            self._in_use = replace(self._in_use, bundle=bundle, window=window)

    def adopt_ranker(self, bundle: RankerBundle) -> None:
        """Rank by another ranker from now on."""
        with self._changing:
            self._in_use = replace(self._in_use, ranker=bundle.ranker)

    def accepted_ms(self) -> tuple[int, int]:
        """The earliest and the latest time that is accepted of a sender."""
        now = self._clock.now()
        latest_ms = to_ms(now + self._settings.accepted_future)
        if self._settings.present is Present.SIGNALS:
            return 0, latest_ms
        return to_ms(now - self._settings.accepted_past), latest_ms

    def _rebuilt(self, step_ms: int) -> RecentWindow:
        length_ms = self._settings.window // MILLISECOND
        window = RecentWindow(step_ms=step_ms, length_ms=length_ms, max_series=self._settings.max_series)
        replayed = self._settings.present is Present.SIGNALS
        since_ms = 0 if replayed else to_ms(self._clock.now()) - length_ms - step_ms
        for samples in self._history.replay(since_ms):
            window.add(samples.where(np.isfinite(samples.values)))
        return window
