"""The contract that every ranker keeps, and what Sunspot's own adds to it."""

import re
from dataclasses import replace

import numpy as np
import pytest
from builders import a_case, a_frame, a_graph
from hypothesis import given, settings
from hypothesis import strategies as st

from cmdb.graph import DependencyGraph
from cmdb.items import Edge, EdgeKind, Item
from features.golden import Role
from models.cases.case import Case, Signals
from models.evidence.own_excess import own_excess, own_excesses
from models.rankers import RANKERS, rank
from models.rankers.fusion import combined, usual_surprise
from models.rankers.posterior import Belief
from models.rankers.ranking import Ranker
from models.rankers.sunspot import LEAST_WEIGHT, SunspotRanker

SHOP = a_graph(("app", "cart"), ("app", "search"), ("cart", "db"), ("search", "db"), ("cart", "cache"))
SLOW_DB = {
    ("db", "latency_s"): 0.5,
    ("cart", "latency_s"): 0.5,
    ("search", "latency_s"): 0.5,
    ("app", "latency_s"): 1.0,
}
ranker_of = pytest.mark.parametrize("ranker", RANKERS.values(), ids=RANKERS.keys())


def without(case: Case, *roles: Role) -> Case:
    def kept(signals: Signals) -> Signals:
        values = {role: each for role, each in signals.values.items() if role not in roles}
        return Signals(signals.times_ms, values)

    return replace(case, window=kept(case.window), before=kept(case.before), normal=kept(case.normal))


@ranker_of
def test_every_item_is_a_candidate_once(ranker: Ranker) -> None:
    ranking = ranker.rank(a_case(SHOP, SLOW_DB, alerting="app"))
    assert sorted(candidate.item for candidate in ranking.candidates) == sorted(SHOP.items)


@ranker_of
def test_candidates_come_best_first_with_probabilities(ranker: Ranker) -> None:
    ranking = ranker.rank(a_case(SHOP, SLOW_DB, alerting="app"))
    scores = [candidate.score for candidate in ranking.candidates]
    assert scores == sorted(scores, reverse=True)
    assert all(0.0 <= candidate.probability <= 1.0 for candidate in ranking.candidates)
    assert sum(candidate.probability for candidate in ranking.candidates) <= 1.0 + 1e-9


@ranker_of
def test_the_same_case_gives_the_same_ranking(ranker: Ranker) -> None:
    case = a_case(SHOP, SLOW_DB, alerting="app")
    assert ranker.rank(case) == ranker.rank(case)


@ranker_of
def test_the_label_is_not_read(ranker: Ranker) -> None:
    case = a_case(SHOP, SLOW_DB, alerting="app")
    assert ranker.rank(case) == ranker.rank(replace(case, cause=("db",)))


@ranker_of
def test_nothing_seen_is_answered_all_the_same(ranker: Ranker) -> None:
    case = without(a_case(SHOP, {}, alerting="app"), *Role)
    ranking = ranker.rank(case)
    assert len(ranking.candidates) == len(SHOP)


@ranker_of
def test_a_cycle_and_a_lone_item_are_answered(ranker: Ranker) -> None:
    loop = a_graph(("a", "b"), ("b", "c"), ("c", "a"))
    assert len(ranker.rank(a_case(loop, {("c", "latency_s"): 1.0}, alerting="a")).candidates) == 3
    assert len(ranker.rank(a_case(a_graph(alone=["a"]), {}, alerting="a")).candidates) == 1


def test_the_service_that_adds_the_excess_is_blamed_and_not_those_that_show_it() -> None:
    case = a_case(SHOP, SLOW_DB, alerting="app")
    for part in (case.window, case.before, case.normal):
        part.values[Role.REQUESTS][:, case.items.index("db")] *= 2  # those of cart and of search
    ranking = rank(case)
    assert ranking.candidates[0].item == "db"
    assert ranking.candidates[0].path[0] == "app"
    assert ranking.candidates[0].hops == 2
    assert not ranking.abstained


def test_failures_are_blamed_as_slowness_is() -> None:
    failing = {("search", "error_ratio"): 0.2, ("app", "error_ratio"): 0.2}
    best = rank(a_case(SHOP, failing, alerting="app")).candidates[0]
    assert best.item == "search"
    assert best.evidence[0].kind == "own_failures"


def test_the_weights_of_the_evidence_sum_to_the_score_but_for_trifles() -> None:
    for candidate in rank(a_case(SHOP, SLOW_DB, alerting="app")).candidates:
        total = sum(evidence.weight for evidence in candidate.evidence)
        assert candidate.score - 2 * LEAST_WEIGHT < total <= candidate.score + 1e-9


def test_the_sentence_carries_figures_and_units() -> None:
    sentence = rank(a_case(SHOP, SLOW_DB, alerting="app")).candidates[0].evidence[0].sentence
    assert "excess seconds a minute arise in db itself" in sentence
    assert "ms a request, usually" in sentence


def test_latency_and_failures_that_usually_come_together_count_once() -> None:
    def surprises(failures_lag: int) -> list[float]:
        both = {(item, metric): 0.3 for item in ("db", "app") for metric in ("latency_s", "error_ratio")}
        case = a_case(SHOP, both, alerting="app")
        db, bursts = case.items.index("db"), np.arange(20, len(case.normal.times_ms) - 60, 100)
        past = {role: values.copy() for role, values in case.normal.values.items()}
        for tick in range(7):
            past[Role.LATENCY][bursts + tick, db] += 0.32
            past[Role.ERRORS][bursts + failures_lag + tick, db] += 0.32
        normal = Signals(case.normal.times_ms, past)
        return sorted(float(each.surprise[db]) for each in own_excesses(replace(case, normal=normal)))

    together, apart = surprises(0), surprises(50)
    assert min(apart) > 2.0
    assert together[1] == pytest.approx(apart[1], rel=0.05)
    assert together[0] < 0.3 * apart[0]


def test_normal_windows_are_mostly_answered_with_not_enough_evidence() -> None:
    abstained = [bool(rank(a_case(SHOP, {}, alerting="app", seed=10 * seed)).abstained) for seed in range(20)]
    assert sum(abstained) >= 14


def test_an_item_that_is_never_seen_is_named_as_unseen_and_shares_a_little_of_its_caller_s_belief() -> None:
    ranking = rank(a_case(SHOP, SLOW_DB, alerting="app", items=["app", "cart", "search", "db"]))
    assert any("cache" in sentence for sentence in ranking.unseen)
    by_item = {each.item: each for each in ranking.candidates}
    assert by_item["cache"].score <= by_item["cart"].score
    to_blame = {("cart", "latency_s"): 0.5, ("app", "latency_s"): 0.5}
    ranking = rank(a_case(SHOP, to_blame, alerting="app", items=["app", "cart", "search", "db"]))
    by_item = {each.item: each for each in ranking.candidates}
    assert ranking.causes == ("cart",)
    assert 0.05 < by_item["cache"].probability < 0.25
    [reason] = by_item["cache"].evidence
    assert reason.kind == "not_seen"
    assert "nothing was ever received of it" in reason.sentence


def test_a_callee_without_history_is_not_blamed_its_caller_is() -> None:
    case = a_case(
        a_graph(("app", "new")), {("new", "latency_s"): 0.5, ("app", "latency_s"): 0.5}, alerting="app"
    )
    forgotten = {role: values.copy() for role, values in case.normal.values.items()}
    for values in forgotten.values():
        values[:, case.items.index("new")] = np.nan
    ranking = rank(replace(case, normal=Signals(case.normal.times_ms, forgotten)))
    assert ranking.candidates[0].item == "app"
    assert any("new" in sentence and "history" in sentence for sentence in ranking.unseen)


def test_without_request_counts_a_regression_on_the_callees_serves() -> None:
    case = without(a_case(SHOP, SLOW_DB, alerting="app"), Role.REQUESTS)
    latency, column = case.normal.values[Role.LATENCY], case.items.index
    for caller, callee in (("cart", "db"), ("search", "db"), ("app", "cart"), ("app", "search")):
        latency[:, column(caller)] += latency[:, column(callee)]
    ranking = rank(case)
    assert ranking.candidates[0].item == "db"
    assert any("regression" in sentence for sentence in ranking.unseen)
    assert "a request slower than its dependencies explain" in ranking.candidates[0].evidence[0].sentence


def test_an_item_without_request_counts_takes_those_of_its_callers() -> None:
    case = a_case(SHOP, SLOW_DB, alerting="app")
    for part in (case.window, case.before, case.normal):
        part.values[Role.REQUESTS][:, case.items.index("db")] = np.nan
    assert rank(case).candidates[0].item == "db"


def test_without_a_graph_items_are_ranked_by_surprise_and_that_is_reported() -> None:
    graph = DependencyGraph([Item("app"), Item("db")])
    ranking = rank(a_case(graph, {("db", "latency_s"): 0.5}, alerting="app"))
    assert ranking.candidates[0].item == "db"
    assert any("no edges" in sentence for sentence in ranking.unseen)


def test_an_item_no_path_leads_to_is_damped_but_not_excluded() -> None:
    graph = a_graph(("app", "cart"), ("batch", "cart"))
    ranking = rank(a_case(graph, {("batch", "latency_s"): 5.0}, alerting="app"))
    assert ranking.candidates[0].item == "batch"
    assert ranking.candidates[0].hops is None
    assert (
        ranking.candidates[0].score
        < SunspotRanker(unreachable_factor=1.0)
        .rank(a_case(graph, {("batch", "latency_s"): 5.0}, alerting="app"))
        .candidates[0]
        .score
    )


def test_a_slow_consumer_does_not_slow_its_producer() -> None:
    graph = DependencyGraph([Item("api"), Item("queue")], [Edge("api", "queue", EdgeKind.ASYNC)])
    case = a_case(graph, {("api", "latency_s"): 0.5, ("queue", "latency_s"): 0.5}, alerting="api")
    excess = own_excess(case, Role.LATENCY)
    assert excess.own[case.items.index("api")] == pytest.approx(excess.total[case.items.index("api")])


def test_own_excess_equals_a_plain_loop_over_callers_and_callees() -> None:
    case = a_case(SHOP, SLOW_DB, alerting="app", seed=3)
    excess = own_excess(case, Role.LATENCY)
    requests = case.window.values[Role.REQUESTS].mean(axis=0)
    for caller, name in enumerate(case.items):
        explained = 0.0
        for edge in SHOP.edges:
            if edge.dependent == name:
                callee = case.items.index(edge.dependency)
                callers = [
                    case.items.index(each.dependent)
                    for each in SHOP.edges
                    if each.dependency == edge.dependency
                ]
                share = requests[caller] / sum(requests[each] for each in callers)
                now = case.window.values[Role.LATENCY][:, callee] - excess.reference[callee]
                explained += share * np.maximum(now * case.window.values[Role.REQUESTS][:, callee], 0).mean()
        assert excess.own[caller] == pytest.approx(excess.total[caller] - explained)


@settings(max_examples=25, deadline=None)
@given(st.permutations(sorted(SHOP.items)), st.integers(0, 5))
def test_the_ranking_does_not_depend_on_names_or_order(names: list[str], seed: int) -> None:
    renamed = {old: f"x{names.index(old)}" for old in SHOP.items}
    graph = DependencyGraph(
        [Item(renamed[item]) for item in SHOP.items],
        [Edge(renamed[edge.dependent], renamed[edge.dependency]) for edge in SHOP.edges],
    )
    case = a_case(SHOP, SLOW_DB, alerting="app", seed=seed)
    order = sorted(range(len(case.items)), key=lambda index: renamed[case.items[index]])

    def moved(signals: Signals) -> Signals:
        return Signals(signals.times_ms, {role: values[:, order] for role, values in signals.values.items()})

    other = replace(
        case,
        alert=replace(case.alert, item=renamed["app"]),
        graph=graph,
        items=tuple(renamed[case.items[index]] for index in order),
        window=moved(case.window),
        before=moved(case.before),
        normal=moved(case.normal),
    )
    expected = {renamed[each.item]: each.score for each in rank(case).candidates}
    got = {each.item: each.score for each in rank(other).candidates}
    assert got == pytest.approx(expected)


def test_an_unrelated_healthy_item_changes_no_score() -> None:
    wider = a_graph(
        ("app", "cart"),
        ("app", "search"),
        ("cart", "db"),
        ("search", "db"),
        ("cart", "cache"),
        alone=["zzz-unrelated"],
    )
    plain, more = (
        rank(a_case(graph, SLOW_DB, alerting="app", items=sorted(SHOP.items))) for graph in (SHOP, wider)
    )
    assert {each.item: each.score for each in plain.candidates} == {
        each.item: each.score for each in more.candidates
    }


def test_hostile_values_are_answered() -> None:
    case = a_case(
        SHOP,
        {("db", "latency_s"): -50.0, ("db", "requests"): -1e6, ("cart", "error_ratio"): 1e300},
        alerting="app",
    )
    ranking = rank(case)
    assert all(np.isfinite(candidate.score) for candidate in ranking.candidates)


def test_a_frame_of_one_tick_is_answered() -> None:
    one = a_frame(["app", "db"], n_ticks=1)
    assert one.n_ticks == 1
    case = a_case(a_graph(("app", "db")), {}, alerting="app")
    short = replace(
        case, normal=Signals(case.normal.times_ms[:1], {r: v[:1] for r, v in case.normal.values.items()})
    )
    assert "history" in rank(short).abstained


def deep(*pairs: tuple[str, str]) -> DependencyGraph:
    return a_graph(
        ("gateway", "order"), ("order", "funds"), ("funds", "funds-db"), ("gateway", "quotes"), *pairs
    )


DEEP_SLOW = {(item, "latency_s"): 0.9 for item in ("gateway", "order", "funds", "funds-db")}


@pytest.mark.parametrize("back", [("funds-db", "gateway"), ("funds-db", "funds"), ("order", "gateway")])
def test_a_call_that_leads_back_changes_nothing(back: tuple[str, str]) -> None:
    straight = rank(a_case(deep(), DEEP_SLOW, alerting="gateway"))
    cyclic = rank(a_case(deep(back), DEEP_SLOW, alerting="gateway"))
    assert cyclic.candidates[0].item == "funds-db"
    assert cyclic.candidates[0].probability == pytest.approx(straight.candidates[0].probability, rel=0.02)


def test_requests_are_inferred_from_callers_of_callers() -> None:
    case = a_case(deep(), DEEP_SLOW, alerting="gateway")
    for part in (case.window, case.before, case.normal):
        for item in ("funds", "funds-db"):
            part.values[Role.REQUESTS][:, case.items.index(item)] = np.nan
    assert rank(case).candidates[0].item == "funds-db"


def test_an_item_whose_requests_cannot_be_inferred_is_reported_and_not_blamed() -> None:
    graph = a_graph(("app", "cart"), ("batch", "cart"))
    case = a_case(graph, {("batch", "latency_s"): 5.0}, alerting="app")
    for part in (case.window, case.before, case.normal):
        part.values[Role.REQUESTS][:, case.items.index("batch")] = np.nan
    ranking = rank(case)
    assert next(each for each in ranking.candidates if each.item == "batch").score == 0.0
    assert any("No requests counted for batch" in sentence for sentence in ranking.unseen)


def test_a_trifle_beside_a_large_unexplained_excess_is_weak() -> None:
    slow = {("quotes", "latency_s"): 0.5}
    alone = rank(a_case(deep(), slow | {("gateway", "latency_s"): 0.5}, alerting="gateway"))
    beside = rank(a_case(deep(), slow | {("gateway", "latency_s"): 50.0}, alerting="gateway"))
    scores = [
        next(each.score for each in ranking.candidates if each.item == "quotes")
        for ranking in (alone, beside)
    ]
    assert scores[1] < scores[0] / 3


def test_a_level_raised_before_the_alert_is_mentioned_beside_the_usual_one() -> None:
    case = a_case(SHOP, SLOW_DB, alerting="app")
    case.before.values[Role.LATENCY][:, case.items.index("db")] = 0.15
    sentence = rank(case).candidates[0].evidence[0].sentence
    assert "arise in db itself" in sentence
    assert re.search(r"usually (99\.\d|100) ms and 150 ms just before", sentence)


@given(st.lists(st.floats(0.0, 30.0), min_size=1, max_size=40), st.integers(0, 30), st.floats(0.0, 10.0))
def test_nothing_observed_gains_with_suspects_and_not_with_items_that_nothing_speaks_against(
    evidence: list[float], n_healthy: int, more: float
) -> None:
    belief = Belief()
    alone = belief.posterior(np.array(evidence), 0.0)
    beside = belief.posterior(np.array([*evidence, *[0.0] * n_healthy]), 0.0)
    odds = alone.none / alone.candidates[0]
    assert beside.none / beside.candidates[0] == pytest.approx(odds)
    suspected = belief.posterior(np.array([*evidence, more + 0.01]), 0.0)
    assert suspected.none / suspected.candidates[0] > odds


def test_the_other_items_show_what_is_usual_and_few_of_them_leave_the_default() -> None:
    assert usual_surprise(np.array([])) == 1.0
    assert usual_surprise(np.array([25.0])) == 1.0
    assert usual_surprise(np.zeros(100)) == pytest.approx(6 / 105)
    assert usual_surprise(np.append(np.zeros(99), 25.0)) == usual_surprise(np.zeros(100))
    assert usual_surprise(np.full(100, 4.0)) == 1.0


def test_kinds_that_see_nothing_do_not_hide_what_one_of_them_sees() -> None:
    alone = combined(np.array([6.0]), np.array([1.0]))
    assert combined(np.array([6.0]), np.array([1.2])) > 0.8 * alone
    assert combined(np.array([6.0]), np.array([6.0])) < 0.2 * alone
