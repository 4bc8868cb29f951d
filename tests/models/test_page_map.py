from __future__ import annotations

import numpy as np
import pytest

from models.page_map import PageCounts, count_pages, threshold_for_rate
from models.thresholds import WEEK_MS

MINUTE_MS = 60_000
GRID = np.geomspace(4.0, 12.0, 20)


def counts_of(seed: int, n_weeks: int = 2) -> tuple[np.ndarray, np.ndarray]:
    n = n_weeks * WEEK_MS // MINUTE_MS
    return np.random.default_rng(seed).exponential(size=n), np.arange(n) * MINUTE_MS


def test_the_threshold_learned_on_some_series_keeps_the_budget_on_others() -> None:
    def count(seed: int, grid: np.ndarray) -> PageCounts:
        scores, times = counts_of(seed)
        normal = np.ones(len(scores), dtype=bool)
        counted = count_pages(
            scores, times, step_ms=MINUTE_MS, is_normal=normal, is_sparse=False, thresholds=grid
        )
        assert counted.weeks == pytest.approx(2)
        return counted

    learned = [count(seed, GRID) for seed in range(6)]
    threshold = threshold_for_rate(learned, 2.0)
    pages = sum(float(count(seed, np.array([threshold])).pages[0]) for seed in range(6, 12))
    assert 2 * 12 * 0.5 < pages < 2 * 12 * 1.5
    assert threshold_for_rate(learned, 0.5) > threshold > threshold_for_rate(learned, 8.0)


def test_pages_on_anomalies_are_not_false_and_time_without_a_score_does_not_count() -> None:
    scores, times = counts_of(0, 1)
    scores[: len(scores) // 2] = np.nan
    counted = count_pages(
        scores,
        times,
        step_ms=MINUTE_MS,
        is_normal=np.zeros(len(scores), dtype=bool),
        is_sparse=True,
        thresholds=GRID,
    )
    assert counted.pages.sum() == 0
    assert counted.weeks == 0
    with pytest.raises(ValueError, match="no time was counted"):
        threshold_for_rate([counted], 1.0)
    with pytest.raises(ValueError, match="no time was counted"):
        threshold_for_rate([], 1.0)
