"""Days listed by an operator take precedence over the published calendar."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.calendar import CLOCKS, AlwaysClock, ExchangeClock, overridden
from features.calendar_overrides import (
    NO_OVERRIDES,
    BadOverridesError,
    CalendarOverrides,
    read_overrides,
)

SATURDAY, MONDAY, TUESDAY = date(2027, 2, 6), date(2027, 2, 8), date(2027, 2, 9)  # after the calendar's end

days = st.dates(date(1990, 1, 1), date(2100, 1, 1))


@given(st.frozensets(days), st.frozensets(days), st.none() | days)
def test_listed_days_are_read(
    closures: frozenset[date], openings: frozenset[date], known_until: date | None
) -> None:
    expected = CalendarOverrides(closures, openings - closures, known_until)
    lines = [
        f"closures = [{', '.join(map(str, expected.closures))}]",
        f"openings = [{', '.join(map(str, expected.openings))}]  # drills",
        "" if known_until is None else f"known_until = {known_until}",
    ]
    assert read_overrides("\n".join(lines)) == expected


def test_nothing_listed_changes_nothing() -> None:
    assert read_overrides("# none yet") == NO_OVERRIDES
    assert overridden(CLOCKS["XSHG"], NO_OVERRIDES) == CLOCKS["XSHG"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("closures = [2027-02-30]", "closures"),
        ("closures = 2027-02-08", "closures must be a list of days"),
        ('closures = ["2027-02-08"]', "2027-02-08 is not a day"),
        ("openings = [2027-02-08T09:30:00]", "is not a day"),
        ("known_until = 2027", "known_until: 2027 is not a day"),
        ("closed = []", "unknown keys: closed"),
        ("closures = [2027-02-08]\nopenings = [2027-02-08]", "2027-02-08 both opens and closes"),
        ("closures = [", ""),
        ("closures = " + "[" * 100_000, ""),
        ("closures = [" + "9" * 10_000 + "]", ""),
        ("\x00", ""),
    ],
)
def test_invalid_lists_give_a_clear_error(text: str, reason: str) -> None:
    with pytest.raises(BadOverridesError) as caught:
        read_overrides(text)
    assert reason in caught.value.reason or "Invalid date" in caught.value.reason
    assert len(str(caught.value)) < 300


def test_listed_days_decide_and_are_known() -> None:
    clock = overridden(CLOCKS["XSHG"], read_overrides(f"closures = [{MONDAY}]\nopenings = [{SATURDAY}]"))
    assert isinstance(clock, ExchangeClock)
    assert [clock.is_trading_day(day) for day in (SATURDAY, MONDAY, TUESDAY)] == [True, False, True]
    assert [clock.calendar_known(day) for day in (SATURDAY, MONDAY, TUESDAY)] == [True, True, False]


def test_a_complete_list_makes_every_day_up_to_its_end_known() -> None:
    clock = ExchangeClock(known_until=MONDAY)
    assert [clock.calendar_known(day) for day in (SATURDAY, MONDAY, TUESDAY)] == [True, True, False]
    assert ExchangeClock(known_until=date(2020, 1, 1)).calendar_known(date(2026, 12, 31))


def test_an_item_without_an_exchange_has_no_calendar_to_override() -> None:
    clock = AlwaysClock()
    assert overridden(clock, CalendarOverrides(closures=frozenset({MONDAY}))) is clock
