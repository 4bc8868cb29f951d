"""What is late or missing was not looked at: it is named as such, and the answer is less sure."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from builders import MINUTE_MS, ONSET, a_frame, a_graph

from features.frame import Frame
from features.golden import Role
from models.cases.case import Alert, Case, build_case
from models.evidence.finding import Finding
from models.evidence.lateness import lateness
from models.rankers import rank
from models.rankers.explain import normal_sentences
from telemetry.batches import SeriesKey

SHOP = a_graph(("web", "api"), ("api", "orders"), ("orders", "orders-db"), ("api", "auth"))
ITEMS = sorted(SHOP.items)
FAULT = {"orders-db": 0.4, "orders": 0.4, "api": 0.4, "web": 0.4}
"""Seconds that each item is slower by; a fault of `orders-db`."""


def a_case_with(
    *,
    n_missing: int,
    minutes: int = 2,
    item: str = "orders-db",
    every: int = 1,
    cpu: tuple[str, float] = ("", 0.0),
) -> Case:
    """A case some minutes after the onset; the last ticks of one item are missing, or all but every n-th."""
    end = ONSET + timedelta(minutes=minutes)
    frame = a_frame(ITEMS, n_ticks=600 + minutes, end=end)
    levels = 0.2 * np.random.default_rng(7).lognormal(0.0, 0.05, (frame.n_ticks, len(ITEMS)))
    keys = frame.keys + tuple(SeriesKey(each, "cpu_ratio") for each in ITEMS)
    frame = Frame(frame.start_ms, MINUTE_MS, keys, np.hstack([frame.values, levels]))
    for each, slower_s in FAULT.items():
        frame.values[-minutes:, frame.column_of[SeriesKey(each, "latency_s")]] += slower_s
        frame.values[-minutes:, frame.column_of[SeriesKey(each, "error_ratio")]] += 0.1
    if cpu[0]:
        frame.values[-minutes:, frame.column_of[SeriesKey(cpu[0], "cpu_ratio")]] = cpu[1]
    columns = [column for column, key in enumerate(keys) if key.item == item]
    rows = np.arange(frame.n_ticks)
    silent = (rows >= frame.n_ticks - n_missing) | ((frame.n_ticks - 1 - n_missing - rows) % every != 0)
    frame.values[np.ix_(silent, columns)] = np.nan
    return build_case(Alert("web", "Slow", ONSET), end, SHOP, frame, normal=frame)


def test_a_late_dependency_of_the_strongest_suspect_keeps_part_of_the_belief() -> None:
    ranking = rank(a_case_with(n_missing=2))
    first, second = ranking.candidates[:2]
    assert (first.item, second.item) == ("orders", "orders-db")
    assert ranking.causes == ("orders",)
    assert first.probability < 0.6
    assert second.probability > 0.3
    assert [each.kind for each in second.evidence] == ["not_seen"]
    assert second.evidence[0].weight == pytest.approx(second.score)
    assert second.evidence[0].sentence == (
        "orders-db is not seen (its last sample is 2 minutes old): it may explain what is wrong with orders."
    )


def test_once_its_samples_come_the_late_item_is_named() -> None:
    ranking = rank(a_case_with(n_missing=2, minutes=4))
    assert ranking.causes == ("orders-db",)
    assert ranking.candidates[0].probability > 0.9
    assert "orders-db: its last sample is 2 minutes old; it is late." in ranking.unseen


def test_a_late_item_is_unseen_from_its_first_late_tick_and_never_as_usual() -> None:
    on_time, late = rank(a_case_with(n_missing=0)), rank(a_case_with(n_missing=1, item="auth"))
    assert on_time.found_normal[-1] == "CPU: 5 items looked at, all as usual."
    assert late.found_normal[-1] == "CPU: 4 items looked at, all as usual."
    assert "auth: its last sample is 1 minute old; it is late." in late.unseen
    assert not any("late" in sentence for sentence in on_time.unseen)


def test_a_late_item_that_no_suspect_depends_on_changes_no_belief() -> None:
    on_time, late = rank(a_case_with(n_missing=0)), rank(a_case_with(n_missing=2, item="auth"))
    assert late.causes == on_time.causes == ("orders-db",)
    assert late.candidates[0].probability > 0.9


def test_an_item_silent_throughout_is_missing() -> None:
    case = a_case_with(n_missing=40)
    n_minutes = len(case.before.times_ms) + len(case.window.times_ms)
    sentence = f"orders-db: no sample for {n_minutes} minutes or more; it is missing."
    ranking = rank(case)
    assert sentence in ranking.unseen
    assert not any("No latency or errors" in each for each in ranking.unseen)


def test_what_a_dependency_does_not_cause_speaks_for_the_caller_alone() -> None:
    plain = rank(a_case_with(n_missing=2)).candidates[0]
    busy = rank(a_case_with(n_missing=2, cpu=("orders", 0.95))).candidates[0]
    assert busy.item == plain.item == "orders"
    assert busy.probability > plain.probability + 0.2


def test_an_unseen_item_behind_an_unseen_item_may_be_the_cause_too() -> None:
    graph = a_graph(("web", "api"), ("api", "orders"), ("orders", "orders-db"), ("orders-db", "auth"))
    case = replace(a_case_with(n_missing=2), graph=graph)
    for part in (case.window, case.before):
        for values in part.values.values():
            values[-2:, case.items.index("auth")] = np.nan
    belief = {each.item: each.probability for each in rank(case).candidates}
    assert belief["orders"] > belief["orders-db"] > belief["auth"] > 0.2


def test_an_item_that_sends_every_fifth_tick_is_not_late_between_them() -> None:
    case = a_case_with(n_missing=4, every=5)
    assert not lateness(case).is_late.any()
    assert lateness(a_case_with(n_missing=14, every=5)).is_late[case.items.index("orders-db")]


@pytest.mark.parametrize(("n_missing", "is_late"), [(3, False), (5, True)])
def test_silence_is_late_where_one_in_twenty_is_as_long(n_missing: int, is_late: bool) -> None:
    case = a_case_with(n_missing=n_missing, every=2)
    assert lateness(case).is_late[case.items.index("orders-db")] == is_late


@pytest.mark.parametrize(("minutes", "is_unseen"), [(3, True), (4, False)])
def test_a_late_item_is_unseen_below_half_of_the_ticks(minutes: int, is_unseen: bool) -> None:
    case = a_case_with(n_missing=2, minutes=minutes)
    assert lateness(case).is_late[case.items.index("orders-db")]
    assert lateness(case).is_unseen[case.items.index("orders-db")] == is_unseen


def test_a_late_item_is_as_usual_in_no_kind_of_evidence() -> None:
    case = a_case_with(n_missing=1, item="auth")
    spans = Finding("own_time", "own", np.zeros(5), np.ones(5), lambda _: ("", {}))
    assert normal_sentences([spans], lateness(case)) == (
        "Own time in spans: 4 items looked at, all as usual.",
    )


def test_latency_that_nobody_asked_for_is_not_late() -> None:
    case = a_case_with(n_missing=0)
    column = case.items.index("auth")
    for role in (Role.LATENCY, Role.ERRORS):
        case.window.values[role][-1, column] = np.nan
    assert lateness(case).of(Role.LATENCY)[column]
    case.window.values[Role.REQUESTS][-1, column] = 0.0
    assert not lateness(case).of(Role.LATENCY)[column]


def test_one_late_metric_is_reported_and_not_called_as_usual() -> None:
    case = a_case_with(n_missing=0)
    case.window.values[Role.CPU][-1, case.items.index("auth")] = np.nan
    ranking = rank(case)
    assert "CPU of auth: late, not seen yet." in ranking.unseen
    assert "CPU: 4 items looked at, all as usual." in ranking.found_normal


def test_an_item_that_never_sends_is_not_late() -> None:
    case = a_case_with(n_missing=600, item="auth")
    assert not lateness(case).is_late.any()
    assert any("No latency or errors were received for auth" in each for each in rank(case).unseen)
