"""The signals of a running service: how they are received, held and dated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from features.calendar_overrides import NO_OVERRIDES
from service.health import HealthRegistry
from service.masking import incoming_masks
from service.signals.history import HISTORY_PART
from service.signals.in_use import InUseHolder
from service.signals.intake import SignalIntake
from service.signals.labelled_intake import LabelledIntake
from service.signals.naming import NamesInUse
from service.signals.present import PresentTime

if TYPE_CHECKING:
    from datetime import datetime

    from features.calendar_overrides import CalendarOverrides
    from service.clock import WallClock
    from service.masking import IncomingMasks
    from service.settings import Settings
    from service.signals.history import SignalLog
    from service.signals.in_use import InUse


@dataclass(frozen=True)
class SignalsRoom:
    """Samples in; the window, bundle and ranker in use out."""

    history: SignalLog
    holder: InUseHolder
    time: PresentTime
    intake: SignalIntake
    labelled: LabelledIntake
    names: NamesInUse

    @property
    def in_use(self) -> InUse:
        """What is in use at this moment; a request reads it once and uses that throughout."""
        return self.holder.in_use

    def present(self) -> datetime:
        """Return what "now" is to the signals."""
        return self.time.now()


def signals_room(
    settings: Settings,
    history: SignalLog,
    clock: WallClock,
    *,
    masks: IncomingMasks | None = None,
    overrides: CalendarOverrides = NO_OVERRIDES,
    health: HealthRegistry | None = None,
) -> SignalsRoom:
    """Make the room; its window is rebuilt from the history when this returns.

    Parameters
    ----------
    clock
        The machine's time; what "now" is to the signals follows from the settings.
    masks
        What is masked in labels; those of the settings if there are none.
    overrides
        Days on which the exchange deviates from its calendar.
    health
        Where it is recorded whether the history can be written.
    """
    health = health or HealthRegistry(clock)
    holder = InUseHolder(settings, history, clock, overrides=overrides)
    time = PresentTime(settings, clock, holder)
    intake = SignalIntake(history, holder, time, health=health.record(HISTORY_PART, is_vital=True))
    labelled = LabelledIntake(intake, holder, time)
    names = NamesInUse(settings, masks or incoming_masks(settings))
    return SignalsRoom(history, holder, time, intake, labelled, names)
