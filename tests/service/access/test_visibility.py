from __future__ import annotations

import pytest

from cmdb.graph import DependencyGraph
from cmdb.items import Item
from service.access.visibility import EVERYTHING, Views

GRAPH = DependencyGraph([Item("web", team="front"), Item("db", team="data"), Item("cache")])


@pytest.mark.parametrize(
    ("teams", "seen"),
    [
        ((), {"web", "db", "cache", "unknown", ""}),
        (("front",), {"web"}),
        (("front", "data"), {"web", "db"}),
        (("operations",), {"cache", "unknown", ""}),
        (("operations", "data"), {"db", "cache", "unknown", ""}),
        (("nobody",), set()),
    ],
)
def test_teams_see_their_items_and_the_default_team_all_that_has_none(
    teams: tuple[str, ...], seen: set[str]
) -> None:
    view = Views(lambda: GRAPH, default_team="operations").of(frozenset(teams))
    assert {each for each in ("web", "db", "cache", "unknown", "") if view.sees(each)} == seen
    assert view.is_limited is bool(teams)


def test_a_view_follows_the_graph() -> None:
    graphs = [GRAPH]
    views = Views(lambda: graphs[-1], default_team="operations")
    assert views.of(frozenset({"data"})).sees("db")
    assert views.of(frozenset({"data"})) is views.of(frozenset({"data"}))
    graphs.append(DependencyGraph([Item("db", team="front")]))
    assert not views.of(frozenset({"data"})).sees("db")
    assert views.of(frozenset({"front"})).sees("db")


def test_some_and_all_of_a_window() -> None:
    view = Views(lambda: GRAPH, default_team="operations").of(frozenset({"front"}))
    assert view.sees_any(["web", "db"])
    assert view.sees_any(["db"], ["front"])
    assert not view.sees_any(["db"], ["data"])
    assert not view.sees_all(["web", "db"])
    assert not view.sees_all(["web"], ["data"])
    assert view.sees_all(["web"], ["front"])
    assert EVERYTHING.sees_all(["web", "x"], ["data"])
