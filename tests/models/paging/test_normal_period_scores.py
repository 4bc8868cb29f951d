from __future__ import annotations

import numpy as np
import pytest

from features.frame import Frame
from models.paging.normal_period_scores import (
    NormalPeriodScores,
    normal_period_arrays,
    normal_period_from_arrays,
    normal_period_scores,
)
from telemetry.batches import SeriesKey

MINUTE_MS = 60_000
KEYS = tuple(SeriesKey("order", name) for name in ("latency_s", "requests", "cpu_ratio"))


def some_scores() -> Frame:
    values = np.random.default_rng(0).exponential(2.0, size=(500, 3)).astype(np.float32)
    values[:100, 1] = np.nan
    return Frame(7 * MINUTE_MS, MINUTE_MS, KEYS, values)


def test_every_tick_over_the_thresholds_is_found() -> None:
    scores, thresholds = some_scores(), np.array([5.0, 6.0, np.inf])
    normal = normal_period_scores(scores, np.array([4.0, 4.0, 4.0]))
    is_over = scores.values > thresholds
    ticks = list(normal.ticks_over(thresholds))
    assert [tick_ms for tick_ms, _ in ticks] == scores.times_ms[is_over.any(axis=1)].tolist()
    expected = np.where(is_over, scores.values, np.nan)[is_over.any(axis=1)]
    np.testing.assert_array_equal(np.array([each for _, each in ticks]), expected)
    assert (normal.weeks * 7 * 1440).tolist() == pytest.approx([500, 400, 500])


def test_no_tick_is_found_where_nothing_is_over_the_thresholds() -> None:
    normal = normal_period_scores(some_scores(), np.full(3, 4.0))
    assert list(normal.ticks_over(np.full(3, 1e9))) == []


def test_scores_survive_a_round_trip_through_arrays() -> None:
    arrays = normal_period_arrays(normal_period_scores(some_scores(), np.full(3, 4.0)))
    again = normal_period_arrays(normal_period_from_arrays(arrays, 3))
    for name, array in arrays.items():
        np.testing.assert_array_equal(again[name], array)


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("times_ms", np.array([2, 1], dtype=np.int64)),
        ("times_ms", np.array([1, 2, 3], dtype=np.int64)),
        ("columns", np.array([0, 3], dtype=np.int32)),
        ("columns", np.array([-1, 0], dtype=np.int32)),
        ("columns", np.array([0, 1], dtype=np.int64)),
        ("scores", np.array([1.0, np.nan], dtype=np.float32)),
        ("weeks", np.array([1.0, 1.0, -1.0])),
        ("weeks", np.array([1.0, 1.0, np.inf])),
        ("weeks", np.array([1.0, 1.0])),
    ],
)
def test_damaged_arrays_are_refused(name: str, array: np.ndarray) -> None:
    sound = NormalPeriodScores(
        np.array([1, 2], dtype=np.int64),
        np.array([0, 2], dtype=np.int32),
        np.array([5.0, 6.0], dtype=np.float32),
        np.ones(3),
    )
    with pytest.raises(ValueError, match="normal period"):
        normal_period_from_arrays(normal_period_arrays(sound) | {name: array}, 3)
