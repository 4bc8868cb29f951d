"""Evidence from spans, resources and changes."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from builders import ONSET, a_case, a_graph

from cmdb.graph import DependencyGraph
from cmdb.items import ChangeEvent, Edge, EdgeKind, Item
from features.golden import Role
from features.span_sums import Cells, SpanSums
from features.spans import Spans, sum_spans
from models.cases.case import Case, Signals
from models.evidence.call_structure import call_structure
from models.evidence.calls import calls_and_reach
from models.evidence.changes import changes
from models.evidence.comparison import largest
from models.evidence.edge_gap import edge_gap
from models.evidence.finding import Finding
from models.evidence.own_time import own_time
from models.evidence.resources import resources
from models.evidence.surge import surge
from models.rankers import rank
from models.rankers.sunspot import SunspotRanker

GRAPH = a_graph(("app", "cart"), ("app", "search"), ("cart", "db"), ("search", "db"))
CALLS = {"app": ("cart", "search"), "cart": ("db",), "search": ("db",), "db": ()}
ONSET_US = int(ONSET.timestamp() * 1_000_000)


def traced(
    *,
    seed: int,
    start_us: int,
    n_traces: int = 200,
    own_us: dict[str, float] | None = None,
    gap_us: dict[tuple[str, str], float] | None = None,
    lost: tuple[tuple[str, str], ...] = (),
    unanswered: tuple[str, ...] = (),
) -> SpanSums:
    """Sum traces of the shop over five minutes, with times of some services or edges changed."""
    rng = np.random.default_rng(seed)
    columns: list[list[str]] = [[], [], [], [], []]
    times: list[tuple[int, int]] = []

    def visit(trace: str, service: str, parent: str, at: float) -> float:
        own = (own_us or {}).get(service, 1_000.0) * rng.lognormal(0.0, 0.3)
        name = f"{parent}/{service}"
        end = at + own
        for callee in CALLS[service]:
            if (service, callee) in lost:
                continue
            gap = (gap_us or {}).get((service, callee), 200.0) * rng.lognormal(0.0, 0.3)
            client = f"{name}>{callee}"
            inner = 500.0
            if callee not in unanswered:
                inner = visit(trace, callee, client, end + gap / 2)
            add((trace, client, name, service, f"call {callee}"), end, inner + gap)
            end += inner + gap
        add((trace, name, parent, service, "serve"), at, end - at)
        return end - at

    def add(names: tuple[str, str, str, str, str], at: float, us: float) -> None:
        for column, text in zip(columns, names, strict=True):
            column.append(text)
        times.append((int(at), int(us)))

    for number in range(n_traces):
        visit(f"t{number}", "app", "", start_us + number * 300_000_000 / n_traces)
    spans = Spans.from_columns(
        columns[0],
        columns[1],
        columns[2],
        services=columns[3],
        operations=columns[4],
        start_us=np.array([at for at, _ in times], dtype=np.int64),
        duration_us=np.array([us for _, us in times], dtype=np.int64),
    )
    return sum_spans(spans, step_ms=30_000)


def span_case(**fault: object) -> Case:
    """Build a case whose only evidence is spans, with a fault in its window."""
    case = a_case(GRAPH, {}, alerting="app")
    empty = Signals(case.window.times_ms, {})
    normal = traced(seed=1, start_us=ONSET_US - 3_600_000_000, n_traces=600)
    window = traced(seed=2, start_us=ONSET_US, **fault)  # type: ignore[arg-type]
    return replace(
        case,
        window=empty,
        before=Signals(case.before.times_ms, {}),
        normal=Signals(case.normal.times_ms, {}),
        window_spans=window,
        normal_spans=normal,
    )


def position_of(case: Case) -> dict[str, int]:
    return {item: index for index, item in enumerate(case.items)}


def worst(case: Case, finding: Finding | None) -> str:
    assert finding is not None
    return case.items[int(np.nanargmax(finding.surprise * (0.1 + finding.share)))]


def test_the_service_whose_own_time_grew_is_blamed_not_its_callers() -> None:
    case = span_case(own_us={"cart": 3_000.0})
    found = own_time(case, position_of(case))
    assert worst(case, found) == "cart"
    assert found is not None
    sentence, figures = found.sentence(case.items.index("cart"))
    assert "cart" in sentence
    assert "ms" in sentence
    assert figures["own_time_ms"] == pytest.approx(3.0, rel=0.2)
    assert rank(case).candidates[0].item == "cart"


def test_a_lone_slow_edge_is_blamed_on_the_callee() -> None:
    case = span_case(gap_us={("cart", "db"): 4_000.0, ("search", "db"): 4_000.0})
    found = edge_gap(case, position_of(case))
    assert worst(case, found) == "db"
    assert found is not None
    assert "network of db" in found.sentence(case.items.index("db"))[0]
    assert rank(case).candidates[0].item == "db"


def test_many_slow_edges_out_of_one_caller_are_blamed_on_the_caller() -> None:
    callees = [f"callee-{number}" for number in range(6)]
    case = a_case(a_graph(*(("app", callee) for callee in callees)), {}, alerting="app")
    now, then = (
        Cells(
            tuple(("app", callee, "") for callee in callees),
            np.arange(6),
            np.zeros(6, dtype=np.int64),
            np.full(6, 50.0),
            np.full(6, 50.0 * level),
            np.full(6, 50.0 * level**2 + 1.0),
        )
        for level in (7.0, 5.0)
    )
    nothing = now.where(np.zeros(6, dtype=bool))
    window, normal = (SpanSums(nothing, gap, nothing, nothing) for gap in (now, then))
    case = replace(case, window_spans=window, normal_spans=normal)
    assert worst(case, edge_gap(case, position_of(case))) == "app"


def test_missing_calls_are_blamed_on_the_service_that_should_make_them() -> None:
    case = span_case(lost=(("cart", "db"),))
    found = call_structure(case, position_of(case))
    assert worst(case, found) == "cart"
    assert found is not None
    assert "calls serve of db in 0 % of its spans" in found.sentence(case.items.index("cart"))[0]


def test_unanswered_calls_are_blamed_on_the_callee() -> None:
    case = span_case(unanswered=("db",))
    found = call_structure(case, position_of(case))
    assert worst(case, found) == "db"
    assert found is not None
    assert "db answers the calls" in found.sentence(case.items.index("db"))[0]


def test_normal_spans_name_no_cause() -> None:
    assert rank(span_case()).abstained


def test_without_spans_every_kind_of_span_evidence_is_none() -> None:
    case = a_case(GRAPH, {}, alerting="app")
    position = position_of(case)
    assert [each(case, position) for each in (own_time, edge_gap, call_structure)] == [None, None, None]
    blind = replace(span_case(), window_spans=span_case().normal_spans.between(0, 1))  # type: ignore[union-attr]
    assert [each(blind, position) for each in (own_time, edge_gap, call_structure)] == [None, None, None]


def test_a_resource_far_above_its_past_is_reported_and_an_unseen_one_is_unknown() -> None:
    case = with_role(a_case(GRAPH, {}, alerting="app"), Role.CPU, high="db", unseen="cart")
    [found] = resources(case)
    assert worst(case, found) == "db"
    assert np.isnan(found.surprise[case.items.index("cart")])
    assert found.sentence(case.items.index("db"))[0].startswith("CPU of db is at 90.0 %, usually")
    assert rank(case).candidates[0].item == "db"


def test_a_resource_without_a_past_is_no_evidence() -> None:
    case = with_role(a_case(GRAPH, {}, alerting="app"), Role.CPU, high="db", unseen="cart")
    short = Signals(case.normal.times_ms[:3], {role: each[:3] for role, each in case.normal.values.items()})
    assert resources(replace(case, normal=short)) == []


def test_a_full_pool_is_explained_by_the_slow_callee_it_waits_for() -> None:
    slow = a_case(GRAPH, {("db", "latency_s"): 0.5, ("cart", "latency_s"): 0.5}, alerting="app")
    case = with_role(slow, Role.SATURATION, high="cart", unseen="search")
    case.window.values[Role.SATURATION][:, case.items.index("db")] = 0.9
    assert rank(case).candidates[0].item == "db"


def test_a_full_queue_is_explained_by_the_busy_consumer_that_should_empty_it() -> None:
    ends = [("app", "queue"), ("queue", "push")]
    items = map(Item, ("app", "queue", "push"))
    graph = DependencyGraph(items, [Edge(*each, EdgeKind.ASYNC) for each in ends])
    case = with_role(a_case(graph, {}, alerting="queue"), Role.SATURATION, high="queue", unseen="app")
    assert rank(case).candidates[0].item == "queue"
    case.window.values[Role.SATURATION][:, case.items.index("push")] = 0.9
    scores = {candidate.item: candidate.score for candidate in rank(case).candidates}
    assert scores["push"] > 5.0
    assert scores["queue"] < 1.0


def with_role(case: Case, role: Role, *, high: str, unseen: str) -> Case:
    """Add a steady resource to a case, with one item far above its past and one unseen."""
    rng = np.random.default_rng(0)

    def added(signals: Signals, *, raised: bool) -> Signals:
        values = rng.normal(0.3, 0.01, (len(signals.times_ms), len(case.items)))
        values[:, case.items.index(unseen)] = np.nan
        if raised:
            values[:, case.items.index(high)] = 0.9
        return Signals(signals.times_ms, {**signals.values, role: values})

    return replace(case, window=added(case.window, raised=True), normal=added(case.normal, raised=False))


def test_a_recent_change_counts_more_than_an_old_one_or_a_habit() -> None:
    def change(item: str, minutes: float) -> ChangeEvent:
        return ChangeEvent(f"{item}-{minutes}", item, ONSET - timedelta(minutes=minutes), summary="v2")

    habit = [change("search", 10.0 + 60.0 * n) for n in range(200)]
    case = replace(
        a_case(GRAPH, {}, alerting="app"), changes=(change("db", 10.0), change("cart", 3_000.0), *habit)
    )
    found = changes(case, position_of(case))
    assert found is not None
    by_item = dict(zip(case.items, found.surprise.tolist(), strict=True))
    assert by_item["db"] > 2.0 > by_item["cart"]
    assert by_item["db"] > by_item["search"]
    assert by_item["app"] == 0.0
    assert "Deploy of db (v2) 14 minutes before" in found.sentence(case.items.index("db"))[0]
    assert changes(replace(case, changes=()), position_of(case)) is None


def test_a_surge_is_reported_where_requests_rise_everywhere() -> None:
    normal = a_case(GRAPH, {}, alerting="app")
    rising = {(item, "requests"): 400.0 for item in GRAPH.items}
    surged = a_case(GRAPH, rising, alerting="app")
    assert surge(normal, calls_and_reach(normal)[1]) == 0.0
    assert surge(surged, calls_and_reach(surged)[1]) > 3.0
    ranking = SunspotRanker().rank(surged)
    assert ranking.answers["traffic surge"] > 0.5
    assert "traffic surge" in ranking.abstained


def test_one_item_alone_shows_no_surge() -> None:
    graph = DependencyGraph([Item("app")])
    case = a_case(graph, {("app", "requests"): 400.0}, alerting="app")
    assert surge(case, calls_and_reach(case)[1]) == 0.0


def test_the_largest_surprise_is_corrected_for_how_many_were_tried() -> None:
    surprise = np.array([5.0, 4.0, np.nan, 2.0])
    best, which = largest(np.array([0, 0, 1, 2]), surprise, 4)
    assert best[0] == pytest.approx(5.0 - np.log(2.0))
    assert np.isnan(best[[1, 3]]).all()
    assert which.tolist() == [0, -1, 3, -1]


def test_probabilities_of_all_answers_sum_to_one() -> None:
    ranking = rank(span_case(own_us={"cart": 3_000.0}))
    total = sum(candidate.probability for candidate in ranking.candidates) + sum(ranking.answers.values())
    assert total == pytest.approx(1.0)


def test_leaving_a_kind_out_removes_its_evidence() -> None:
    case = span_case(own_us={"cart": 3_000.0})
    ranking = SunspotRanker(without=("own_time",)).rank(case)
    assert all(each.kind != "own_time" for candidate in ranking.candidates for each in candidate.evidence)
