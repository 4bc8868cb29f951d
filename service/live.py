"""Signals as they arrive: to history first, then to the window that everything live looks at."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from threading import RLock
from typing import TYPE_CHECKING, Protocol

import numpy as np

from service.clock import from_ms, to_ms
from service.settings import Present
from service.windows import RecentWindow, Taken

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from models.bundle import Bundle
    from service.clock import WallClock
    from service.settings import Settings
    from telemetry.batches import Samples


_MS = timedelta(milliseconds=1)


class SignalLog(Protocol):
    """Where signals rest on disk."""

    def append(self, samples: Samples) -> int:
        """Write a batch; it is safe when this returns."""
        ...

    def replay(self, since_ms: int = 0) -> Iterator[Samples]:
        """Read the batches again, in the order they came."""
        ...


@dataclass(frozen=True)
class InUse:
    """A bundle and the window on its step, always taken together."""

    bundle: Bundle | None
    window: RecentWindow


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
    taken: Taken


class LiveSignals:
    """The signals of the last hours, and the bundle they are judged by.

    Parameters
    ----------
    history
        Every accepted sample is there before it is acknowledged.
    clock
        The machine's time; what "now" is to the signals follows from the settings.
    """

    def __init__(self, settings: Settings, history: SignalLog, clock: WallClock) -> None:
        self._settings = settings
        self._history = history
        self._clock = clock
        self._changing = RLock()
        self._in_use = InUse(None, self._rebuilt(settings.step // _MS))

    @property
    def in_use(self) -> InUse:
        """Bundle and window of this moment; a request takes them once and keeps to them."""
        return self._in_use

    def present(self) -> datetime:
        """What "now" is: the machine's time, or the end of the newest tick received."""
        end_ms = self._in_use.window.end_ms
        if self._settings.present is Present.WALL or end_ms is None:
            return self._clock.now()
        return from_ms(end_ms)

    def receive(self, samples: Samples) -> Received:
        """Keep a batch: when this returns it is on disk, and the window knows it."""
        earliest_ms, latest_ms = self._accepted_ms()
        too_old, too_new = samples.time_ms < earliest_ms, samples.time_ms > latest_ms
        accepted = samples.where(~(too_old | too_new))
        taken = Taken()
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
            self._in_use = InUse(bundle, window)

    def _accepted_ms(self) -> tuple[int, int]:
        now = self._clock.now()
        latest_ms = to_ms(now + self._settings.accepted_future)
        if self._settings.present is Present.SIGNALS:
            return 0, latest_ms
        return to_ms(now - self._settings.accepted_past), latest_ms

    def _rebuilt(self, step_ms: int) -> RecentWindow:
        length_ms = self._settings.window // _MS
        window = RecentWindow(step_ms=step_ms, length_ms=length_ms, max_series=self._settings.max_series)
        replayed = self._settings.present is Present.SIGNALS
        since_ms = 0 if replayed else to_ms(self._clock.now()) - length_ms - step_ms
        for samples in self._history.replay(since_ms):
            window.add(samples.where(np.isfinite(samples.values)))
        return window
