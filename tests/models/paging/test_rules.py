from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from features.calendar import CLOCKS, Phase
from features.frame import Frame
from models.paging.maintenance import Maintenance, muted_items
from models.paging.rules import (
    CRITICAL,
    TOGETHER_MS,
    WARNING,
    Call,
    PagingMemory,
    Watched,
    initial_memory,
    paging_step,
    set_back,
    severity_of,
)
from models.paging.silence import sending_phases, silent_items
from models.state import NEVER_MS
from telemetry.batches import SeriesKey

MINUTE_MS = 60_000
DAY_MS = 86_400_000
ITEMS = ("app", "app", "db", "mail")
RELATED = {"app": {"app", "db"}, "db": {"app", "db"}, "mail": {"mail"}}
WATCHED = Watched(ITEMS, ("web", "web", "data", "post"), np.array([10.0, 10.0, 10.0, 20.0]))


def fold(
    rows: NDArray[np.float64], *, ticks_over: int = 1, muted: frozenset[str] = frozenset()
) -> tuple[PagingMemory, list[Call]]:
    memory, found = initial_memory(4), []
    for tick, row in enumerate(rows):
        memory, calls, _ = paging_step(
            memory,
            tick * MINUTE_MS,
            row,
            row,
            WATCHED,
            RELATED.__getitem__,
            muted=muted,
            ticks_over=ticks_over,
        )
        found += calls
    return memory, found


def rows_of(*events: tuple[int, int, float], n_ticks: int = 200) -> NDArray[np.float64]:
    rows = np.ones((n_ticks, 4))
    for tick, column, score in events:
        rows[tick, column] = score
    return rows


def test_an_item_pages_once_with_its_strongest_series() -> None:
    _, calls = fold(rows_of((5, 0, 12.0), (5, 1, 40.0)))
    [call] = calls
    assert (call.item, call.team, call.series, call.is_page) == ("app", "web", 1, True)
    assert (call.since_ms, call.score, call.threshold, call.severity) == (5 * MINUTE_MS, 40.0, 10.0, 40.0)


def test_a_neighbour_joins_and_an_unrelated_item_pages_for_itself() -> None:
    _, calls = fold(rows_of((5, 2, 50.0), (9, 0, 50.0), (9, 3, 50.0)))
    assert [(call.item, call.is_page) for call in calls] == [("db", True), ("app", False), ("mail", True)]


def test_a_lasting_anomaly_group_pages_once_and_ends_after_a_quiet_period() -> None:
    rows = rows_of(*((tick, 2, 1000.0) for tick in range(5, 60)), (80, 0, 500.0), n_ticks=150)
    memory, found, over = initial_memory(4), [], []
    for tick, row in enumerate(rows):
        memory, calls, ended = paging_step(memory, tick * MINUTE_MS, row, row, WATCHED, RELATED.__getitem__)
        found += calls
        over += [(tick, each) for each in ended]
    assert [(call.item, call.is_page) for call in found] == [("db", True), ("app", False)]
    [(tick, group)] = over
    assert tick == 80 + TOGETHER_MS // MINUTE_MS + 1
    assert group.items == {"app", "db"}
    assert group.latest_ms == 80 * MINUTE_MS
    assert not memory.anomaly_groups


def test_an_ended_anomaly_group_does_not_revive_after_skipped_ticks() -> None:
    memory = initial_memory(4)
    pages = []
    for tick_ms in (0, DAY_MS):
        row = np.array([1.0, 1.0, 50.0, 1.0])
        memory, calls, _ = paging_step(memory, tick_ms, row, row, WATCHED, RELATED.__getitem__)
        pages += [call.is_page for call in calls]
    assert pages == [True, True]


def test_a_memory_that_is_set_back_pages_at_once_and_its_groups_end() -> None:
    memory = initial_memory(4)
    row = np.array([1.0, 1.0, 50.0, 1.0])
    memory, _, _ = paging_step(memory, DAY_MS, row, row, WATCHED, RELATED.__getitem__)
    memory = set_back(memory, 0)
    row = np.array([1.0, 1.0, 1.0, 90.0])
    memory, calls, ended = paging_step(memory, MINUTE_MS, row, row, WATCHED, RELATED.__getitem__)
    assert [(call.item, call.is_page) for call in calls] == [("mail", True)]
    assert not ended
    quiet = np.ones(4)
    memory, _, ended = paging_step(
        memory, TOGETHER_MS + MINUTE_MS, quiet, quiet, WATCHED, RELATED.__getitem__
    )
    assert [each.since_ms for each in ended] == [(("db", DAY_MS),)], "its alert is known by its start"


def test_no_series_can_use_up_the_budget() -> None:
    rows = np.ones((40_000, 4))
    rows[::45, 3] = 21.0
    _, calls = fold(rows)
    assert len(calls) <= 6


def test_persistence_waits_for_the_requested_ticks() -> None:
    rows = rows_of((5, 0, 50.0), (50, 0, 50.0), (51, 0, 50.0))
    assert [call.since_ms // MINUTE_MS for call in fold(rows, ticks_over=2)[1]] == [51]


def test_maintenance_mutes_an_item_that_pages_afterwards_if_still_anomalous() -> None:
    rows = rows_of((5, 2, 50.0), (6, 2, 50.0))
    assert not fold(rows, muted=frozenset({"db"}))[1]
    muted, _ = fold(rows[:6], muted=frozenset({"db"}))
    _, calls, _ = paging_step(muted, 6 * MINUTE_MS, rows[6], rows[6], WATCHED, RELATED.__getitem__)
    assert [call.item for call in calls] == ["db"]


SCORES = st.one_of(st.floats(0.0, 1000.0, width=32), st.just(float("nan")))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(SCORES, min_size=4, max_size=4), max_size=30))
def test_calls_come_from_series_over_their_thresholds_and_each_group_pages_once(
    rows: list[list[float]],
) -> None:
    memory, calls = fold(np.array(rows, dtype=np.float64).reshape(-1, 4))
    assert all(call.score > call.threshold for call in calls)
    assert (memory.governor.height >= 0).all()
    unrelated = [call.is_page for call in calls if call.item == "mail"]
    assert unrelated == [True] + [False] * (len(unrelated) - 1) if unrelated else True  # within half an hour


def test_severity_follows_the_slower_score() -> None:
    call = Call("app", "web", 0, 0, score=12.0, threshold=10.0, severity=5.0, is_page=True)
    assert severity_of(call) == WARNING
    lasting = Call("app", "web", 0, 0, score=12.0, threshold=10.0, severity=9.0, is_page=True)
    assert severity_of(lasting) == CRITICAL


def test_maintenance_counts_in_phases_of_the_exchange_day() -> None:
    window = Maintenance(frozenset({"db"}), frozenset({"web"}), 0, 10, frozenset({Phase.BATCH}))
    teams = {"db": "data", "app": "web", "mail": "post"}
    assert muted_items([window], teams, at_ms=5, phase=Phase.BATCH) == {"db", "app"}
    assert not muted_items([window], teams, at_ms=5, phase=Phase.MORNING)
    assert not muted_items([window], teams, at_ms=10, phase=Phase.BATCH)


def test_an_item_is_silent_when_all_of_its_series_are() -> None:
    seen = np.array([0, 50 * MINUTE_MS, 0, NEVER_MS])
    assert silent_items(ITEMS, seen, 55 * MINUTE_MS) == {"db"}
    assert silent_items(ITEMS, np.full(4, 55 * MINUTE_MS), 55 * MINUTE_MS) == frozenset()


@pytest.mark.parametrize(("silent_until", "is_reported"), [(0, True), (6 * 60, False)])
def test_a_feed_that_is_off_at_night_is_not_reported_at_night(
    silent_until: int, *, is_reported: bool
) -> None:
    values = np.ones((1440, 1))
    values[:silent_until] = np.nan
    start_ms = 1_772_553_600_000  # 2026-03-04 00:00 in Shanghai, a trading day
    normal = Frame(start_ms, MINUTE_MS, (SeriesKey("feed", "requests"),), values)
    phases = sending_phases(normal, CLOCKS["XSHG"])["feed"]
    assert Phase.MORNING in phases
    assert (Phase.NIGHT in phases) is is_reported
