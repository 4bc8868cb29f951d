"""Neighbourhoods of any size can be ranked: they are bounded, and omissions are reported."""

from __future__ import annotations

import numpy as np
from builders import ONSET, a_frame, with_fault

from cmdb.graph import DependencyGraph
from cmdb.items import Edge, Item
from models.cases.case import MAX_ITEMS, Alert, Case, build_case
from models.rankers import rank


def case_of(graph: DependencyGraph, *, alerting: str, slow: str, n_seen: int = 60) -> Case:
    """A case in which two items are slow; few have signals, because thousands would only cost time."""
    items = sorted({alerting, slow, *list(graph.items)[:n_seen]})
    fault = {(alerting, "latency_s"): 0.5, (slow, "latency_s"): 0.5}
    frame = with_fault(a_frame(items, n_ticks=60, seed=1), fault)
    normal = a_frame(items, n_ticks=100, seed=0, end=ONSET.replace(hour=0))
    return build_case(Alert(alerting, "SlowRequests", ONSET), ONSET, graph, frame, normal=normal)


def test_a_hub_of_fifty_thousand_edges_is_cut_and_the_cut_is_reported() -> None:
    spokes = [f"spoke-{number:05d}" for number in range(50_000)]
    graph = DependencyGraph(
        [Item("hub"), *(Item(each) for each in spokes)], [Edge("hub", each) for each in spokes]
    )
    ranking = rank(case_of(graph, alerting="hub", slow="spoke-00007"))
    assert len(ranking.candidates) == MAX_ITEMS
    assert ranking.candidates[0].item == "spoke-00007"
    assert ranking.unseen[0] == (
        "45,001 items that others depend on were left out: "
        "only the nearest 5,000 within 6 hops are looked at."
    )


def test_callers_of_a_hub_do_not_count_as_causes_left_out() -> None:
    callers = [f"caller-{number:05d}" for number in range(10_000)]
    items = [Item("app"), Item("hub"), *(Item(each) for each in callers)]
    graph = DependencyGraph(items, [Edge("app", "hub"), *(Edge(each, "hub") for each in callers)])
    ranking = rank(case_of(graph, alerting="app", slow="hub", n_seen=2))
    assert len(ranking.candidates) == MAX_ITEMS
    assert ranking.candidates[0].item == "hub"
    assert not any("left out" in each for each in ranking.unseen)


def test_among_many_items_without_edges_the_alerting_one_remains() -> None:
    graph = DependencyGraph(Item(f"item-{number:05d}") for number in range(12_000))
    ranking = rank(case_of(graph, alerting="item-11999", slow="item-11999"))
    assert len(ranking.candidates) == MAX_ITEMS
    assert ranking.candidates[0].item == "item-11999"
    assert ranking.unseen[0].startswith("7,000 items in a graph without edges were left out")


def test_a_million_edges_among_a_thousand_items_in_one_cycle_can_be_ranked() -> None:
    names = [f"item-{number:04d}" for number in range(1_001)]
    edges = (Edge(caller, callee) for caller in names for callee in names if caller != callee)
    graph = DependencyGraph((Item(each) for each in names), edges)
    ranking = rank(case_of(graph, alerting=names[0], slow=names[7]))
    assert ranking.candidates[0].item == names[7]
    assert np.isclose(
        sum(each.probability for each in ranking.candidates) + sum(ranking.answers.values()), 1.0
    )
