"""The trading-session clock: which part of the exchange day an instant falls in.

Normal behaviour is learned per session phase, never per hour of the week alone: at 09:30 the market
opens and load jumps tenfold, but only on trading days.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from enum import IntEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol
from zoneinfo import ZoneInfo

import numpy as np

from telemetry.instants import from_ms

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from features.calendar_overrides import CalendarOverrides

MINUTE_MS = 60_000
QUARTER_MS = 15 * MINUTE_MS
DAY_MS = 86_400_000
SLOT_MINUTES = 5
MINUTES_A_DAY = 1_440


FIRST_DAY = "2000-01-01"
"""Earlier days of a published calendar are not loaded."""


class Phase(IntEnum):
    """The part of the exchange day."""

    NON_TRADING_DAY = 0
    NIGHT = 1
    PRE_OPEN = 2
    AUCTION = 3
    MORNING = 4
    LUNCH = 5
    AFTERNOON = 6
    CLOSE = 7
    AFTER_HOURS = 8
    BATCH = 9
    ALWAYS = 10


PHASE_STARTS: tuple[tuple[int, Phase], ...] = (
    (0, Phase.NIGHT),
    (8 * 60 + 30, Phase.PRE_OPEN),
    (9 * 60 + 15, Phase.AUCTION),
    (9 * 60 + 30, Phase.MORNING),
    (11 * 60 + 30, Phase.LUNCH),
    (13 * 60, Phase.AFTERNOON),
    (14 * 60 + 57, Phase.CLOSE),
    (15 * 60, Phase.AFTER_HOURS),
    (18 * 60, Phase.BATCH),
    (23 * 60, Phase.NIGHT),
)
"""First local minute of each phase of a trading day on the Shanghai and Shenzhen exchanges."""


class Clock(Protocol):
    """Groups instants into slots: an instant is compared with past ticks of its own slot.

    ``n_slots`` is the number of slots; a slot is at most five minutes of one kind of day and never
    straddles a phase boundary, so that no average spans 09:30.
    """

    @property
    def n_slots(self) -> int:
        """Number of slots."""
        ...

    def phases(self, times_ms: NDArray[np.int64]) -> NDArray[np.int8]:
        """Return the `Phase` of each instant, shape ``(n,)``."""
        ...

    def slots(self, times_ms: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the slot of each instant, shape ``(n,)``, each in ``[0, n_slots)``."""
        ...


@dataclass(frozen=True)
class AlwaysClock:
    """The clock of an item without an exchange: slots of the UTC day, separate for weekdays and weekends."""

    n_slots: int = 2 * MINUTES_A_DAY // SLOT_MINUTES

    def phases(self, times_ms: NDArray[np.int64]) -> NDArray[np.int8]:
        """Return `Phase.ALWAYS` for each instant, shape ``(n,)``."""
        return np.full(len(times_ms), Phase.ALWAYS, dtype=np.int8)

    def slots(self, times_ms: NDArray[np.int64]) -> NDArray[np.int64]:
        """Slot of each instant: five minutes of the day, separate for weekdays and weekends."""
        days, in_day = np.divmod(times_ms, DAY_MS)
        is_weekend = (days + 3) % 7 >= 5  # noqa: PLR2004  the epoch began on a Thursday
        slot: NDArray[np.int64] = in_day // (SLOT_MINUTES * MINUTE_MS)
        return slot + is_weekend * (MINUTES_A_DAY // SLOT_MINUTES)


@dataclass(frozen=True)
class ExchangeClock:
    """The clock of an exchange, based on a published calendar.

    Attributes
    ----------
    calendar
        A name known to ``exchange_calendars``; ``XSHE`` is read as ``XSHG``, which has the same days.
    closures, openings
        Days that override the calendar: extra closures, and make-up days or drills that trade.
    known_until
        Last day of the period after the published calendar for which all closures are listed.
    """

    calendar: str = "XSHG"
    time_zone: str = "Asia/Shanghai"
    closures: frozenset[date] = field(default_factory=frozenset)
    openings: frozenset[date] = field(default_factory=frozenset)
    known_until: date | None = None

    @property
    def n_slots(self) -> int:
        """Number of slots: those of a trading day, and those of a day without trading."""
        return int(_slot_of_minute()[0][-1]) + 1 + MINUTES_A_DAY // SLOT_MINUTES

    def is_trading_day(self, day: date) -> bool:
        """Whether the exchange opens on a local day; outside the calendar, weekdays count as trading days."""
        if day in self.openings:
            return True
        if day in self.closures:
            return False
        sessions, first, last = _sessions(self.calendar)
        return day in sessions if first <= day <= last else day.weekday() < 5  # noqa: PLR2004

    def calendar_known(self, day: date) -> bool:
        """Whether the published calendar or an override covers a local day."""
        _, first, last = _sessions(self.calendar)
        if self.known_until is not None:
            last = max(last, self.known_until)
        return day in self.openings or day in self.closures or first <= day <= last

    def phases(self, times_ms: NDArray[np.int64]) -> NDArray[np.int8]:
        """Return the `Phase` of each instant, shape ``(n,)``."""
        trades, minute = self._local(times_ms)
        return np.where(trades, _slot_of_minute()[1][minute], np.int8(Phase.NON_TRADING_DAY)).astype(np.int8)

    def slots(self, times_ms: NDArray[np.int64]) -> NDArray[np.int64]:
        """Slot of each instant: five minutes of a trading day within one phase, or of another day."""
        trades, minute = self._local(times_ms)
        trading_slot = _slot_of_minute()[0]
        return np.where(trades, trading_slot[minute], trading_slot[-1] + 1 + minute // SLOT_MINUTES)

    def _local(self, times_ms: NDArray[np.int64]) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
        """Whether the local day trades, and the local minute of the day, both shape ``(n,)``."""
        zone = ZoneInfo(self.time_zone)
        quarters, quarter_index = np.unique(times_ms // QUARTER_MS, return_inverse=True)
        offsets = [_utc_offset_ms(int(quarter), zone) for quarter in quarters]
        local_ms = times_ms + np.array(offsets, dtype=np.int64)[quarter_index]
        local_days, local_index = np.unique(local_ms // DAY_MS, return_inverse=True)
        epoch = date(1970, 1, 1)
        trades = [self.is_trading_day(epoch + timedelta(days=int(day))) for day in local_days]
        return np.array(trades, dtype=bool)[local_index], local_ms % DAY_MS // MINUTE_MS


def _utc_offset_ms(quarter: int, zone: ZoneInfo) -> int:
    """Offset of a zone in a quarter of an hour, counted since the epoch; no zone changes within one."""
    instant = from_ms(quarter * QUARTER_MS)
    offset = instant.astimezone(zone).utcoffset()
    return int((offset or timedelta()).total_seconds() * 1000)


@lru_cache(maxsize=1)
def _slot_of_minute() -> tuple[NDArray[np.int64], NDArray[np.int8]]:
    """Slot and phase of each local minute of a trading day, both shape ``(1440,)``."""
    minutes = np.arange(MINUTES_A_DAY)
    starts = np.array([start for start, _ in PHASE_STARTS])
    part = np.searchsorted(starts, minutes, side="right") - 1
    begins = np.zeros(MINUTES_A_DAY, dtype=bool)
    begins[::SLOT_MINUTES] = True
    begins[starts] = True
    phases = np.array([phase for _, phase in PHASE_STARTS], dtype=np.int8)[part]
    return np.cumsum(begins) - 1, phases


@lru_cache(maxsize=8)
def _sessions(calendar: str) -> tuple[frozenset[date], date, date]:
    """Trading days of a published calendar, with the first and last day it covers."""
    import exchange_calendars  # noqa: PLC0415  takes half a second, and only exchange clocks need it

    name = {"XSHE": "XSHG"}.get(calendar, calendar)
    known = exchange_calendars.get_calendar(name)
    last = type(known).bound_max()
    if last is not None:  # load all published days, or the result would depend on today's date
        known = exchange_calendars.get_calendar(name, start=FIRST_DAY, end=last)
    days = frozenset(stamp.date() for stamp in known.sessions)
    return days, known.first_session.date(), known.last_session.date()


def overridden(clock: Clock, overrides: CalendarOverrides) -> Clock:
    """Return the clock with an operator's overrides; only an exchange clock has a calendar to override."""
    if not isinstance(clock, ExchangeClock):
        return clock
    return replace(
        clock,
        closures=overrides.closures,
        openings=overrides.openings,
        known_until=overrides.known_until,
    )


CLOCKS: dict[str, Clock] = {"always": AlwaysClock(), "XSHG": ExchangeClock()}
"""The clocks that a setting can name."""
