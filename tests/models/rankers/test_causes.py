"""Several causes at once, symptoms, and what was looked at in vain."""

from dataclasses import replace

import pytest
from builders import a_case, a_graph
from hypothesis import given
from hypothesis import strategies as st

from cmdb.graph import DependencyGraph
from cmdb.items import Item
from features.golden import Role
from models.cases.case import Signals
from models.rankers import rank

SHOP = a_graph(("app", "cart"), ("app", "search"), ("cart", "db"), ("cart", "stock"), ("search", "index"))
SLOW_DB = {("db", "latency_s"): 0.5, ("cart", "latency_s"): 0.5, ("app", "latency_s"): 0.5}
TWO_FAULTS = SLOW_DB | {
    ("index", "error_ratio"): 0.5,
    ("search", "error_ratio"): 0.5,
    ("app", "error_ratio"): 0.5,
}


def test_two_faults_at_once_are_both_named() -> None:
    assert set(rank(a_case(SHOP, TWO_FAULTS, alerting="app")).causes) == {"db", "index"}


@pytest.mark.parametrize("seed", range(5))
def test_one_fault_is_named_once_and_its_symptoms_say_so(seed: int) -> None:
    ranking = rank(a_case(SHOP, SLOW_DB, alerting="app", seed=10 * seed))
    assert ranking.causes == ("db",)
    explained = {each.item: each.explained_by for each in ranking.candidates if each.score > 0}
    assert {item for item, cause in explained.items() if cause == "db"} <= {"cart", "app"}
    assert explained["db"] == ""


def test_an_abstention_names_no_cause_and_explains_nothing() -> None:
    ranking = rank(a_case(SHOP, {}, alerting="app", seed=3))
    assert ranking.abstained
    assert ranking.causes == ()
    assert not any(each.explained_by for each in ranking.candidates)


def test_what_was_found_normal_is_counted_per_kind() -> None:
    latency, failures = rank(a_case(SHOP, SLOW_DB, alerting="app")).found_normal
    assert latency.startswith("Own latency: 6 items looked at, ")
    assert not latency.endswith("all as usual.")
    assert failures == "Own failures: 6 items looked at, all as usual."


def test_a_source_without_data_is_reported_and_not_called_normal() -> None:
    ranking = rank(a_case(SHOP, SLOW_DB, alerting="app"))
    assert any(sentence.startswith("No traces were received") for sentence in ranking.unseen)
    assert any(sentence.startswith("No log lines") for sentence in ranking.unseen)
    assert any(sentence.startswith("No CPU") for sentence in ranking.unseen)


@given(st.integers(1, 3))
def test_unrelated_healthy_items_do_not_change_who_is_named_first(n_healthy: int) -> None:
    case = a_case(SHOP, TWO_FAULTS, alerting="app")
    more = [Item(f"zz-{number}") for number in range(n_healthy)]
    column = [case.items.index("stock")] * n_healthy

    def widened(signals: Signals) -> Signals:
        order = [*range(len(case.items)), *column]
        values: dict[Role, object] = {role: each[:, order] for role, each in signals.values.items()}
        return replace(signals, values=values)

    larger = replace(
        case,
        graph=DependencyGraph([*SHOP.items.values(), *more], SHOP.edges),
        items=(*case.items, *(item.id for item in more)),
        window=widened(case.window),
        before=widened(case.before),
        normal=widened(case.normal),
    )
    assert rank(larger).causes[0] == rank(case).causes[0]
