from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.page_curve import page_curve
from models.page_record import (
    PageCount,
    PageRecord,
    count_by_series,
    record_arrays,
    record_from_arrays,
)
from models.team_budgets import team_budgets, watched_series
from models.thresholds import pages_of
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
    if threshold > np.exp(curve.levels[0]) + 1e-9:  # else even the first threshold pages less often
        assert curve.rate(threshold) == pytest.approx(rate, rel=1e-6)


def test_series_are_counted_as_they_would_have_paged() -> None:
    times_ms = np.arange(500, dtype=np.int64) * MINUTE_MS
    scores = np.random.default_rng(0).exponential(2.0, size=(500, 3))
    counted = count_by_series(scores, times_ms, step_ms=MINUTE_MS, thresholds=np.array([4.0, 8.0]))
    governed = np.ones(3, dtype=bool)
    for row, threshold in zip(counted.pages, (4.0, 8.0), strict=True):
        naive = pages_of(scores, times_ms, threshold=threshold, is_sparse=governed).sum(axis=0)
        assert row.tolist() == naive.tolist()
    assert counted.weeks == pytest.approx(500 / (7 * 1440))


def a_record() -> PageRecord:
    """Errors need a higher score than latencies for the same rate; a rare metric has no curve of its own."""
    thresholds = np.array([10.0, 100.0])
    pages = np.array([[40, 40, 400, 0], [4, 4, 40, 0]], dtype=np.int32)
    weeks = np.array([20.0, 20.0, 40.0, 1.0])
    return PageRecord(thresholds, PageCount(pages, weeks), PageCount(pages // 4, weeks / 4))


KEYS = (
    SeriesKey("order", "latency_s"),
    SeriesKey("funds", "latency_s"),
    SeriesKey("order", "error_ratio"),
    SeriesKey("order", "rare"),
)


def test_a_team_shares_its_budget_over_its_series_and_metrics_differ() -> None:
    record, teams = a_record(), ("trading", "funds", "trading", "trading")
    budgets = team_budgets(teams, {"trading": 3.0}, default_budget=2.0)
    assert budgets["trading"].per_series == pytest.approx(1.0)
    watched = watched_series(KEYS, teams, budgets, record)
    slow, funds, failing, rare = watched.thresholds
    assert failing > rare > slow > funds
    curves = record.curves([key.metric for key in KEYS])
    assert curves["latency_s"].rate(slow) == pytest.approx(1.0)
    assert curves["error_ratio"].rate(failing) == pytest.approx(1.0)
    np.testing.assert_allclose(curves["rare"].levels, record.curve().levels)


def test_replayed_time_counts_at_each_series_own_threshold() -> None:
    record = a_record()
    pages, weeks = record.replay(np.array([10.0, 50.0, 200.0, 1.0]), np.array([0, 1, 2]))
    assert (pages, weeks) == (10 + 10 + 10, 10.0)
    assert record.replay(np.ones(4), np.array([], dtype=np.int64)) == (0, 0.0)


def test_a_record_comes_back_from_its_arrays() -> None:
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
        ("calibrated_pages", np.zeros((2, 3), dtype=np.int32)),
        ("replayed_pages", np.full((2, 4), -1, dtype=np.int32)),
        ("replayed_weeks", np.full(4, np.inf)),
        ("calibrated_weeks", np.zeros(4, dtype=np.int64)),
    ],
)
def test_a_damaged_record_is_refused(name: str, array: np.ndarray) -> None:
    with pytest.raises(ValueError, match="page record"):
        record_from_arrays(record_arrays(a_record()) | {name: array}, 4)
