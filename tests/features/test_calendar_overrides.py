from __future__ import annotations

from datetime import UTC, date, datetime

import numpy as np
import pytest

from features.calendar import CLOCKS, ExchangeClock, Phase, overridden
from features.calendar_overrides import BadOverridesError, CalendarOverrides, read_overrides
from telemetry.instants import to_ms

NEW_YEAR, DRILL, LAST = date(2027, 1, 1), date(2026, 3, 7), date(2027, 12, 31)
LISTED = "closures = [2027-01-01]\nopenings = [2026-03-07]\nknown_until = 2027-12-31\n"


def test_listed_days_take_precedence_over_the_calendar() -> None:
    found = read_overrides(LISTED)
    assert found == CalendarOverrides(frozenset({NEW_YEAR}), frozenset({DRILL}), LAST)
    clock = overridden(CLOCKS["XSHG"], found)
    assert isinstance(clock, ExchangeClock)
    assert not clock.is_trading_day(NEW_YEAR)
    assert clock.is_trading_day(DRILL)
    ten_in_shanghai = np.array([to_ms(datetime(2026, 3, 7, 2, tzinfo=UTC))])
    assert clock.phases(ten_in_shanghai) == [Phase.MORNING]
    assert clock.n_slots == CLOCKS["XSHG"].n_slots


def test_days_are_known_as_far_as_they_are_listed_in_full() -> None:
    clock = overridden(CLOCKS["XSHG"], read_overrides(LISTED))
    assert isinstance(clock, ExchangeClock)
    assert clock.calendar_known(date(2027, 6, 1))
    assert not clock.calendar_known(date(2028, 1, 1))
    bare = overridden(CLOCKS["XSHG"], read_overrides(""))
    assert isinstance(bare, ExchangeClock)
    assert bare.calendar_known(date(2026, 6, 1))


def test_a_clock_without_an_exchange_has_no_days_to_override() -> None:
    assert overridden(CLOCKS["always"], read_overrides(LISTED)) is CLOCKS["always"]


@pytest.mark.parametrize(
    "text",
    [
        "closures = ",
        "holidays = [2027-01-01]",
        'closures = ["2027-01-01"]',
        "closures = [2027-01-01T00:00:00Z]",
        "closures = 2027-01-01",
        "known_until = 2027",
        "closures = [2027-01-01]\nopenings = [2027-01-01]",
    ],
)
def test_text_that_is_not_a_list_of_days_is_rejected(text: str) -> None:
    with pytest.raises(BadOverridesError, match="closures and openings"):
        read_overrides(text)
