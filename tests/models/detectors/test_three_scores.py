"""Onset, severity and novelty together: the same step online and offline."""

from __future__ import annotations

import numpy as np
from builders import a_frame, with_fault
from hypothesis import given, settings
from hypothesis import strategies as st

from features.calendar import CLOCKS
from features.frame import Frame
from models.detectors import first_stage
from models.detectors.first_stage import fit_baseline
from models.detectors.three_scores import Memory, ThreeScores, initial_memory, moved_to, score, step

CLOCK = CLOCKS["always"]
STEP_MS = 3_600_000  # a day is 24 values, after which novelty is scored
NORMAL = a_frame(["order", "quotes"], n_ticks=72, step_ms=STEP_MS)
BASELINE = fit_baseline(NORMAL.between(0, 1), CLOCK)


def assert_same(one: ThreeScores, other: ThreeScores) -> None:
    np.testing.assert_array_equal(one.onset.values, other.onset.values)
    np.testing.assert_array_equal(one.onset.status, other.onset.status)
    np.testing.assert_array_equal(one.severity, other.severity)
    np.testing.assert_array_equal(one.novelty, other.novelty)


def rows_of(scores: ThreeScores, rows: slice | int) -> ThreeScores:
    onset = first_stage.Scores(scores.onset.values[rows], scores.onset.status[rows])
    return ThreeScores(onset, scores.severity[rows], scores.novelty[rows])


@settings(max_examples=20)
@given(
    st.lists(st.tuples(st.integers(0, 71), st.integers(0, 5), st.floats(width=64)), max_size=60),
    st.integers(0, 72),
)
def test_single_ticks_and_a_fold_from_any_tick_give_the_same_bits(
    odd: list[tuple[int, int, float]], cut: int
) -> None:
    values = NORMAL.values.copy()
    for tick, column, value in odd:
        values[tick, column] = value
    frame = Frame(NORMAL.start_ms, STEP_MS, NORMAL.keys, values)
    end, unbroken = score(frame, BASELINE, CLOCK)
    middle_ms = frame.start_ms + cut * STEP_MS
    memory, first = score(frame.between(frame.start_ms, middle_ms), BASELINE, CLOCK)
    assert_same(first, rows_of(unbroken, slice(cut)))
    for tick in range(cut, frame.n_ticks):
        tick_ms = frame.start_ms + tick * STEP_MS
        memory, scores = step(memory, tick_ms, values[tick], BASELINE, CLOCK)
        assert_same(scores, rows_of(unbroken, tick))
    for one, other in zip(memory.severity + memory.novelty, end.severity + end.novelty, strict=True):
        np.testing.assert_array_equal(one, other)


def test_each_score_is_given_only_where_it_is_meaningful() -> None:
    frame = with_fault(NORMAL, {("order", "latency_s"): 0.4}, last_ticks=2)
    frame.values[-1, 3] = np.nan
    _, scores = score(frame, BASELINE, CLOCK)
    np.testing.assert_array_equal(scores.onset.values, first_stage.score(frame, BASELINE, CLOCK)[1].values)
    assert np.isnan(scores.novelty[:24]).all()
    assert np.isfinite(scores.novelty[24:-1]).all()
    assert np.isnan(scores.novelty[-1, 3])
    assert scores.novelty[-2, 1] > 5 * scores.novelty[30:, [0, 2, 4, 5]].max()
    assert (scores.severity[: first_stage.WARM_UP_VALUES] == 0).all()
    assert scores.severity[-2].argmax() == 1


def test_severity_fades_over_skipped_ticks() -> None:
    memory, scores = score(with_fault(NORMAL, {("order", "latency_s"): 0.4}), BASELINE, CLOCK)
    held = scores.severity[-1, 1]
    nothing = np.full(6, np.nan)
    later = step(memory, NORMAL.end_ms + STEP_MS, nothing, BASELINE, CLOCK)[1].severity[1]
    np.testing.assert_allclose(later, held / 16, rtol=1e-5)  # two hours with a half-life of half an hour


def test_another_bundle_inherits_the_memory_of_the_series_it_shares() -> None:
    memory, _ = score(NORMAL, BASELINE, CLOCK)
    other = a_frame(["quotes", "search"], n_ticks=72, step_ms=STEP_MS, seed=3)
    fresh = initial_memory(fit_baseline(other, CLOCK), CLOCK)
    moved = moved_to(memory, fresh)
    assert moved.state.keys == other.keys
    for index, key in enumerate(other.keys):
        source: Memory = memory if key in NORMAL.keys else fresh
        place = source.state.keys.index(key)
        for array, old in zip(moved.severity + moved.novelty, source.severity + source.novelty, strict=True):
            np.testing.assert_array_equal(array[index], old[place])
    assert moved_to(memory, initial_memory(fit_baseline(a_frame([]), CLOCK), CLOCK)).novelty.n.shape == (0,)
