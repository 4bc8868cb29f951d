from __future__ import annotations

from datetime import timedelta

from builders import ONSET, a_graph

from service.incidents.grouping import Grouping, Member

GRAPH = a_graph(("app", "order"), ("order", "db"), ("app", "quotes"), alone=["island"])


def test_an_alert_joins_that_of_an_item_it_depends_on_and_of_one_that_depends_on_it() -> None:
    grouping = Grouping(GRAPH, [Member("order", ONSET, 7)])
    assert grouping.incident_for("app", ONSET) == 7
    assert grouping.incident_for("db", ONSET) == 7
    assert grouping.incident_for("quotes", ONSET) is None


def test_half_an_hour_is_the_limit_on_both_sides() -> None:
    grouping = Grouping(GRAPH, [Member("order", ONSET, 7)])
    limit = timedelta(minutes=30)
    assert grouping.incident_for("app", ONSET + limit) == 7
    assert grouping.incident_for("app", ONSET - limit) == 7
    assert grouping.incident_for("app", ONSET + limit + timedelta(seconds=1)) is None


def test_the_nearest_start_wins_and_then_the_newer_incident() -> None:
    later = ONSET + timedelta(minutes=10)
    grouping = Grouping(GRAPH, [Member("order", ONSET, 1), Member("db", later, 2), Member("order", later, 3)])
    assert grouping.incident_for("app", later) == 3
    assert grouping.incident_for("app", ONSET) == 1


def test_an_item_outside_the_graph_joins_only_itself() -> None:
    grouping = Grouping(GRAPH, [Member("ghost", ONSET, 4)])
    assert grouping.incident_for("ghost", ONSET) == 4
    assert grouping.incident_for("app", ONSET) is None


def test_the_item_that_depends_on_the_other_leads() -> None:
    grouping = Grouping(GRAPH)
    assert grouping.leads("app", "db")
    assert not grouping.leads("db", "app")
    assert not grouping.leads("ghost", "app")
    cycle = Grouping(a_graph(("a", "b"), ("b", "a")))
    assert not cycle.leads("a", "b")
