"""Signals as they arrive: to history first, then to the window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from service.errors import TooManySeriesError
from service.signals.recent_window import AddedSamples

if TYPE_CHECKING:
    from service.health import HealthRecord
    from service.signals.history import SignalLog
    from service.signals.in_use import InUseHolder
    from service.signals.present import PresentTime
    from telemetry.batches import Samples


FLOOD: Final = 1_000
"""Series of a batch without room for any of them at which its sender is asked to slow down."""

OWN: Final = "sunspot"
"""The sender of the series that Sunspot itself makes."""


@dataclass(frozen=True, slots=True)
class Received:
    """What became of a batch.

    Attributes
    ----------
    n_accepted
        Samples written to history.
    n_too_old, n_too_new
        Samples rejected for their time.
    added
        What became of the accepted samples in the window.
    """

    n_accepted: int
    n_too_old: int
    n_too_new: int
    added: AddedSamples


class SignalIntake:
    """Accepts samples by their time.

    Parameters
    ----------
    history
        Every accepted sample is there before it is acknowledged.
    health
        Where it is recorded whether it can be written.
    """

    def __init__(
        self, history: SignalLog, holder: InUseHolder, present: PresentTime, *, health: HealthRecord
    ) -> None:
        self._history = history
        self._holder = holder
        self._present = present
        self._health = health

    def receive(self, samples: Samples, *, sender: str = OWN) -> Received:
        """Accept a batch: when this returns it is on disk and in the window.

        Parameters
        ----------
        sender
            Whose share of the series in memory it counts to.

        Raises
        ------
        TooManySeriesError
            If a batch brings `FLOOD` series or more, and memory has room for none; nothing of it is stored.
        HistoryWriteError
            If the disk refuses it.
        """
        earliest_ms, latest_ms = self._present.accepted_ms()
        too_old, too_new = samples.time_ms < earliest_ms, samples.time_ms > latest_ms
        accepted = samples.where(~(too_old | too_new))
        added = AddedSamples()
        if len(accepted):
            self._check_room(accepted, sender)
            with self._health.watching():
                self._history.append(accepted)
            added = self._holder.add(accepted, sender=sender)
        return Received(len(accepted), int(too_old.sum()), int(too_new.sum()), added)

    def _check_room(self, samples: Samples, sender: str) -> None:
        window = self._holder.in_use.window
        if len(samples.keys) >= FLOOD and not window.has_room_for_any(samples, sender=sender):
            raise TooManySeriesError(
                sender, n_series=len(samples.keys), n_held=window.series_by_sender.get(sender, 0)
            )
