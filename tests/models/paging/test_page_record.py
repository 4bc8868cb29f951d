from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.frame import Frame
from models.paging.normal_period_scores import NormalPeriodScores
from models.paging.page_curve import USUAL_FALL, page_curve
from models.paging.page_record import (
    GRID,
    PageRecord,
    count_by_series,
    page_record,
    record_arrays,
    record_from_arrays,
)
from models.paging.team_budgets import team_budgets, watched_series
from models.paging.thresholds import pages_of
from telemetry.batches import SeriesKey

MINUTE_MS = 60_000
COUNTS = st.lists(st.integers(0, 10_000), min_size=1, max_size=12)
RATES = st.floats(1e-6, 1e3)


@settings(max_examples=100, deadline=None)
@given(COUNTS, st.floats(0.0, 1e4), RATES, RATES)
def test_a_smaller_budget_never_lowers_the_threshold(
    pages: list[int], weeks: float, one: float, other: float
) -> None:
    curve = page_curve(np.geomspace(3.0, 300.0, len(pages)), np.array(pages), weeks)
    small, large = sorted([one, other])
    assert np.isfinite(curve.threshold_for(small))
    assert curve.threshold_for(small) >= curve.threshold_for(large) >= 3.0 - 1e-9


@settings(max_examples=100, deadline=None)
@given(COUNTS, RATES)
def test_the_rate_at_the_threshold_for_a_rate_is_that_rate(pages: list[int], rate: float) -> None:
    curve = page_curve(np.geomspace(3.0, 300.0, len(pages)), np.array(pages), 10.0)
    threshold = curve.threshold_for(rate)
    if threshold > np.exp(curve.levels[0]) + 1e-9:  # otherwise even the first threshold pages less often
        assert curve.rate(threshold) == pytest.approx(rate, rel=1e-6)


def test_a_tail_falls_as_counted_and_as_usual_where_counts_are_small() -> None:
    thresholds = np.geomspace(3.0, 300.0, 200)
    for power in (1.5, 3.0, 6.0):
        many, few = (page_curve(thresholds, n * (thresholds / 3.0) ** -power, 10.0) for n in (4000, 5))
        assert abs(many.fall - power) < 0.85 * abs(USUAL_FALL - power) + 0.1
        assert abs(few.fall - USUAL_FALL) < 0.5
    assert page_curve(thresholds, np.zeros(200), 10.0).fall == pytest.approx(USUAL_FALL)


def scores_of(values: np.ndarray) -> Frame:
    return Frame(0, MINUTE_MS, KEYS[: values.shape[1]], values)


def test_series_are_counted_as_they_would_have_paged() -> None:
    scores = scores_of(np.random.default_rng(0).exponential(2.0, size=(500, 3)))
    counted = count_by_series(scores, np.array([4.0, 8.0]))
    governed = np.ones(3, dtype=bool)
    for row, threshold in zip(counted, (4.0, 8.0), strict=True):
        naive = pages_of(scores.values, scores.times_ms, threshold=threshold, is_sparse=governed)
        assert row.tolist() == naive.sum(axis=0).tolist()


def test_a_record_holds_only_the_points_that_could_page() -> None:
    rng = np.random.default_rng(0)
    record = page_record(*(scores_of(rng.exponential(2.0, size=(5000, 4))) for _ in range(2)))
    assert record.pages.shape == (len(GRID), 4)
    for normal in (record.calibrated, record.replayed):
        assert 0 < len(normal.scores) < 1000
        assert normal.scores.min() > record.curve().threshold_for(2.0)
        assert normal.weeks == pytest.approx(5000 / (7 * 1440))


def a_record() -> PageRecord:
    """Errors need a higher score than latencies for the same rate; a rare metric has no curve of its own."""
    pages = np.array([[400, 400, 4000, 0], [40, 40, 400, 0]], dtype=np.int32)
    points = (
        np.array([5], dtype=np.int64),
        np.array([2], dtype=np.int32),
        np.array([50.0], dtype=np.float32),
    )
    normal = NormalPeriodScores(*points, np.array([20.0, 20.0, 40.0, 1.0]))
    return PageRecord(np.array([10.0, 100.0]), pages, normal, normal)


KEYS = (
    SeriesKey("order", "latency_s"),
    SeriesKey("funds", "latency_s"),
    SeriesKey("order", "error_ratio"),
    SeriesKey("order", "rare"),
)


def test_metrics_and_teams_differ_in_their_thresholds() -> None:
    record, teams = a_record(), ("trading", "funds", "trading", "trading")
    budgets = team_budgets(teams, {"trading": 3.0}, default_budget=12.0)
    assert budgets["trading"].per_series == pytest.approx(1.0)
    watched = watched_series(KEYS, teams, budgets, record, lambda item: {item})
    slow, funds, failing, _ = watched.thresholds
    assert failing > slow > funds
    curves = record.curves([key.metric for key in KEYS])
    assert curves["latency_s"].rate(slow) == pytest.approx(curves["error_ratio"].rate(failing))
    np.testing.assert_allclose(curves["rare"].levels, record.curve().levels)


def test_a_record_survives_a_round_trip_through_arrays() -> None:
    record = a_record()
    again = record_from_arrays(record_arrays(record), 4)
    for name, array in record_arrays(again).items():
        np.testing.assert_array_equal(array, record_arrays(record)[name])


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("thresholds", np.array([])),
        ("thresholds", np.array([2.0, 1.0])),
        ("thresholds", np.array([1.0, np.nan])),
        ("pages", np.zeros((2, 3), dtype=np.int32)),
        ("pages", np.full((2, 4), -1, dtype=np.int32)),
        ("pages", np.zeros((2, 4))),
        ("replayed_weeks", np.full(4, np.inf)),
        ("calibrated_columns", np.array([4], dtype=np.int32)),
    ],
)
def test_a_damaged_record_is_refused(name: str, array: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"page record|normal period"):
        record_from_arrays(record_arrays(a_record()) | {name: array}, 4)
