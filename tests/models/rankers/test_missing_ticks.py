"""A missing tick is not evidence: neither a normal window, nor a normal tick, nor an excess of zero."""

from datetime import timedelta

import numpy as np
import pytest
from builders import ONSET, a_frame, a_graph, with_fault

from features.frame import Frame
from features.golden import Role
from models.cases.case import Alert, Case, build_case
from models.cases.normal_ticks import MAX_NORMAL_TICKS
from models.evidence.own_excess import moving_mean, own_excess
from models.rankers import rank
from models.tails import past_surprise, surprise

END = ONSET + timedelta(minutes=5)
SLOW = {("app", "latency_s"): 0.1, ("db", "latency_s"): 0.1}


def a_history(*, n_ticks: int, missing: slice = slice(0), n_later: int = 0) -> Frame:
    """One frame of `app` and `db` around a fault of `db`: history, its gap, the fault, and what follows."""
    frame = a_frame(["app", "db"], n_ticks=n_ticks + n_later, end=END + timedelta(minutes=n_later))
    frame = with_fault(frame, SLOW, last_ticks=5 + n_later)
    frame.values[missing] = np.nan
    return frame


def case_of(frame: Frame) -> Case:
    return build_case(Alert("app", "Slow", ONSET), END, a_graph(("app", "db")), frame, normal=frame)


def test_a_gap_gives_no_normal_windows() -> None:
    case = case_of(a_history(n_ticks=600, missing=slice(36, 560)))
    excess = own_excess(case, Role.LATENCY)
    n_windows = 36 - len(case.window.times_ms) + 1
    assert len(case.normal.times_ms) == 36
    assert excess.n_normal.tolist() == [n_windows, n_windows]
    sentence = rank(case).candidates[0].evidence[0].sentence
    assert f"none of {n_windows} normal windows" in sentence


def test_a_gap_in_the_history_gives_the_belief_of_the_history_that_is_left() -> None:
    short = rank(case_of(a_history(n_ticks=76)))
    full = rank(case_of(a_history(n_ticks=600)))
    gap = rank(case_of(a_history(n_ticks=600, missing=slice(36, 560))))
    assert full.candidates[0].probability > 0.9
    assert gap.candidates[0].probability == pytest.approx(short.candidates[0].probability, abs=0.1)


def test_the_nearest_normal_ticks_are_ticks_that_hold_values() -> None:
    case = case_of(a_history(n_ticks=2 * MAX_NORMAL_TICKS, missing=slice(200, 500)))
    assert len(case.normal.times_ms) == MAX_NORMAL_TICKS
    assert np.isfinite(case.normal.values[Role.LATENCY]).any(axis=1).all()
    assert "300 ticks without any value were left out" in case.notes[0], case.notes


def test_a_tick_with_one_items_value_is_kept() -> None:
    frame = a_history(n_ticks=300)
    frame.values[:100, 3:] = np.nan
    case = case_of(frame)
    assert (case.normal.times_ms[0], case.notes) == (frame.start_ms, ())


def test_ticks_after_the_incident_never_count_as_normal() -> None:
    goes_on, ends = (case_of(a_history(n_ticks=300, n_later=n_later)) for n_later in (180, 0))
    assert goes_on.normal.times_ms[-1] < goes_on.before.times_ms[0]
    assert len(goes_on.normal.times_ms) == len(ends.normal.times_ms)
    assert goes_on.notes[0].startswith("180 ticks after the incident's window were left out")
    first, second = rank(goes_on), rank(ends)
    assert [each.item for each in first.candidates] == [each.item for each in second.candidates]
    assert first.candidates[0].probability == pytest.approx(second.candidates[0].probability, abs=0.02)


def test_a_level_is_the_mean_of_the_observed_ticks() -> None:
    frame = a_history(n_ticks=600)
    complete = own_excess(case_of(frame), Role.LATENCY)
    frame.values[-4:-1:2] = np.nan
    some = own_excess(case_of(frame), Role.LATENCY)
    np.testing.assert_allclose(some.own, complete.own, rtol=0.5, atol=1.0)
    assert some.own[1] > 0.7 * complete.own[1]


def test_a_run_counts_if_half_of_it_was_observed() -> None:
    values = np.array([[1.0], [np.nan], [3.0], [np.nan], [np.nan], [np.nan], [7.0], [9.0]])
    means = moving_mean(values, 4)[:, 0]
    np.testing.assert_array_equal(means, [2.0, np.nan, np.nan, np.nan, 8.0])


def test_requests_inferred_from_callers_are_missing_where_no_caller_was_observed() -> None:
    frame = a_history(n_ticks=300)
    requests = [column for column, key in enumerate(frame.keys) if key.metric == "requests"]
    frame.values[:, requests[1]] = np.nan
    complete = own_excess(case_of(frame), Role.LATENCY)
    frame.values[:100, requests[0]] = np.nan
    n_half = len(case_of(frame).window.times_ms) // 2
    assert own_excess(case_of(frame), Role.LATENCY).n_normal[1] == complete.n_normal[1] - 100 + n_half


def test_missing_values_of_a_past_are_left_out_of_its_tail() -> None:
    past = np.random.default_rng(0).normal(size=(200, 2))
    gappy = past.copy()
    gappy[50:150, 1] = np.nan
    value = np.array([2.5, 2.5])
    whole, short = (
        surprise(value, past, floor=0.01),
        surprise(value[1:], past[np.r_[:50, 150:200], 1:], floor=0.01),
    )
    np.testing.assert_allclose(surprise(value, gappy, floor=0.01), [whole[0], short[0]])


def test_missing_values_of_a_past_stay_missing_among_its_surprises() -> None:
    past = np.array([[0.0], [np.nan], [3.0], [0.0], [1.0]])
    expected = past_surprise(past[[0, 2, 3, 4]])
    found = past_surprise(past)
    assert np.isnan(found[1, 0])
    np.testing.assert_allclose(found[[0, 2, 3, 4]], expected)
