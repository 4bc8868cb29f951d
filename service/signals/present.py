"""What "now" is, and which times are accepted."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from features.calendar import ExchangeClock
from service.settings import Present
from telemetry.instants import from_ms, to_ms

if TYPE_CHECKING:
    from datetime import datetime

    from features.calendar import Clock
    from service.clock import WallClock
    from service.settings import Settings
    from service.signals.in_use import InUseHolder


class PresentTime:
    """The present: the machine's time or, if the settings choose so, the end of the newest tick received.

    Parameters
    ----------
    clock
        The machine's time.
    holder
        Its window has the newest tick.
    """

    def __init__(self, settings: Settings, clock: WallClock, holder: InUseHolder) -> None:
        self._settings = settings
        self.clock = clock
        self._holder = holder
        self._advanced_to_ms = 0

    def now(self) -> datetime:
        """Return the present."""
        end_ms = max(self._holder.in_use.window.end_ms or 0, self._advanced_to_ms)
        if self._settings.present is Present.WALL or not end_ms:
            return self.clock.now()
        return from_ms(end_ms)

    def advance(self, until_ms: int) -> None:
        """Note that something other than samples was received up to an instant."""
        self._advanced_to_ms = max(self._advanced_to_ms, until_ms)

    def bring_back(self, latest_ms: int) -> int | None:
        """Forget what was received beyond the latest instant; return up to when it was, or ``None``."""
        stood_ms = self._advanced_to_ms
        if stood_ms <= latest_ms:
            return None
        self._advanced_to_ms = 0
        return stood_ms

    def accepted_ms(self) -> tuple[int, int]:
        """Return the earliest and the latest time that is accepted from a sender."""
        if self._settings.present is Present.SIGNALS:
            return 0, self.latest_ms()
        return to_ms(self.clock.now() - self._settings.accepted_past), self.latest_ms()

    def latest_ms(self) -> int:
        """Return the latest time that anything received can have, by the machine's clock."""
        return to_ms(self.clock.now() + self._settings.accepted_future)


def calendar_known(clock: Clock, at: datetime) -> bool:
    """Whether the calendar of the exchange has the day of an instant; true without an exchange."""
    if not isinstance(clock, ExchangeClock):
        return True
    return clock.calendar_known(at.astimezone(ZoneInfo(clock.time_zone)).date())
