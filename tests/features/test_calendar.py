"""The trading-session clock at every border of the exchange day, and outside the calendar."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.calendar import (
    CLOCKS,
    DAY_MS,
    MINUTE_MS,
    SLOT_MINUTES,
    AlwaysClock,
    Clock,
    ExchangeClock,
    Phase,
)

SHANGHAI = ZoneInfo("Asia/Shanghai")
CLOCK = ExchangeClock()
TRADING_DAY, HOLIDAY, SATURDAY, BEYOND = (
    date(2026, 3, 4),
    date(2026, 10, 1),
    date(2026, 3, 7),
    date(2027, 1, 1),
)


def at_ms(day: date, hour: int, minute: int = 0, second: int = 0, *, zone: ZoneInfo = SHANGHAI) -> int:
    local = datetime(day.year, day.month, day.day, hour, minute, second, tzinfo=zone)
    return int(local.timestamp()) * 1000


def phase_at(clock: Clock, instant_ms: int) -> Phase:
    return Phase(int(clock.phases(np.array([instant_ms]))[0]))


def day_of(day: date) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return at_ms(day, 0) + MINUTE_MS * np.arange(1440, dtype=np.int64)


@pytest.mark.parametrize(
    ("hour", "minute", "before", "phase"),
    [
        (8, 30, Phase.NIGHT, Phase.PRE_OPEN),
        (9, 15, Phase.PRE_OPEN, Phase.AUCTION),
        (9, 30, Phase.AUCTION, Phase.MORNING),
        (11, 30, Phase.MORNING, Phase.LUNCH),
        (13, 0, Phase.LUNCH, Phase.AFTERNOON),
        (14, 57, Phase.AFTERNOON, Phase.CLOSE),
        (15, 0, Phase.CLOSE, Phase.AFTER_HOURS),
        (18, 0, Phase.AFTER_HOURS, Phase.BATCH),
        (23, 0, Phase.BATCH, Phase.NIGHT),
    ],
)
def test_a_phase_begins_on_its_minute_and_not_a_millisecond_sooner(
    hour: int, minute: int, before: Phase, phase: Phase
) -> None:
    border = at_ms(TRADING_DAY, hour, minute)
    assert phase_at(CLOCK, border - 1) is before
    assert phase_at(CLOCK, border) is phase
    slots = CLOCK.slots(np.array([border - 1, border]))
    assert slots[0] != slots[1], "no average spans a border"


@pytest.mark.parametrize("day", [HOLIDAY, SATURDAY, date(2026, 10, 10), date(2027, 1, 2)])
def test_a_day_without_trading_is_one_phase(day: date) -> None:
    assert set(CLOCK.phases(day_of(day)).tolist()) == {Phase.NON_TRADING_DAY}


def test_midnight_belongs_to_the_local_day() -> None:
    assert phase_at(CLOCK, at_ms(SATURDAY, 0)) is Phase.NON_TRADING_DAY
    assert phase_at(CLOCK, at_ms(SATURDAY, 0) - 1) is Phase.NIGHT


def test_a_make_up_day_trades_and_a_closed_one_does_not() -> None:
    clock = ExchangeClock(openings=frozenset({SATURDAY}), closures=frozenset({TRADING_DAY}))
    assert phase_at(clock, at_ms(SATURDAY, 10)) is Phase.MORNING
    assert phase_at(clock, at_ms(TRADING_DAY, 10)) is Phase.NON_TRADING_DAY
    assert phase_at(clock, at_ms(date(2026, 3, 5), 10)) is Phase.MORNING


def test_beyond_the_calendar_weekdays_trade_and_days_are_reported_as_unknown() -> None:
    assert CLOCK.calendar_known(date(2026, 12, 31))
    assert CLOCK.calendar_known(HOLIDAY)
    assert not CLOCK.calendar_known(BEYOND)
    assert not CLOCK.calendar_known(date(1999, 12, 31))
    assert CLOCK.is_trading_day(BEYOND), "a Friday"
    assert not CLOCK.is_trading_day(date(2027, 1, 2))
    assert ExchangeClock(closures=frozenset({BEYOND})).calendar_known(BEYOND)
    assert not ExchangeClock(closures=frozenset({BEYOND})).is_trading_day(BEYOND)


def test_shenzhen_has_the_days_of_shanghai() -> None:
    shenzhen = ExchangeClock(calendar="XSHE")
    assert not shenzhen.is_trading_day(HOLIDAY)
    assert shenzhen.is_trading_day(date(2026, 10, 9))


def test_a_calendar_that_is_computed_has_no_published_end() -> None:
    new_york = ExchangeClock(calendar="XNYS", time_zone="America/New_York")
    assert not new_york.is_trading_day(date(2026, 7, 3))
    assert new_york.is_trading_day(date(2026, 7, 6))


instants = st.integers(at_ms(date(2026, 2, 1), 0), at_ms(date(2027, 2, 1), 0))
exchange_clocks = st.sampled_from([CLOCK, ExchangeClock(openings=frozenset({SATURDAY}))])


@given(exchange_clocks, instants)
def test_a_slot_is_at_most_five_minutes_of_one_phase(clock: ExchangeClock, instant: int) -> None:
    around = instant + MINUTE_MS * np.arange(-30, 31, dtype=np.int64)
    slots, phases = clock.slots(around), clock.phases(around)
    same = slots == slots[30]
    assert set(phases[same].tolist()) == {phases[30]}
    assert np.ptp(np.flatnonzero(same)) < SLOT_MINUTES
    assert np.all(np.diff(np.flatnonzero(same)) == 1)


@given(instants)
def test_a_slot_does_not_depend_on_the_other_instants(instant: int) -> None:
    together = instant + 7 * MINUTE_MS * np.arange(-50, 51, dtype=np.int64)
    for clock in (CLOCK, AlwaysClock()):
        alone = [int(clock.slots(np.array([each]))[0]) for each in together]
        assert clock.slots(together).tolist() == alone


@pytest.mark.parametrize("clock", [CLOCK, AlwaysClock()])
def test_a_week_has_every_slot_and_no_other(clock: Clock) -> None:
    week = at_ms(date(2026, 3, 2), 0) + MINUTE_MS * np.arange(7 * 1440, dtype=np.int64)
    assert set(clock.slots(week).tolist()) == set(range(clock.n_slots))


def test_the_clock_without_an_exchange_knows_weekdays_and_weekends() -> None:
    clock, noon = AlwaysClock(), datetime(2026, 3, 2, 12, tzinfo=UTC)  # a Monday
    week = np.array([int((noon + timedelta(days=day)).timestamp()) * 1000 for day in range(7)])
    slots = clock.slots(week)
    assert len(set(slots[:5].tolist())) == 1
    assert len(set(slots[5:].tolist())) == 1
    assert slots[0] != slots[5]
    assert set(clock.phases(week).tolist()) == {Phase.ALWAYS}


@pytest.mark.parametrize("day", [date(2026, 3, 8), date(2026, 11, 1), date(2026, 7, 1)])
def test_a_zone_with_daylight_saving_follows_its_wall_clock(day: date) -> None:
    zone = ZoneInfo("America/New_York")
    clock = ExchangeClock(calendar="XNYS", time_zone="America/New_York", openings=frozenset({day}))
    for hour in range(4, 24):
        border = at_ms(day, hour, 59, zone=zone)
        expected = CLOCK.phases(np.array([at_ms(TRADING_DAY, hour, 59)]))
        assert clock.phases(np.array([border])).tolist() == expected.tolist(), hour


def test_an_empty_array_of_instants_is_accepted() -> None:
    nothing = np.array([], dtype=np.int64)
    for clock in CLOCKS.values():
        assert len(clock.slots(nothing)) == len(clock.phases(nothing)) == 0


def test_instants_before_the_epoch_have_a_phase() -> None:
    assert phase_at(CLOCK, -DAY_MS) is Phase.NIGHT, "eight in the morning of a Wednesday in Shanghai"
