"""Which ticks an incident is compared with, and when it began, worked out by hand."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pytest
from builders import MINUTE_MS, ONSET
from numpy.typing import NDArray

from features.calendar import AlwaysClock, ExchangeClock
from features.frame import Frame
from features.golden import Role
from models.cases.first_change import first_changed_tick
from models.cases.normal_ticks import comparable_ticks
from telemetry.batches import SeriesKey

KEYS = (SeriesKey("app", "latency_s"), SeriesKey("db", "latency_s"))


def ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def a_frame_of(values: NDArray[np.float64], start: datetime) -> Frame:
    return Frame(ms(start), MINUTE_MS, KEYS, values)


def full(n_ticks: int, start: datetime) -> Frame:
    return a_frame_of(np.ones((n_ticks, 2)), start)


WINDOW = full(10, ONSET)


def test_ticks_that_end_before_the_stretch_are_compared_with() -> None:
    normal = full(60, ONSET - timedelta(minutes=60))
    chosen, notes = comparable_ticks(normal, ms(ONSET), WINDOW, AlwaysClock(), ["app"])
    assert (chosen.tolist(), notes) == (list(range(60)), ())
    chosen, _ = comparable_ticks(normal, ms(ONSET) - 1, WINDOW, AlwaysClock(), ["app"])
    assert chosen.tolist() == list(range(59))


def test_six_hundred_ticks_that_hold_values_are_chosen_the_nearest_first() -> None:
    values = np.ones((700, 2))
    values[[5, 699], 0] = np.nan
    values[300:350, 1] = np.nan
    normal = a_frame_of(values, ONSET - timedelta(minutes=700))
    chosen, notes = comparable_ticks(normal, ms(ONSET), full(0, ONSET), AlwaysClock(), ["app"])
    assert chosen.tolist() == list(range(99, 699))  # without a window the last ones
    assert notes == (
        "1 ticks without any value were left out of normal operation: 600 ticks remain to compare with.",
    )
    _, notes = comparable_ticks(normal, ms(ONSET), full(0, ONSET), AlwaysClock(), ["app", "db"])
    assert notes == ()


def test_ticks_after_the_window_are_counted_and_left_out() -> None:
    normal = full(100, ONSET - timedelta(minutes=50))
    chosen, notes = comparable_ticks(normal, ms(ONSET), WINDOW, AlwaysClock(), ["app"])
    assert chosen.tolist() == list(range(50))
    assert notes == (
        "40 ticks after the incident's window were left out: what follows an incident is not normal.",
    )
    many = full(700, ONSET + timedelta(minutes=10))
    _, notes = comparable_ticks(many, ms(ONSET), WINDOW, AlwaysClock(), ["app"])
    assert notes[0].startswith("600 ticks or more after")


@pytest.mark.parametrize(("n_morning", "is_enough"), [(30, True), (29, False)])
def test_thirty_ticks_of_the_same_phase_are_enough(n_morning: int, *, is_enough: bool) -> None:
    clock = ExchangeClock()
    normal = full(
        24 * 60, ONSET - timedelta(days=1, minutes=n_morning)
    )  # up to the same time of the day before
    values = normal.values.astype(np.float64)
    is_morning = clock.phases(normal.times_ms) == clock.phases(WINDOW.times_ms[:1])
    places = np.flatnonzero(is_morning)
    values[places[n_morning:]] = np.nan
    normal = a_frame_of(values, ONSET - timedelta(days=1, minutes=n_morning))
    chosen, notes = comparable_ticks(normal, ms(ONSET), WINDOW, clock, ["app"])
    if is_enough:
        assert chosen.tolist() == places[:30].tolist()
    else:
        assert len(chosen) == 600
        assert notes[0] == "no normal history of this session phase: compared with all of it"


def change_at(
    latency: list[float], *, candidates: range | None = None, end: int | None = None, **more: list[float]
) -> int | None:
    around = {Role.LATENCY: np.array(latency)[:, None]}
    around |= {Role[name.upper()]: np.array(each)[:, None] for name, each in more.items()}
    usual = {role: np.ones((9, 1)) for role in around}
    return first_changed_tick(around, usual, candidates or range(1, len(latency)), end or len(latency))


def test_an_incident_begins_with_the_ticks_that_lie_far_from_usual() -> None:
    assert change_at([1.0, 1.0, 1.0, 2.0, 2.0]) == 3
    assert (
        change_at([1.0, 1.0, 2.0, 1.0, 2.0, 2.0]) == 2
    )  # 3 · 10 over four ticks is more than 2 · 10 over two
    assert change_at([1.0, 1.0, np.nan, 2.0, np.nan]) == 2
    assert change_at([1.0] * 5) is None
    assert change_at([1.0, 0.0, 0.0]) == 1


@pytest.mark.parametrize(("level", "found"), [(1.26, None), (1.36, 2), (1.35, None)])
def test_one_tick_at_seven_spreads_is_a_change(level: float, found: int | None) -> None:
    assert change_at([1.0, 1.0, level]) == found  # the least spread is a twentieth


def test_series_that_change_together_are_added_up_and_requests_do_not_count() -> None:
    late, early = [1.0, 1.0, 1.0, 1.5, 1.5], [1.0, 1.0, 2.0, 2.0, 2.0]
    assert change_at(late, cpu=early) == 2
    assert change_at(late, requests=[1.0, 9.0, 9.0, 9.0, 9.0]) == 3
    assert change_at(early, candidates=range(3, 5)) == 3
    assert change_at(early, end=2) is None
