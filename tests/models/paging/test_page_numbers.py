"""Records of pages, budgets, merging, silence and maintenance, with numbers worked out by hand."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from features.calendar import CLOCKS, Phase
from features.frame import Frame
from models.paging.maintenance import Maintenance, muted_items
from models.paging.merging import rate_before_merging, replayed_calls
from models.paging.normal_period_scores import NormalPeriodScores, normal_period_scores
from models.paging.page_record import (
    GRID,
    PageRecord,
    count_by_series,
    page_record,
    record_arrays,
    record_from_arrays,
)
from models.paging.rules import Watched
from models.paging.silence import sending_phases, silent_items
from models.paging.team_budgets import TeamBudget, team_budgets, watched_series
from models.state import NEVER_MS
from telemetry.batches import SeriesKey

MINUTE_MS, WEEK_MS = 60_000, 604_800_000
ITEMS = tuple(f"item-{number:03d}" for number in range(100))


def alone(item: str) -> frozenset[str]:
    return frozenset({item})


def one_point_each(weeks: float = 1.0) -> NormalPeriodScores:
    """A hundred series, of which a threshold of 200 / n lets n page, each once."""
    places = np.arange(100)
    scores = (200.2 / (places + 1)).astype(np.float32)
    return NormalPeriodScores(places * 1_000_000, places.astype(np.int32), scores, np.full(100, weeks))


def watched_at(rate: float) -> Watched:
    return Watched(ITEMS, ITEMS, np.full(100, 1 / rate))


def test_a_normal_period_is_replayed_call_by_call() -> None:
    calls = replayed_calls(one_point_each(), watched_at(0.01), alone)
    assert [(call.item, call.since_ms, call.is_page) for call in calls] == [
        ("item-000", 0, True),
        ("item-001", 1_000_000, True),
    ]
    assert [calls[0].score, calls[0].threshold] == pytest.approx([200.2, 100.0])


def test_merging_is_counted_at_doubled_rates_until_fifty_pages_and_more_than_asked() -> None:
    before = rate_before_merging(one_point_each(), watched_at, alone, largest=0.3)
    # 1, 2, 4, 8, 16, 32 and 64 pages, each count a deviation too high: 72 at a rate of 0.32
    counted = [n + n**0.5 for n in (64, 32, 16, 8, 4, 2, 1)]
    area = (sum(counted) - (counted[0] + counted[-1]) / 2) * np.log(2)
    fall = (counted[0] - counted[-1] + 100) / (area + 100)
    assert before(0.72) == pytest.approx(0.32)
    assert before(10.0) == pytest.approx(0.32)
    assert before(0.36) == pytest.approx(0.32 * 2 ** (-1 / fall))


def test_merging_is_counted_up_to_the_largest_rate_asked_for() -> None:
    before = rate_before_merging(one_point_each(), watched_at, alone, largest=0.7)
    assert (before(1.1), before(0.72)) == pytest.approx((0.64, 0.32))


@pytest.mark.parametrize("weeks", [0.0, 0.001])
def test_too_little_time_or_too_few_pages_leave_the_rate_alone(weeks: float) -> None:
    before = rate_before_merging(one_point_each(weeks), watched_at, alone, largest=0.3)
    assert before(0.36) == 0.36


def a_normal_period(weeks: list[float]) -> NormalPeriodScores:
    points = np.array([5, 9]), np.array([0, 1], dtype=np.int32), np.array([50.0, 60.0], dtype=np.float32)
    return NormalPeriodScores(*points, np.array(weeks))


KEYS = (SeriesKey("order", "latency_s"), SeriesKey("funds", "latency_s"), SeriesKey("order", "errors"))


def a_record(weeks: list[float]) -> PageRecord:
    pages = np.array([[100, 300, 800], [50, 50, 100]], dtype=np.int32)
    return PageRecord(
        np.array([10.0, 100.0]), pages, a_normal_period(weeks), a_normal_period([1.0, 1.0, 1.0])
    )


def test_each_metric_has_a_curve_of_its_own_from_ten_weeks_on() -> None:
    curves = a_record([4.0, 6.0, 9.9]).curves([key.metric for key in KEYS])
    np.testing.assert_allclose(np.exp(curves["latency_s"].log_rates), [40.0, 10.0])
    np.testing.assert_allclose(np.exp(curves["errors"].log_rates), [1200 / 19.9, 200 / 19.9])
    assert list(curves) == ["latency_s", "errors"]
    own = a_record([4.0, 6.0, 10.0]).curves([key.metric for key in KEYS])["errors"]
    np.testing.assert_allclose(np.exp(own.log_rates), [80.0, 10.0])


def test_pages_are_counted_with_the_governor_of_people_and_progress_is_reported() -> None:
    values = np.array([[4.1, 9.0], [4.1, np.nan], [4.1, 9.0]])
    scores = Frame(0, 20 * MINUTE_MS, KEYS[:2], values)
    done: list[float] = []
    counted = count_by_series(scores, np.array([4.0, 8.0]), progress=done.append)
    assert counted.tolist() == [[1, 2], [0, 1]]  # a page raises 8 to 12, and 4 to 6
    assert counted.dtype == np.int32
    assert done == [0.5, 1.0]


def test_a_record_stores_what_is_over_the_threshold_of_two_pages_a_week() -> None:
    values = np.zeros((1000, 2))
    values[::40, 0], values[20::40, 1] = 20.0, 4.0
    frame = Frame(0, 30 * MINUTE_MS, KEYS[1:], values)
    done: list[float] = []
    record = page_record(frame, frame, thresholds=np.array([3.5, 8.0]), progress=done.append)
    assert record.pages.tolist() == count_by_series(frame, np.array([3.5, 8.0])).tolist()
    np.testing.assert_array_equal(record.thresholds, [3.5, 8.0])
    assert done == [0.5, 1.0]
    limit = record.curve().threshold_for(2.0)  # too few weeks for curves of metrics
    for part in (record.calibrated, record.replayed):
        expected = normal_period_scores(frame, np.full(2, limit))
        np.testing.assert_array_equal(part.scores, expected.scores)
        np.testing.assert_array_equal(part.weeks, expected.weeks)
        assert len(part.scores) > 0


def test_pages_are_counted_at_64_thresholds_from_3_to_1000_each_the_same_factor_higher() -> None:
    assert (len(GRID), GRID[0], GRID[-1]) == (64, 3.0, 1000.0)
    np.testing.assert_allclose(np.diff(np.log(GRID)), np.log(1000 / 3) / 63)


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"thresholds": np.array([1, 2])}, "its page record has no thresholds"),
        ({"thresholds": np.array([[1.0, 2.0]])}, "its page record has no thresholds"),
        ({"thresholds": np.empty(0)}, "its page record has no thresholds"),
        (
            {"thresholds": np.array([0.0, 1.0])},
            "the thresholds of its page record are not positive and rising",
        ),
        (
            {"thresholds": np.array([1.0, 1.0])},
            "the thresholds of its page record are not positive and rising",
        ),
        (
            {"thresholds": np.array([1.0, np.inf])},
            "the thresholds of its page record are not positive and rising",
        ),
        (
            {"pages": np.zeros((1, 3), dtype=np.int32)},
            "the pages of its page record are not counts by threshold and series",
        ),
        (
            {"pages": np.array([[0, 0, 0], [0, -1, 0]], dtype=np.int32)},
            "the pages of its page record are not counts by threshold and series",
        ),
        (
            {"replayed_scores": np.array([1.0, np.nan], dtype=np.float32)},
            "its normal period is out of order or has points without a score",
        ),
        (
            {"calibrated_times_ms": np.array([9, 5])},
            "its normal period is out of order or has points without a score",
        ),
        (
            {"replayed_columns": np.array([0, 3], dtype=np.int32)},
            "its normal period has points of series beyond its 3",
        ),
        (
            {"replayed_columns": np.array([-1, 0], dtype=np.int32)},
            "its normal period has points of series beyond its 3",
        ),
        (
            {"replayed_weeks": np.array([1.0, -1.0, 1.0])},
            "the weeks of its normal period are negative or not finite",
        ),
        (
            {"replayed_weeks": np.array([1.0, np.nan, 1.0])},
            "the weeks of its normal period are negative or not finite",
        ),
        ({"replayed_weeks": np.array([1.0])}, "weeks of its normal period is float64 (1,), not (3,)"),
        ({"replayed_columns": np.array([0, 1])}, "columns of its normal period is int64 (2,), not (2,)"),
    ],
)
def test_a_damaged_record_is_refused_with_the_reason(changed: dict[str, Any], problem: str) -> None:
    arrays = record_arrays(a_record([4.0, 6.0, 10.0]))
    assert sorted(arrays) == sorted(record_arrays(record_from_arrays(arrays, 3)))
    with pytest.raises(ValueError, match=f"^{re.escape(problem)}$"):
        record_from_arrays(arrays | changed, 3)


@pytest.mark.parametrize("name", ["thresholds", "pages", "calibrated_times_ms", "replayed_weeks"])
def test_a_record_without_one_of_its_arrays_is_refused(name: str) -> None:
    arrays = record_arrays(a_record([4.0, 6.0, 10.0]))
    del arrays[name]
    with pytest.raises(ValueError, match=r"page record|normal period"):
        record_from_arrays(arrays, 3)


def test_points_at_once_are_not_out_of_order_and_no_time_is_a_time() -> None:
    arrays = record_arrays(a_record([0.0, 0.0, 0.0])) | {"calibrated_times_ms": np.array([5, 5])}
    assert record_from_arrays(arrays, 3).calibrated.times_ms.tolist() == [5, 5]


def test_a_budget_is_shared_over_all_series_of_a_team() -> None:
    budgets = team_budgets(("web", "data", "web"), {"web": 3.0}, default_budget=12.0)
    assert list(budgets) == ["data", "web"]
    assert (budgets["web"].team, budgets["web"].budget_per_week) == ("web", 3.0)
    assert [each.columns.tolist() for each in budgets.values()] == [[1], [0, 2]]
    assert [each.per_series for each in budgets.values()] == [12.0, 1.5]


def test_every_series_gets_the_threshold_of_its_metric_at_its_team_s_share() -> None:
    record = a_record([4.0, 6.0, 10.0])
    teams = ("web", "data", "web")
    budgets = {
        "web": TeamBudget("web", 20.0, np.array([0, 2])),
        "data": TeamBudget("data", 40.0, np.array([1])),
    }
    watched = watched_series(KEYS, teams, budgets, record, alone)
    assert (watched.items, watched.teams) == (("order", "funds", "order"), teams)
    np.testing.assert_allclose(watched.thresholds, [100.0, 10.0, 100.0])  # nothing is known of merging


def test_no_team_at_all_watches_nothing() -> None:
    empty = np.empty(0)
    nothing = NormalPeriodScores(
        empty.astype(np.int64), empty.astype(np.int32), empty.astype(np.float32), empty
    )
    record = PageRecord(np.array([10.0]), np.zeros((1, 0), dtype=np.int32), nothing, nothing)
    assert len(watched_series((), (), {}, record, alone).thresholds) == 0


@pytest.mark.parametrize(("after_ms", "silent"), [(600_000, set()), (600_001, {"db"})])
def test_an_item_is_silent_ten_minutes_after_its_last_value(after_ms: int, silent: set[str]) -> None:
    items = ("db", "app", "db", "new")
    seen = np.array([0, 600_001, NEVER_MS, NEVER_MS])
    assert silent_items(items, seen, after_ms, after_ms=600_000) == silent


def test_a_source_is_missed_in_phases_in_which_it_sends_nine_ticks_of_ten() -> None:
    values = np.full((10, 3), np.nan)
    values[:9, 0], values[:4, 1], values[4:8, 2] = 1.0, 1.0, 1.0
    keys = (SeriesKey("a", "x"), SeriesKey("b", "x"), SeriesKey("b", "y"))
    [phase] = set(CLOCKS["always"].phases(np.arange(10)).tolist())
    assert sending_phases(Frame(0, MINUTE_MS, keys, values), CLOCKS["always"]) == {
        "a": frozenset({phase}),
        "b": frozenset(),  # eight of ten, of its two series together
    }


def test_maintenance_is_half_open_and_covers_by_item_or_team() -> None:
    window = Maintenance(frozenset({"db"}), frozenset({"web"}), 5, 10)
    assert [window.is_on(at_ms, Phase.NIGHT) for at_ms in (4, 5, 9, 10)] == [False, True, True, False]
    assert [window.covers(*each) for each in (("db", "x"), ("x", "web"), ("x", "x"))] == [True, True, False]
    other = Maintenance(frozenset({"mail"}), frozenset(), 0, 6)
    teams = {"db": "data", "app": "web", "mail": "post", "rest": "rest"}
    at = {at_ms: muted_items([window, other], teams, at_ms=at_ms, phase=Phase.NIGHT) for at_ms in (4, 5, 9)}
    assert at == {4: {"mail"}, 5: {"db", "app", "mail"}, 9: {"db", "app"}}
