"""The first stage: one scan, online and offline."""

from __future__ import annotations

import numpy as np
import pytest
from builders import ONSET, a_frame, with_fault
from hypothesis import given, settings
from hypothesis import strategies as st

from features.calendar import CLOCKS, Clock
from features.frame import Frame
from models.detectors.first_stage import Status, fit_baseline, initial_state, score, step
from models.detectors.resolution import resolution_of
from models.errors import OutOfOrderTickError
from models.state import state_from_bytes, state_to_bytes
from telemetry.batches import SeriesKey

ALWAYS = CLOCKS["always"]
NORMAL = a_frame(["order", "quotes"], n_ticks=3000)


def series(values: np.ndarray, metric: str = "queue_length", step_ms: int = 60_000) -> Frame:
    values = np.asarray(values, dtype=float).reshape(len(values), -1)
    keys = tuple(SeriesKey(f"item-{column}", metric) for column in range(values.shape[1]))
    return Frame(int(ONSET.timestamp() * 1000), step_ms, keys, values)


@pytest.mark.parametrize("clock", CLOCKS.values(), ids=CLOCKS.keys())
@settings(max_examples=15, deadline=None)
@given(gaps=st.sets(st.integers(0, 59), max_size=30), restart=st.integers(1, 58), seed=st.integers(0, 9))
def test_online_equals_offline_bit_for_bit_with_gaps_and_a_restart(
    clock: Clock, gaps: set[int], restart: int, seed: int
) -> None:
    live = a_frame(["order", "quotes"], n_ticks=60, seed=seed)
    live.values[sorted(gaps)[: len(gaps) // 2], 1] = np.nan
    skipped = sorted(gaps)[len(gaps) // 2 :]
    live.values[skipped] = np.nan
    baseline = fit_baseline(NORMAL, clock)
    after, offline = score(live, baseline, clock)

    state = initial_state(baseline, clock)
    for tick, tick_ms in enumerate(live.times_ms):
        if tick == restart:
            state = state_from_bytes(state_to_bytes(state))
        if tick in skipped:  # nothing arrived, so there is no step
            continue
        state, online = step(state, int(tick_ms), live.values[tick], baseline, clock)
        np.testing.assert_array_equal(online.values, offline.values[tick])
        np.testing.assert_array_equal(online.status, offline.status[tick])
    np.testing.assert_array_equal(state.level, after.level)
    np.testing.assert_array_equal(state.deviation, after.deviation)


def test_a_frame_scored_in_two_parts_scores_the_same_as_in_one() -> None:
    baseline = fit_baseline(NORMAL, ALWAYS)
    middle = NORMAL.start_ms + 1234 * NORMAL.step_ms
    _, unbroken = score(NORMAL, baseline, ALWAYS)
    state, first = score(NORMAL.between(NORMAL.start_ms, middle), baseline, ALWAYS)
    _, second = score(NORMAL.between(middle, NORMAL.end_ms), baseline, ALWAYS, state)
    np.testing.assert_array_equal(np.vstack([first.values, second.values]), unbroken.values)


def test_a_fault_scores_high_and_normal_operation_does_not() -> None:
    baseline = fit_baseline(NORMAL, ALWAYS)
    live = with_fault(a_frame(["order", "quotes"], n_ticks=600, seed=5), {("order", "latency_s"): 0.2})
    _, scores = score(live, baseline, ALWAYS)
    column = live.column_of[SeriesKey("order", "latency_s")]
    assert scores.values[-5:, column].min() > 10
    assert np.nanmax(scores.values[:-5]) < 8


def test_a_season_is_expected_and_its_absence_is_not() -> None:
    minute = np.arange(12 * 1440)
    rng = np.random.default_rng(0)
    busy = np.where((minute % 1440) // 60 == 12, 100.0, 10.0) + rng.normal(size=len(minute))
    frame = series(busy)
    learned, live = (
        frame.between(frame.start_ms, frame.start_ms + 10 * 1440 * 60_000),
        frame.values[10 * 1440 :],
    )
    baseline = fit_baseline(learned, ALWAYS)
    state = score(learned, baseline, ALWAYS)[0]
    later = Frame(learned.end_ms, 60_000, frame.keys, live)
    flat = Frame(learned.end_ms, 60_000, frame.keys, np.full_like(live, 10.0))
    assert np.nanquantile(score(later, baseline, ALWAYS, state)[1].values, 0.99) < 6
    assert np.nanmax(score(flat, baseline, ALWAYS, state)[1].values) > 10


def test_one_visit_to_a_slot_counts_for_more_than_half() -> None:
    ticks_of_slot = 5
    values = np.full((60 * ticks_of_slot + 1, 1), 10.0)
    begin = ONSET.timestamp() * 1000 // 300_000 * 300_000
    values[50 * ticks_of_slot : 51 * ticks_of_slot] = 20.0
    frame = Frame(int(begin), 60_000, (SeriesKey("order", "queue_length"),), values)
    state, _ = score(frame, fit_baseline(frame.between(0, 1), ALWAYS), ALWAYS)
    held = np.unique(np.array(state.season)[~np.isnan(np.array(state.season))])
    assert 15 < held.max() < 17
    assert held.min() > 8


def test_the_scale_of_a_young_series_is_wider() -> None:
    frame = series(np.random.default_rng(0).normal(100, 1, (1445, 1)))
    baseline = fit_baseline(frame.between(0, 1), ALWAYS)
    young, _ = score(frame, baseline, ALWAYS)
    older = young._replace(n_seen=young.n_seen + 3000)
    later_ms = frame.end_ms + 300_000
    scales = [step(each, later_ms, np.array([100.0]), baseline, ALWAYS)[0].scale for each in (young, older)]
    assert scales[0] == pytest.approx(1.2 * scales[1], rel=0.05)


def test_the_status_explains_why_a_series_has_no_score() -> None:
    values = np.ones((45, 3))
    values[:, 0] = np.nan
    values[40:, 2] = np.nan
    frame = series(values)
    nothing = fit_baseline(frame.between(0, 1), ALWAYS)
    _, scores = score(frame, nothing, ALWAYS)
    assert scores.status[0].tolist() == [Status.STALE, Status.WARMING_UP, Status.WARMING_UP]
    assert scores.status[29, 1] == Status.WARMING_UP
    assert scores.status[30, 1] == Status.SCORED
    assert scores.status[44, 2] == Status.MISSING
    assert np.array_equal(np.isfinite(scores.values), scores.status == Status.SCORED)


def test_a_series_silent_for_more_than_ten_minutes_is_stale() -> None:
    values = np.ones((50, 1))
    values[35:] = np.nan
    frame = series(values)
    _, scores = score(frame, fit_baseline(frame, ALWAYS), ALWAYS)
    assert scores.status[44, 0] == Status.MISSING
    assert scores.status[45, 0] == Status.STALE


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300])
def test_an_implausible_value_is_missing_and_does_not_change_the_memory(value: float) -> None:
    baseline = fit_baseline(NORMAL, ALWAYS)
    state = initial_state(baseline, ALWAYS)
    after, scores = step(state, NORMAL.end_ms, np.full(6, value), baseline, ALWAYS)
    assert not np.isfinite(scores.values).any()
    np.testing.assert_array_equal(after.level, state.level)
    np.testing.assert_array_equal(after.n_seen, state.n_seen)


def test_huge_values_and_constant_series_score_finitely() -> None:
    frame = series(np.zeros((500, 1)))
    baseline = fit_baseline(frame, ALWAYS)
    state, scores = score(frame, baseline, ALWAYS)
    assert np.nanmax(scores.values) == 0
    state, scores = step(state, frame.end_ms, np.array([1e29]), baseline, ALWAYS)
    assert scores.values[0] == 1000
    _, scores = step(state, frame.end_ms + 60_000, np.array([0.0]), baseline, ALWAYS)
    assert np.isfinite(scores.values[0])


def test_a_tick_out_of_order_is_refused() -> None:
    baseline = fit_baseline(NORMAL, ALWAYS)
    state, _ = step(initial_state(baseline, ALWAYS), 120_000, NORMAL.values[0], baseline, ALWAYS)
    for tick_ms in (120_000, 60_000):
        with pytest.raises(OutOfOrderTickError) as caught:
            step(state, tick_ms, NORMAL.values[0], baseline, ALWAYS)
        assert caught.value.last_ms == 120_000


def test_scoring_changes_neither_baseline_nor_state_nor_values() -> None:
    baseline = fit_baseline(NORMAL, ALWAYS)
    state, values = initial_state(baseline, ALWAYS), NORMAL.values.copy()
    for array in (state.level, state.deviation, state.mean, state.spread, baseline.profile, baseline.scale):
        array.flags.writeable = False
    score(NORMAL, baseline, ALWAYS, state)
    np.testing.assert_array_equal(NORMAL.values, values)


def test_a_frame_of_other_series_is_refused() -> None:
    baseline = fit_baseline(NORMAL, ALWAYS)
    with pytest.raises(ValueError, match="align it first"):
        score(a_frame(["other"]), baseline, ALWAYS)


def test_a_steady_error_share_does_not_page_on_a_tiny_rise() -> None:
    frame = series(np.full((2000, 1), 1e-5), metric="error_ratio")
    baseline = fit_baseline(frame, ALWAYS)
    state = score(frame, baseline, ALWAYS)[0]
    tiny_rise = step(state, frame.end_ms, np.array([1e-3]), baseline, ALWAYS)[1]
    burst = step(state, frame.end_ms, np.array([0.1]), baseline, ALWAYS)[1]
    assert tiny_rise.values[0] < 1
    assert burst.values[0] > 10


@pytest.mark.parametrize(
    ("metric", "unit", "offset"),
    [("error_ratio", 1.0, 0.0), ("error_percent", 100.0, 0.0), ("availability_percent", -100.0, 100.0)],
)
def test_one_error_in_a_few_requests_scores_low_and_a_tenth_of_many_scores_high(
    metric: str, unit: float, offset: float
) -> None:
    rng = np.random.default_rng(0)
    few, many = np.full(3000, 4.0), np.full(3000, 5000.0)
    keys = tuple(SeriesKey(item, each) for item in ("few", "many") for each in ("requests", metric))

    def frame(n_ticks: int, errors: float) -> Frame:
        columns = []
        for requests in (few[:n_ticks], many[:n_ticks]):
            columns += [requests, offset + unit * rng.binomial(requests.astype(int), errors) / requests]
        return Frame(0, 60_000, keys, np.stack(columns, axis=1))

    learned = frame(3000, 1e-3)
    baseline = fit_baseline(learned, ALWAYS)
    state, normal = score(learned, baseline, ALWAYS)
    assert np.nanmax(normal.values[1500:, [1, 3]]) < 4
    wrong = np.array([4.0, offset + unit / 4, 5000.0, offset + unit / 10])
    scores = step(state, learned.end_ms, wrong, baseline, ALWAYS)[1].values
    assert scores[1] < 4
    assert scores[3] > 30


def test_a_share_without_requests_has_the_constant_least_scale() -> None:
    alone = resolution_of([SeriesKey("order", "error_ratio"), SeriesKey("quotes", "requests")])
    assert not len(alone.volumes.shares)
    assert alone.least(np.zeros(2))[0] == pytest.approx(0.002)


def test_a_series_that_is_nearly_always_one_value_is_sparse() -> None:
    rare = np.zeros((1000, 2))
    rare[::20, 0] = 1
    rare[::5, 1] = 1
    assert fit_baseline(series(rare), ALWAYS).is_sparse.tolist() == [True, False]


def test_a_short_history_with_gaps_gives_finite_arrays() -> None:
    frame = a_frame(["a", "b"], n_ticks=590, step_ms=300_000)
    frame.values[np.random.default_rng(0).random(frame.values.shape) < 0.18] = np.nan
    frame.values[:, 0] = np.nan
    baseline = fit_baseline(frame, ALWAYS)
    assert np.isfinite(baseline.profile).all()
    assert np.isfinite(baseline.scale).all()
    _, scores = score(frame, baseline, ALWAYS)
    assert np.nanquantile(scores.values, 0.99) < 5


def test_a_series_scores_the_same_whether_or_not_others_miss_ticks() -> None:
    frame = a_frame(["order", "quotes"], n_ticks=1500, step_ms=300_000)
    learned = frame.between(frame.start_ms, frame.start_ms + 1000 * frame.step_ms)
    baseline = fit_baseline(learned, ALWAYS)
    live = frame.between(learned.end_ms, frame.end_ms)
    gaps = Frame(live.start_ms, live.step_ms, live.keys, live.values.copy())
    latency = live.column_of[SeriesKey("order", "latency_s")]
    gaps.values[::3, latency] = np.nan
    gaps.values[100, latency] = 1e25
    others = [column for column in range(len(live.keys)) if column != latency]
    unbroken, broken = (score(each, baseline, ALWAYS) for each in (live, gaps))
    assert unbroken[0].is_settled
    np.testing.assert_array_equal(broken[1].values[:, others], unbroken[1].values[:, others])
    for name in ("level", "deviation", "mean", "spread", "expected", "scale", "n_values", "seen_ms"):
        np.testing.assert_array_equal(getattr(broken[0], name)[others], getattr(unbroken[0], name)[others])
    n_missing = np.isnan(gaps.values[:, latency]).sum()
    assert broken[0].n_values[latency] == unbroken[0].n_values[latency] - n_missing
