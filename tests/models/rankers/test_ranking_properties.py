"""What a ranking must not depend on."""

from dataclasses import replace

import numpy as np
import pytest
from builders import ONSET, a_case, a_frame, a_graph, with_fault
from hypothesis import given, settings
from hypothesis import strategies as st

from cmdb.graph import DependencyGraph
from cmdb.items import Edge
from features.frame import Frame
from models.cases.case import Alert, Case, Signals, build_case
from models.rankers import rank
from telemetry.batches import SeriesKey

SHOP = a_graph(("app", "cart"), ("app", "search"), ("cart", "db"), ("search", "db"), ("cart", "cache"))
SLOW_DB = {
    ("db", "latency_s"): 0.5,
    ("cart", "latency_s"): 0.5,
    ("search", "latency_s"): 0.5,
    ("app", "latency_s"): 1.0,
}


def scores(case: Case) -> dict[str, float]:
    return {candidate.item: candidate.score for candidate in rank(case).candidates}


def test_seconds_and_milliseconds_give_the_same_ranking() -> None:
    def in_ms(frame: Frame) -> Frame:
        keys = tuple(SeriesKey(k.item, k.metric.replace("latency_s", "latency_ms")) for k in frame.keys)
        factor = np.array([1e3 if key.metric == "latency_ms" else 1.0 for key in keys])
        return Frame(frame.start_ms, frame.step_ms, keys, frame.values * factor)

    items = sorted(SHOP.items)
    alert = Alert("app", "SlowRequests", ONSET)
    frame = with_fault(a_frame(items, n_ticks=60, seed=1), SLOW_DB)
    normal = a_frame(items, n_ticks=500, seed=0, end=ONSET.replace(hour=0))
    plain = build_case(alert, ONSET, SHOP, frame, normal=normal)
    scaled = build_case(alert, ONSET, SHOP, in_ms(frame), normal=in_ms(normal))
    assert scores(plain) == pytest.approx(scores(scaled))


@settings(max_examples=20)
@given(st.permutations(sorted(SHOP.edges)))
def test_the_order_of_edges_does_not_matter(edges: list[Edge]) -> None:
    case = a_case(SHOP, SLOW_DB, alerting="app")
    other = DependencyGraph(SHOP.items.values(), edges)
    assert scores(case) == scores(replace(case, graph=other))


@settings(max_examples=20)
@given(st.sets(st.sampled_from(sorted(SHOP.edges)), max_size=2), st.integers(0, 3))
def test_missing_and_reversed_edges_are_answered(dropped: set[Edge], n_reversed: int) -> None:
    kept = [edge for edge in sorted(SHOP.edges) if edge not in dropped]
    turned = [Edge(edge.dependency, edge.dependent) for edge in kept[:n_reversed]]
    graph = DependencyGraph(SHOP.items.values(), {*turned, *kept[n_reversed:]})
    ranking = rank(replace(a_case(SHOP, SLOW_DB, alerting="app"), graph=graph))
    assert len(ranking.candidates) == len(SHOP)
    assert sum(each.probability for each in ranking.candidates) <= 1.0 + 1e-9


@settings(max_examples=30)
@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=5, max_size=5), st.integers(0, 2))
def test_any_numbers_are_answered_with_finite_scores(values: list[float], n_normal: int) -> None:
    case = a_case(SHOP, SLOW_DB, alerting="app")
    for signals in (case.window.values, case.normal.values)[: n_normal + 1]:
        for matrix in signals.values():
            matrix[: len(values), 0] = values[: len(matrix)]
    assert all(np.isfinite(score) for score in scores(case).values())


def test_a_window_of_no_tick_is_answered() -> None:
    case = a_case(SHOP, SLOW_DB, alerting="app")
    empty = Signals(case.window.times_ms[:0], {role: each[:0] for role, each in case.window.values.items()})
    ranking = rank(replace(case, window=empty))
    assert ranking.abstained
    assert all(np.isfinite(candidate.score) for candidate in ranking.candidates)
