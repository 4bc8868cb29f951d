"""The governor and the grouping of calls, tick by tick with numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from models.paging.rules import (
    AnomalyGroup,
    Call,
    PagingMemory,
    Watched,
    initial_memory,
    paging_step,
    severity_of,
)
from models.paging.thresholds import (
    PageState,
    initial_pages,
    page_step,
    pages_of,
    series_weeks,
    threshold_for_budget,
)
from models.state import NEVER_MS

MINUTE_MS = 60_000
WEEK_MS = 604_800_000
RESTLESS_AND_SPARSE = np.array([False, True])


def test_a_page_raises_its_own_threshold_and_a_week_lowers_it_again() -> None:
    first, pages = page_step(
        initial_pages(2), 0, np.array([5.1, 5.1]), threshold=5.0, is_sparse=RESTLESS_AND_SPARSE
    )
    assert pages.tolist() == [True, True]
    assert first.tick_ms == 0
    assert first.exceeded_ms.tolist() == [0, 0]
    np.testing.assert_allclose(first.height, [0.1, 0.4])
    later, pages = page_step(
        first, WEEK_MS // 14, np.array([1.0, 1.0]), threshold=5.0, is_sparse=RESTLESS_AND_SPARSE
    )
    assert not pages.any()
    assert later.exceeded_ms.tolist() == [0, 0]
    np.testing.assert_allclose(later.height, [0.1 - 0.7 / 14, 0.4 - 0.4 / 14])
    much_later, _ = page_step(
        later, WEEK_MS * 2, np.array([1.0, 1.0]), threshold=5.0, is_sparse=RESTLESS_AND_SPARSE
    )
    np.testing.assert_array_equal(much_later.height, [0.0, 0.0])


def test_a_raised_threshold_is_raised_by_the_power_of_its_height() -> None:
    raised = PageState(0, np.full(2, NEVER_MS), np.array([0.1, 0.1]))
    scores = 5.0 * np.exp(0.1) * np.array([1.0001, 0.9999])
    _, pages = page_step(raised, 0, scores, threshold=5.0, is_sparse=RESTLESS_AND_SPARSE)
    assert pages.tolist() == [True, False]


@pytest.mark.parametrize(("after_ms", "is_page"), [(600_000, False), (600_001, True)])
def test_a_series_pages_anew_after_more_than_ten_quiet_minutes(after_ms: int, *, is_page: bool) -> None:
    state = PageState(0, np.zeros(1, dtype=np.int64), np.zeros(1))
    state, pages = page_step(
        state, after_ms, np.array([6.0]), threshold=np.array([5.0]), is_sparse=np.zeros(1, dtype=bool)
    )
    assert pages.tolist() == [is_page]
    assert state.exceeded_ms.tolist() == [after_ms]


def test_a_score_at_its_threshold_is_not_over_it() -> None:
    scores, times_ms = np.array([[5.0], [5.5], [5.0]]), np.array([0, 700_000, 1_400_000])
    pages = pages_of(scores, times_ms, threshold=5.0, is_sparse=np.zeros(1, dtype=bool))
    assert pages[:, 0].tolist() == [False, True, False]


def test_weeks_count_scored_ticks_only() -> None:
    scores = np.array([[1.0, np.nan], [np.inf, 2.0]])
    assert series_weeks(scores, WEEK_MS // 2) == 1.0


def test_the_threshold_of_a_budget_lies_just_over_what_would_break_it() -> None:
    scores = np.array([[6.0], [0.0], [9.0], [0.0], [8.0]])
    times_ms = np.arange(5) * 10_000_000
    found = {
        budget: threshold_for_budget(
            scores, times_ms, step_ms=WEEK_MS // 5, budget_per_week=budget, is_sparse=np.zeros(1, dtype=bool)
        )
        for budget in (0.0, 1.0, 2.0, 3.0)
    }
    # the second page of three finds the threshold raised by 0.1, less what 10 000 s of quiet lower it
    raised = np.exp(0.1 - 0.7 * 20_000_000 / WEEK_MS)
    assert found[0.0] == pytest.approx(9.0, abs=1e-6)
    assert found[1.0] == pytest.approx(8.0 / raised, abs=1e-6)
    assert found[3.0] == 3.0
    assert found[2.0] == pytest.approx(6.0, abs=1e-6)


WATCHED = Watched(
    ("app", "app", "db", "mail"), ("web", "web", "data", "post"), np.array([4.0, 8.0, 4.0, 4.0])
)
NEAR = {"app": {"app", "db"}, "db": {"app", "db"}, "mail": {"mail"}}


def step(memory: PagingMemory, tick_ms: int, scores: list[float]) -> tuple[PagingMemory, list[Call]]:
    severity = np.array([1.0, 3.0, 2.0, 5.0])
    memory, calls, _ = paging_step(memory, tick_ms, np.array(scores), severity, WATCHED, NEAR.__getitem__)
    return memory, calls


def test_calls_are_complete_and_the_furthest_over_its_threshold_comes_first() -> None:
    memory, calls = step(initial_memory(4), 7, [6.0, 11.0, 8.0, 4.0])
    assert calls == [
        Call("db", "data", 2, 7, score=8.0, threshold=4.0, severity=2.0, is_page=True),
        Call("app", "web", 0, 7, score=6.0, threshold=4.0, severity=3.0, is_page=False),
    ]
    assert memory.anomaly_groups == (AnomalyGroup((("db", 7), ("app", 7)), 7),)
    assert memory.n_over.tolist() == [1, 1, 1, 0]
    memory, calls = step(memory, 9, [1.0, 11.0, 1.0, np.nan])
    assert not calls
    assert memory.n_over.tolist() == [0, 2, 0, 0]
    assert memory.anomaly_groups == (AnomalyGroup((("db", 7), ("app", 7)), 7),)  # held by the governor


def test_people_are_paged_for_a_series_about_once_a_week() -> None:
    memory, _ = step(initial_memory(4), 0, [1.0, 1.0, 1.0, 4.1])
    np.testing.assert_allclose(memory.governor.height, [0.0, 0.0, 0.0, 0.4])


def test_a_group_lasts_half_an_hour_after_its_last_tick_over_a_threshold() -> None:
    groups = (AnomalyGroup((("app", 0),), 0), AnomalyGroup((("mail", 0),), 1))
    memory = PagingMemory(initial_pages(4), np.zeros(4, dtype=np.int64), groups)
    quiet = np.ones(4)
    memory, _, ended = paging_step(memory, 1_800_000, quiet, quiet, WATCHED, NEAR.__getitem__)
    assert (memory.anomaly_groups, ended) == (groups, [])
    memory, _, ended = paging_step(memory, 1_800_001, quiet, quiet, WATCHED, NEAR.__getitem__)
    assert (memory.anomaly_groups, ended) == (groups[1:], [groups[0]])


def test_an_item_that_calls_again_joins_its_own_group_without_a_second_entry() -> None:
    groups = (AnomalyGroup((("mail", 0),), 0), AnomalyGroup((("app", 0),), 0))
    memory = PagingMemory(initial_pages(4), np.zeros(4, dtype=np.int64), groups)
    memory, calls = step(memory, 700_000, [9.0, 1.0, 1.0, 1.0])
    assert [call.is_page for call in calls] == [False]
    assert memory.anomaly_groups == (groups[0], AnomalyGroup((("app", 0),), 700_000))


@pytest.mark.parametrize(("severity", "word"), [(2 * np.log(31.0), "critical"), (6.86, "warning")])
def test_a_call_is_critical_from_three_times_its_threshold_on(severity: float, word: str) -> None:
    call = Call("app", "web", 0, 0, score=12.0, threshold=10.0, severity=severity, is_page=True)
    assert severity_of(call) == word
