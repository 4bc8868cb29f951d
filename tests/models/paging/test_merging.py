from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.frame import Frame
from models.paging.merging import rate_before_merging, replayed_calls
from models.paging.normal_period_scores import NormalPeriodScores, normal_period_scores
from models.paging.page_record import page_record
from models.paging.rules import Watched, initial_memory, paging_step
from models.paging.team_budgets import team_budgets, watched_series
from telemetry.batches import SeriesKey

if TYPE_CHECKING:
    from collections.abc import Callable

MINUTE_MS = 60_000
ITEMS = tuple(f"item-{number}" for number in range(40))
KEYS = tuple(SeriesKey(item, "latency_s") for item in ITEMS)
TEAMS = ("trading", "trading", "funds", "funds") * 10
GRID = np.geomspace(6.0, 200.0, 24)


def alone(item: str) -> frozenset[str]:
    return frozenset({item})


def in_pairs(item: str) -> frozenset[str]:
    first = int(item.removeprefix("item-")) // 2 * 2
    return frozenset(ITEMS[first : first + 2])


def normal_scores(seed: int, *, n_days: int = 28, shared: bool = False) -> Frame:
    """Scores whose tail falls with the cube; if shared, both items of a pair have the same scores."""
    shape = (n_days * 1440, len(KEYS) // 2 if shared else len(KEYS))
    values = np.random.default_rng(seed).pareto(3.0, size=shape).astype(np.float32)
    return Frame(0, MINUTE_MS, KEYS, np.repeat(values, len(KEYS) // shape[1], axis=1))


def test_a_replay_of_the_normal_period_finds_the_calls_of_the_rules() -> None:
    scores = normal_scores(0, n_days=1)
    watched = Watched(ITEMS, TEAMS, np.full(40, 8.0))
    memory, stepped = initial_memory(40), []
    for tick_ms, row in zip(scores.times_ms.tolist(), scores.values, strict=True):
        memory, calls, _ = paging_step(memory, tick_ms, row, row, watched, in_pairs)
        stepped += calls
    replayed = replayed_calls(normal_period_scores(scores, np.full(40, 5.0)), watched, in_pairs)
    found, expected = ([(c.item, c.since_ms, c.is_page) for c in each] for each in (replayed, stepped))
    assert found == expected
    assert len(found) > 10


def thresholds_for(budget: float, related: Callable[[str], frozenset[str]], *, shared: bool) -> Watched:
    record = page_record(normal_scores(1, shared=shared), normal_scores(2, n_days=1), thresholds=GRID)
    budgets = team_budgets(TEAMS, {}, default_budget=budget)
    return watched_series(KEYS, TEAMS, budgets, record, related)


@pytest.mark.parametrize(("related", "shared"), [(alone, False), (in_pairs, True)])
def test_merged_pages_of_an_unseen_period_meet_the_budget(
    related: Callable[[str], frozenset[str]], shared: bool
) -> None:
    watched = thresholds_for(4.0, related, shared=shared)
    unseen = normal_period_scores(normal_scores(3, shared=shared), watched.thresholds)
    pages = sum(call.is_page for call in replayed_calls(unseen, watched, related))
    assert 0.6 < pages / (4 * 2 * 4.0) < 1.3


def test_series_of_one_anomaly_group_may_call_more_often() -> None:
    merged, unmerged = (thresholds_for(2.0, each, shared=True) for each in (in_pairs, alone))
    assert merged.thresholds[0] < 0.9 * unmerged.thresholds[0]


def test_too_short_a_normal_period_leaves_the_rate_as_it_is() -> None:
    normal = normal_period_scores(normal_scores(4, n_days=1), np.full(40, 10.0))
    before = rate_before_merging(
        normal, lambda rate: Watched(ITEMS, TEAMS, np.full(40, 20 / rate)), alone, largest=0.5
    )
    assert before(0.1) == 0.1


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 10**10), st.integers(0, 39), st.floats(3, 500)), max_size=200),
    st.floats(0, 50),
    st.floats(1e-4, 20),
)
def test_a_smaller_budget_never_gives_a_larger_rate(
    points: list[tuple[int, int, float]], weeks: float, asked: float
) -> None:
    points.sort()
    times_ms, columns, scores = (np.array([each[place] for each in points]) for place in range(3))
    normal = NormalPeriodScores(
        times_ms.astype(np.int64), columns.astype(np.int32), scores.astype(np.float32), np.full(40, weeks)
    )
    before = rate_before_merging(
        normal, lambda rate: Watched(ITEMS, TEAMS, np.full(40, 3 / rate)), in_pairs, largest=asked
    )
    assert 0 < before(asked / 2) <= before(asked) < np.inf
