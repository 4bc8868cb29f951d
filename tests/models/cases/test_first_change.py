"""The incident's window begins where the signals change."""

from datetime import timedelta

import numpy as np
import pytest
from builders import MINUTE_MS, ONSET, a_frame, a_graph
from hypothesis import given, settings
from hypothesis import strategies as st
from log_builders import requests, sums_of

from features.frame import Frame
from features.golden import Role
from models.cases.case import BEFORE, LEAD, Alert, Case, build_case
from models.cases.first_change import first_changed_tick
from models.rankers import rank
from service.incidents.page_snapshot import snapshot_of
from telemetry.batches import SeriesKey

SHOP = a_graph(("app", "cart"), ("cart", "db"), ("app", "search"))
ITEMS = sorted(SHOP.items)


def a_case_that_began(
    minutes_before: int,
    *,
    n_later: int = 3,
    errors: float = 0.04,
    cpu: float = 0.8,
    step_ms: int = MINUTE_MS,
    n_seen_before: int | None = None,
) -> Case:
    """A case whose `db` and its callers fail, and `db` works hard, from minutes before the alert.

    Of the ticks before it only the last ``n_seen_before`` hold values, if a number is given.
    """
    end = ONSET + timedelta(milliseconds=n_later * step_ms)
    frame = with_cpu(a_frame(ITEMS, n_ticks=90, end=end, seed=5, step_ms=step_ms))
    first = 90 - n_later - minutes_before * MINUTE_MS // step_ms
    for item in ("app", "cart", "db"):
        frame.values[first:, frame.column_of[SeriesKey(item, "error_ratio")]] += errors
    frame.values[first:, frame.column_of[SeriesKey("db", "cpu_ratio")]] += cpu
    if n_seen_before is not None:
        frame.values[: first - n_seen_before] = np.nan
    normal = with_cpu(a_frame(ITEMS, end=ONSET - timedelta(days=1), step_ms=step_ms))
    return build_case(Alert("app", "Failing", ONSET), end, SHOP, frame, normal=normal)


def with_cpu(frame: Frame) -> Frame:
    rng = np.random.default_rng(1)
    keys = tuple(SeriesKey(item, "cpu_ratio") for item in ITEMS)
    cpu = 0.16 * rng.lognormal(0.0, 0.05, (frame.n_ticks, len(keys)))
    return Frame(frame.start_ms, frame.step_ms, frame.keys + keys, np.hstack([frame.values, cpu]))


@pytest.mark.parametrize("minutes_before", [0, 1, 3, 4])
def test_the_window_begins_at_the_onset(minutes_before: int) -> None:
    case = a_case_that_began(minutes_before)
    onset_ms = int((ONSET - timedelta(minutes=minutes_before)).timestamp() * 1000)
    assert case.window.times_ms[0] == onset_ms
    assert case.before.times_ms[-1] == onset_ms - MINUTE_MS
    assert rank(case).window_start_ms == onset_ms


def test_what_began_before_the_lead_has_the_window_of_the_lead() -> None:
    case = a_case_that_began(9)
    assert case.window.times_ms[0] == int((ONSET - LEAD).timestamp() * 1000)
    assert len(case.before.times_ms) == BEFORE // timedelta(minutes=1)


def test_where_nothing_changed_the_window_is_that_of_the_lead() -> None:
    case = a_case_that_began(0, errors=0.0, cpu=0.0)
    assert case.window.times_ms[0] == int((ONSET - LEAD).timestamp() * 1000)


def test_the_onset_is_no_later_than_the_tick_of_the_alert() -> None:
    case = a_case_that_began(-2, n_later=6)
    assert case.window.times_ms[0] <= int(ONSET.timestamp() * 1000)


def test_a_case_asked_about_one_tick_after_its_alert_has_a_window_of_one_tick() -> None:
    case = a_case_that_began(0, n_later=1)
    assert len(case.window.times_ms) == 1
    assert rank(case).candidates[0].item == "db"


def test_the_usual_level_is_that_just_before_where_it_was_seen() -> None:
    frame = with_cpu(a_frame(ITEMS, n_ticks=90, end=ONSET + timedelta(minutes=3), seed=5))
    frame.values[:, frame.column_of[SeriesKey("db", "cpu_ratio")]] += 0.4
    frame.values[-5:, frame.column_of[SeriesKey("db", "cpu_ratio")]] += 0.4
    normal = with_cpu(a_frame(ITEMS, end=ONSET - timedelta(days=1)))
    case = build_case(
        Alert("app", "Failing", ONSET), ONSET + timedelta(minutes=3), SHOP, frame, normal=normal
    )
    assert case.window.times_ms[0] == int((ONSET - timedelta(minutes=2)).timestamp() * 1000)


def test_what_changes_long_after_the_alert_does_not_move_the_onset() -> None:
    end = ONSET + timedelta(minutes=60)
    frame = with_cpu(a_frame(ITEMS, n_ticks=150, end=end, seed=5))
    frame.values[87:95, frame.column_of[SeriesKey("db", "error_ratio")]] += 0.2
    for item in ITEMS:
        frame.values[-30:, frame.column_of[SeriesKey(item, "cpu_ratio")]] += 0.6
    normal = with_cpu(a_frame(ITEMS, end=ONSET - timedelta(days=1)))
    case = build_case(Alert("app", "Failing", ONSET), end, SHOP, frame, normal=normal)
    assert case.window.times_ms[0] == int((ONSET - timedelta(minutes=3)).timestamp() * 1000)


def test_coarse_ticks_with_few_before_the_alert_find_their_onset() -> None:
    case = a_case_that_began(0, step_ms=5 * MINUTE_MS)
    assert case.window.times_ms[0] == int(ONSET.timestamp() * 1000)


def test_log_lines_of_the_minute_in_which_it_began_belong_to_the_incident() -> None:
    step_ms, onset_ms = 15_000, int(ONSET.timestamp() * 1000) - 15_000
    end = ONSET + timedelta(minutes=1)
    frame = a_frame(ITEMS, n_ticks=200, end=end, step_ms=step_ms)
    for item in ("app", "cart", "db"):
        frame.values[-5:, frame.column_of[SeriesKey(item, "error_ratio")]] += 0.2
    sums = sums_of(requests(onset_ms - 3_600_000, onset_ms + 75_000, services=("app", "db")))
    normal = a_frame(ITEMS, end=ONSET - timedelta(days=1), step_ms=step_ms)
    case = build_case(Alert("app", "Failing", ONSET), end, SHOP, frame, normal=normal, logs=sums)
    assert case.window.times_ms[0] == onset_ms
    assert case.window_logs is not None
    assert case.window_logs.counts.starts_ms[0] == onset_ms - 45_000


@pytest.mark.parametrize("n_seen_before", [1, 5])
def test_after_a_gap_the_onset_is_a_change_from_normal_operation(n_seen_before: int) -> None:
    case = a_case_that_began(0, n_seen_before=n_seen_before)
    assert case.window.times_ms[0] == int(ONSET.timestamp() * 1000)


def test_levels_in_sentences_are_those_of_the_chart_from_its_mark_on() -> None:
    case = a_case_that_began(0)
    ranking = rank(case)
    snapshot = snapshot_of(case, ranking)
    first = snapshot["times_ms"].index(snapshot["onset_ms"])
    drawn = np.mean(snapshot["signals"]["db"]["errors"]["values"][first:])
    evidence = {each.kind: each for each in ranking.candidates[0].evidence}
    assert evidence["own_failures"].figures["error_ratio"] == pytest.approx(drawn, rel=1e-4)
    assert drawn == pytest.approx(0.05, abs=0.003)
    cpu = evidence["cpu"].figures["cpu_ratio"]
    assert cpu == pytest.approx(np.median(snapshot["signals"]["db"]["cpu"]["values"][first:]), rel=1e-4)
    assert cpu == pytest.approx(0.96, abs=0.03)
    assert "cpu" not in snapshot["signals"]["app"]


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 9), st.floats(0.1, 1.0), st.integers(0, 1000))
def test_the_shared_change_equals_a_plain_loop_over_ticks(change: int, size: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    around, usual = rng.normal(1.0, 0.05, (14, 3)), rng.normal(1.0, 0.05, (60, 3))
    around[change:, :2] += [size, -3.0 * size]
    found = first_changed_tick({Role.CPU: around}, {Role.CPU: usual}, range(2, 10), 14)
    level = np.median(usual, axis=0)
    spread = np.hypot(1.4826 * np.median(np.abs(usual - level), axis=0), 0.05 * level)
    z = np.clip((around - level) / spread, -10.0, 10.0)
    gains = np.array([z[tick:].sum(axis=0) ** 2 / (14 - tick) for tick in range(2, 10)])
    far = (np.abs(around[2:] - level) > 0.25 * level).any(axis=0)
    pooled = gains[:, (gains.max(axis=0) >= 50.0) & far].sum(axis=1)
    assert found == (2 + int(np.argmax(pooled)) if pooled.any() else None)


def test_one_loud_series_does_not_outvote_many() -> None:
    around, usual = np.ones((10, 4)), np.ones((60, 4))
    around[3:, 0] = 1000.0
    around[6:, 1:] = 2.0
    assert first_changed_tick({Role.CPU: around}, {Role.CPU: usual}, range(10), 10) == 6


def test_a_lone_tick_of_six_spreads_is_no_change_and_one_of_eight_is() -> None:
    usual = np.ones((60, 1))
    for spreads, found in ((6.0, None), (8.0, 4)):
        around = np.ones((5, 1))
        around[4] += spreads * 0.05
        assert first_changed_tick({Role.MEMORY: around}, {Role.MEMORY: usual}, range(5), 5) == found


def test_missing_values_do_not_count_and_nothing_seen_is_no_change() -> None:
    around = np.full((8, 1), np.nan)
    assert first_changed_tick({Role.ERRORS: around}, {Role.ERRORS: np.ones((9, 1))}, range(8), 8) is None
    around[3:, 0] = [0.01, np.nan, 0.5, 0.5, 0.5]
    assert first_changed_tick({Role.ERRORS: around}, {Role.ERRORS: np.full((9, 1), 0.01)}, range(8), 8) in (
        4,
        5,
    )


def test_requests_alone_give_no_onset() -> None:
    around, usual = np.array([[100.0]] * 5 + [[900.0]] * 5), np.full((9, 1), 100.0)
    assert first_changed_tick({Role.REQUESTS: around}, {Role.REQUESTS: usual}, range(10), 10) is None
