"""Novelty and severity: the two channels beside onset."""

from __future__ import annotations

import numpy as np
import pytest
from builders import a_frame, with_fault
from hypothesis import given
from hypothesis import strategies as st

from features.calendar import CLOCKS
from models.detectors.first_stage import fit_baseline, score
from models.detectors.novelty import Novelty, initial_novelty, novelty_step
from models.detectors.severity import onset_and_severity
from telemetry.batches import SeriesKey

CLOCK = CLOCKS["always"]
NORMAL = a_frame(["order", "quotes"], n_ticks=3000)


def folded(values: np.ndarray, *, n_first: int) -> tuple[Novelty, np.ndarray]:
    memory = initial_novelty(values.shape[1])
    novelty = np.empty(values.shape)
    for tick, row in enumerate(values):
        memory, novelty[tick] = novelty_step(memory, row, n_first=n_first)
    return memory, novelty


def test_a_value_never_seen_is_novel_once_and_a_known_value_is_not() -> None:
    values = np.random.default_rng(0).normal(size=(600, 1))
    memory, novelty = folded(values, n_first=200)
    assert np.isnan(novelty[:200]).all()
    found, usual = [], memory.usual[0]
    for value in (12.0, 12.0, 11.0, np.nan):  # 11: less novel than a value within the last hundred points
        memory, row = novelty_step(memory, np.array([value]), n_first=200)
        found.append(row[0])
    assert found[0] == pytest.approx((12.0 - values.max()) / values[:200].std() / usual, rel=0.05)
    assert found[1:3] == [0, 0]
    assert np.isnan(found[3])


def test_novelty_agrees_with_the_exact_distance_to_every_earlier_value() -> None:
    rng = np.random.default_rng(3)
    values = rng.normal(size=(900, 1)) * np.where(np.arange(900) % 150 == 149, 6.0, 1.0)[:, None]
    memory = initial_novelty(1)
    n_novel, total = 1, 1.0
    for tick, row in enumerate(values):
        usual = memory.usual[0]
        memory, novelty = novelty_step(memory, row, n_first=100)
        if memory.peak_n[0] != tick + 1:
            continue
        deviation = max(values[: min(tick + 1, 100)].std(), 0.5 * values[: tick + 1].std())
        nearest = np.abs(values[:tick] - row).min() / deviation
        assert abs(memory.peak[0] - nearest) < 0.15  # half a bin, and the shrinkage of the deviation since
        assert tick < 100 or novelty[0] == pytest.approx(memory.peak[0] / usual)
        n_novel, total = n_novel + 1, total + min(memory.peak[0], 6.0)
        assert memory.usual[0] == pytest.approx(total / n_novel, rel=1e-4)
    assert n_novel > 5


def test_a_series_with_frequent_novelty_scores_lower() -> None:
    rng = np.random.default_rng(4)
    values = rng.normal(size=(600, 2))
    values[::25, 1] *= 8.0
    values /= values[:300].std(axis=0)
    memory, _ = folded(values, n_first=300)
    off = 2 * np.abs(values).max()
    assert memory.usual[1] > 1.2 * memory.usual[0]
    novelty = novelty_step(memory, np.full(2, off), n_first=300)[1]
    assert novelty[1] < novelty[0]


@pytest.mark.parametrize("huge", [1e3, 1e29])
def test_a_series_that_becomes_restless_still_knows_the_values_it_has_seen(huge: float) -> None:
    values = np.concatenate([np.arange(100.0), np.linspace(-huge, huge, 50), np.linspace(-huge, huge, 50)])
    memory, novelty = folded(values[:, None], n_first=20)
    assert np.isfinite(novelty[20:]).all()
    assert novelty[100] > 0
    assert novelty[150:].max() == 0
    assert memory.visited.shape == (1, 64)


@given(
    st.lists(st.lists(st.floats(width=64), min_size=3, max_size=3), max_size=40),
    st.integers(0, 2),
)
def test_hostile_values_score_finitely_and_series_do_not_depend_on_each_other(
    rows: list[list[float]], column: int
) -> None:
    values = np.array(rows, dtype=float).reshape(-1, 3)
    memory, novelty = folded(values, n_first=5)
    assert (np.isnan(novelty) | ((novelty >= 0) & (novelty < np.inf))).all()
    alone, own = folded(values[:, [column]], n_first=5)
    np.testing.assert_array_equal(own[:, 0], novelty[:, column])
    np.testing.assert_array_equal(alone.visited[0], memory.visited[column])


def test_novelty_continues_from_any_tick_and_does_not_change_the_memory_passed_in() -> None:
    values = np.random.default_rng(1).normal(size=(300, 4))
    values[::7, 2] = np.nan
    unbroken = folded(values, n_first=50)[1]
    memory = folded(values[:120], n_first=50)[0]
    for array in memory:
        array.flags.writeable = False
    for tick in range(120, 300):
        memory, novelty = novelty_step(memory, values[tick], n_first=50)
        np.testing.assert_array_equal(novelty, unbroken[tick])


def test_severity_outlasts_onset_and_fades() -> None:
    baseline = fit_baseline(NORMAL, CLOCK)
    live = with_fault(a_frame(["order", "quotes"], n_ticks=600, seed=5), {("order", "latency_s"): 0.2})
    onset, severity = onset_and_severity(live, baseline, CLOCK)
    np.testing.assert_array_equal(onset, score(live, baseline, CLOCK)[1].values)
    column = live.column_of[SeriesKey("order", "latency_s")]
    others = np.delete(severity, column, axis=1)
    assert severity[-1, column] > 1.5 * others[-1].max()
    assert np.isfinite(severity).all()


def test_severity_halves_in_half_an_hour_of_silence() -> None:
    baseline = fit_baseline(NORMAL, CLOCK)
    live = with_fault(a_frame(["order", "quotes"], n_ticks=100, seed=5), {("order", "latency_s"): 0.2})
    live.values[-35:-30] = live.values[-5:]
    live.values[-30:] = np.nan
    severity = onset_and_severity(live, baseline, CLOCK)[1]
    np.testing.assert_allclose(severity[-1], severity[-31] / 2, rtol=1e-3)


def test_severity_of_no_series_is_empty() -> None:
    nothing = a_frame([], n_ticks=5)
    onset, severity = onset_and_severity(nothing, fit_baseline(nothing, CLOCK), CLOCK)
    assert onset.shape == severity.shape == (5, 0)


@given(st.lists(st.floats(width=64), min_size=1, max_size=20))
def test_severity_of_hostile_values_is_finite(values: list[float]) -> None:
    frame = a_frame(["order"], n_ticks=60)
    frame.values[-len(values) :] = np.array(values)[:, None]
    nothing = fit_baseline(frame.between(0, 1), CLOCK)
    assert np.isfinite(onset_and_severity(frame, nothing, CLOCK)[1]).all()
