"""How the first stage handles input that is damaged, degenerate, or moved by the calendar."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from features.calendar import CLOCKS, DAY_MS, Clock, ExchangeClock
from features.frame import Frame, frame_of
from models.detectors.first_stage import Scores, Status, fit_baseline, initial_state, score
from telemetry.batches import Samples, SeriesKey

ALWAYS = CLOCKS["always"]
MINUTE_MS = 60_000
MIDNIGHT_MS = 20_000 * DAY_MS
NORMAL_LIMIT = 8.0
"""Scores of normal noise stay below this."""


def series(values: np.ndarray, start_ms: int = MIDNIGHT_MS) -> Frame:
    return Frame(start_ms, MINUTE_MS, (SeriesKey("order", "queue_length"),), values.reshape(-1, 1))


def noise(n_ticks: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=n_ticks)


def live_after(learned: Frame, live: Frame, clock: Clock = ALWAYS) -> Scores:
    baseline = fit_baseline(learned, clock)
    state, _ = score(learned, baseline, clock, initial_state(baseline, clock))
    return score(live, baseline, clock, state)[1]


@pytest.mark.parametrize(
    "history",
    [
        pytest.param(np.full(3000, np.nan), id="only nan"),
        pytest.param(np.full(1, 7.0), id="one point"),
        pytest.param(np.full(3000, 1e308), id="beyond measure"),
    ],
)
def test_a_series_without_usable_history_warms_up_before_it_is_scored(history: np.ndarray) -> None:
    learned = series(history)
    live = score(series(7 + noise(100), learned.end_ms), fit_baseline(learned, ALWAYS), ALWAYS)[1]
    assert live.status[0, 0] == Status.WARMING_UP
    assert live.status[-1, 0] == Status.SCORED
    assert np.nanmax(live.values) < NORMAL_LIMIT


def test_a_constant_series_scores_nothing_until_it_moves() -> None:
    learned = series(np.full(3000, 7.0))
    live = live_after(learned, series(np.array([7.0, 7.0, 8.0]), learned.end_ms))
    assert live.values[:2, 0].tolist() == [0.0, 0.0]
    assert live.values[2, 0] > NORMAL_LIMIT


def test_one_damaged_value_is_missing_and_changes_no_later_score() -> None:
    learned = series(100 + noise(3000))
    values = 100 + noise(20)
    damaged, absent = values.copy(), values.copy()
    damaged[5], absent[5] = 1e308, np.nan
    one, other = (live_after(learned, series(each, learned.end_ms)) for each in (damaged, absent))
    assert one.status[5, 0] == Status.MISSING
    np.testing.assert_array_equal(one.values, other.values)


def test_negative_values_score_as_their_mirror_image() -> None:
    learned, live = 100 + noise(3000), 100 + 5 * noise(200)
    begin = MIDNIGHT_MS + 3000 * MINUTE_MS
    up = live_after(series(learned), series(live, begin))
    down = live_after(series(-learned), series(-live, begin))
    np.testing.assert_array_equal(up.values, down.values)


def test_a_counter_is_scored_by_its_rate_and_a_reset_is_no_jump() -> None:
    rises = 600 + 10 * noise(3100)
    rises[3050] += 600
    counts = 1e9 + np.cumsum(rises)
    counts[3020:] -= counts[3020] - 3.0
    rows = [("order", "orders_total", tick * MINUTE_MS, count) for tick, count in enumerate(counts)]
    frame = frame_of(Samples.from_rows(rows), step_ms=MINUTE_MS, start_ms=0, end_ms=3100 * MINUTE_MS)
    learned, live = frame.between(0, 3000 * MINUTE_MS), frame.between(3000 * MINUTE_MS, frame.end_ms)
    scores = live_after(learned, live)
    assert scores.status[20, 0] == Status.MISSING
    assert scores.values[50, 0] > 30, "twice as many orders as in a usual minute"
    normal = np.delete(scores.values[:, 0], [20, 50])
    assert normal.max() < NORMAL_LIMIT


def test_a_daily_step_at_midnight_is_learned_and_a_first_step_is_not() -> None:
    minutes = np.arange(11 * 1440)
    daily = np.where(minutes % 1440 < 360, 100.0, 10.0) + noise(len(minutes))
    flat = 10 + noise(len(minutes))
    last = 10 * 1440
    learned_daily, live_daily = series(daily[:last]), series(daily[last:], MIDNIGHT_MS + 10 * DAY_MS)
    first_step = series(flat[last:] + 90, MIDNIGHT_MS + 10 * DAY_MS)
    known = np.nanmax(live_after(learned_daily, live_daily).values)
    first = live_after(series(flat[:last]), first_step).values[0, 0]
    assert known < NORMAL_LIMIT < first / 4


def test_a_daily_hour_of_ten_times_the_load_is_usual_and_the_same_load_at_another_hour_is_not() -> None:
    minutes = np.arange(11 * 1440)
    daily = np.where(minutes % 1440 // 60 == 12, 1000.0, 100.0) + noise(len(minutes))
    last = 10 * 1440
    learned, live = series(daily[:last]), daily[last:].copy()
    usual = live_after(learned, series(live, MIDNIGHT_MS + 10 * DAY_MS)).values[:, 0]
    assert usual.max() < NORMAL_LIMIT, "neither the minute before it begins nor the one after it ends"
    live[15 * 60 : 16 * 60] = 1000.0
    other = live_after(learned, series(live, MIDNIGHT_MS + 10 * DAY_MS)).values[:, 0]
    assert other[15 * 60] > 10 * NORMAL_LIMIT
    assert other[: 15 * 60].max() < NORMAL_LIMIT


def test_a_season_by_the_wall_clock_survives_the_change_to_daylight_saving() -> None:
    zone = ZoneInfo("America/New_York")
    first = datetime(2026, 2, 23, tzinfo=zone)  # a Monday, two weeks before the clocks change
    start_ms = int(first.timestamp()) * 1000
    n_ticks = 16 * 1440
    begin = first.astimezone(UTC)
    hours = [(begin + timedelta(minutes=each)).astimezone(zone).hour for each in range(n_ticks)]
    busy = series(np.where(np.array(hours) == 12, 100.0, 10.0) + noise(n_ticks), start_ms)
    switched = start_ms + 14 * DAY_MS
    learned, live = busy.between(start_ms, switched), busy.between(switched, busy.end_ms)
    by_wall = live_after(learned, live, ExchangeClock(calendar="XNYS", time_zone="America/New_York"))
    in_utc = live_after(learned, live)
    assert np.count_nonzero(by_wall.values > NORMAL_LIMIT) < 10, "the blur of four steps in two days"
    assert np.count_nonzero(in_utc.values > NORMAL_LIMIT) > 60, "in UTC the busy hour comes an hour too early"
