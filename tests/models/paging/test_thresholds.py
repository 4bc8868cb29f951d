"""Thresholds for a page budget, and the governor."""

from __future__ import annotations

import numpy as np
import pytest

from models.paging.thresholds import (
    QUIET_MS,
    WEEK_MS,
    initial_pages,
    page_step,
    pages_of,
    series_weeks,
    threshold_for_budget,
)

MINUTE_MS = 60_000
NOT_SPARSE = np.zeros(1, dtype=bool)


def times(n_ticks: int) -> np.ndarray:
    return MINUTE_MS * np.arange(n_ticks, dtype=np.int64)


def test_one_long_excess_pages_once_and_again_after_ten_quiet_minutes() -> None:
    scores = np.zeros((60, 1))
    scores[5:20] = 9.0
    scores[25] = 9.0  # six minutes later: still the same excess
    scores[40] = 9.0
    pages = pages_of(scores, times(60), threshold=5.0, is_sparse=NOT_SPARSE)
    assert np.flatnonzero(pages[:, 0]).tolist() == [5, 40]


def test_an_unscored_tick_never_pages() -> None:
    pages = pages_of(np.full((10, 1), np.nan), times(10), threshold=0.0, is_sparse=NOT_SPARSE)
    assert not pages.any()


@pytest.mark.parametrize(("is_sparse", "cap"), [(False, 14), (True, 1)])
def test_the_governor_caps_a_restless_series(is_sparse: bool, cap: int) -> None:
    hours = 4 * 7 * 24
    times_ms = 3_600_000 * np.arange(hours, dtype=np.int64)
    scores = np.full((hours, 1), 6.0)  # hourly, a little over the threshold
    pages = pages_of(scores, times_ms, threshold=5.0, is_sparse=np.array([is_sparse]))
    assert 0 < pages.sum() / 4 <= cap + 2


def test_the_fold_is_the_step() -> None:
    scores = np.random.default_rng(0).exponential(2.0, (300, 4))
    is_sparse = np.array([False, True, False, True])
    folded = pages_of(scores, times(300), threshold=5.0, is_sparse=is_sparse)
    state = initial_pages(4)
    for tick, tick_ms in enumerate(times(300)):
        state, pages = page_step(state, int(tick_ms), scores[tick], threshold=5.0, is_sparse=is_sparse)
        np.testing.assert_array_equal(pages, folded[tick])
    assert QUIET_MS == 600_000


def test_the_threshold_meets_the_budget_and_a_lower_one_does_not() -> None:
    scores = np.random.default_rng(1).exponential(1.0, (20_000, 5))
    is_sparse = np.zeros(5, dtype=bool)
    weeks = series_weeks(scores, MINUTE_MS)
    assert weeks == pytest.approx(5 * 20_000 * MINUTE_MS / WEEK_MS)
    threshold = threshold_for_budget(
        scores, times(20_000), step_ms=MINUTE_MS, budget_per_week=2.0, is_sparse=is_sparse
    )

    def rate(at: float) -> float:
        return float(pages_of(scores, times(20_000), threshold=at, is_sparse=is_sparse).sum() / weeks)

    assert rate(threshold) <= 2.0 < rate(threshold - 0.1)


def test_a_constant_or_empty_past_gives_the_least_threshold() -> None:
    for scores in (np.ones((50, 1)), np.full((50, 1), np.nan), np.zeros((0, 1))):
        threshold = threshold_for_budget(
            scores, times(len(scores)), step_ms=MINUTE_MS, budget_per_week=1.0, is_sparse=NOT_SPARSE
        )
        assert threshold == 3.0
