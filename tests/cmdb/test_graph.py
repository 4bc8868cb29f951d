"""Walks over the dependency graph agree with naive walks on any graph."""

from __future__ import annotations

from itertools import pairwise

import pytest
from builders import a_graph
from hypothesis import given
from hypothesis import strategies as st

from cmdb.errors import UnknownItemError
from cmdb.graph import LARGE_CYCLE, DependencyGraph
from cmdb.items import Edge, EdgeKind, Item

IDS = [f"item-{number}" for number in range(8)]
edges = st.sets(
    st.builds(Edge, st.sampled_from(IDS), st.sampled_from(IDS), st.sampled_from(EdgeKind)).filter(
        lambda edge: edge.dependent != edge.dependency
    ),
    max_size=25,
)
graphs = edges.map(lambda some: DependencyGraph([Item(each) for each in IDS], some))
ids = st.sampled_from(IDS)


def naive_hops(graph: DependencyGraph, item: str, kinds: set[EdgeKind]) -> dict[str, int]:
    """Hops by relaxing every edge until nothing changes."""
    hops = {item: 0}
    for _ in graph.items:
        for edge in graph.edges:
            if edge.kind in kinds and edge.dependent in hops:
                there = hops[edge.dependent] + 1
                hops[edge.dependency] = min(there, hops.get(edge.dependency, there))
    return hops


@given(graphs, ids, st.none() | st.sets(st.sampled_from(EdgeKind)), st.none() | st.integers(0, 4))
def test_hops_are_those_of_a_naive_walk(
    graph: DependencyGraph, item: str, kinds: set[EdgeKind] | None, max_hops: int | None
) -> None:
    naive = naive_hops(graph, item, set(EdgeKind) if kinds is None else kinds)
    limit = len(IDS) if max_hops is None else max_hops
    found = graph.hops(item, max_hops=max_hops, kinds=kinds)
    assert found == {each: hop for each, hop in naive.items() if hop <= limit}
    assert list(found) == sorted(found, key=lambda each: (found[each], each)), "nearest first, then by id"


@given(graphs, ids)
def test_dependencies_and_dependents_mirror_each_other(graph: DependencyGraph, item: str) -> None:
    assert graph.dependencies(item) == naive_hops(graph, item, set(EdgeKind)).keys() - {item}
    assert graph.dependents(item) == {each for each in IDS if item in graph.dependencies(each)} - {item}


@given(graphs, ids, ids)
def test_a_path_is_a_shortest_path_along_edges(graph: DependencyGraph, item: str, dependency: str) -> None:
    path = graph.path(item, dependency)
    hops = graph.hops(item).get(dependency)
    assert len(path) == (0 if hops is None else hops + 1)
    if path:
        assert (path[0], path[-1]) == (item, dependency)
        joined = {(edge.dependent, edge.dependency) for edge in graph.edges}
        assert all(pair in joined for pair in pairwise(path))
    assert path == graph.path(item, dependency)


@given(graphs, st.sets(st.sampled_from([*IDS, "unknown"])))
def test_a_subgraph_equals_a_graph_built_from_its_parts(graph: DependencyGraph, chosen: set[str]) -> None:
    part = graph.subgraph(chosen)
    anew = DependencyGraph(
        [graph.items[each] for each in chosen & graph.items.keys()],
        [edge for edge in graph.edges if {edge.dependent, edge.dependency} <= chosen],
    )
    assert part.version == anew.version
    assert part.edges == anew.edges
    assert list(part.items) == sorted(part.items)
    for each in part.items:
        assert part.dependents(each) == anew.dependents(each)


@given(graphs, ids, st.integers(0, 4), st.integers(1, 10))
def test_a_neighbourhood_has_the_nearest_dependencies_and_their_other_callers(
    graph: DependencyGraph, item: str, max_hops: int, max_items: int
) -> None:
    nearest = list(graph.hops(item, max_hops=max_hops))[:max_items]
    callers = {edge.dependent for edge in graph.edges if edge.dependency in nearest} - set(nearest)
    expected = {*nearest, *sorted(callers)[: max_items - len(nearest)]}
    part = graph.neighbourhood(item, max_hops=max_hops, max_items=max_items)
    assert part.items.keys() == expected
    assert part.edges == {edge for edge in graph.edges if {edge.dependent, edge.dependency} <= expected}


@given(edges)
def test_the_version_depends_on_the_content_alone(some: set[Edge]) -> None:
    first = DependencyGraph([Item(each) for each in IDS], sorted(some))
    second = DependencyGraph([Item(each) for each in reversed(IDS)], sorted(some, reverse=True))
    assert first.version == second.version
    assert first.edges == second.edges == some


@pytest.mark.parametrize(
    "other",
    [
        Item("app", kind="database"),
        Item("app", name="App"),
        Item("app", team="trading"),
        Item("app", attributes={"room": "B2"}),
        Item("web"),
    ],
)
def test_any_field_of_an_item_changes_the_version(other: Item) -> None:
    assert DependencyGraph([other]).version != DependencyGraph([Item("app")]).version


def test_the_kind_of_an_edge_changes_the_version() -> None:
    items = [Item("app"), Item("queue")]
    kinds = [DependencyGraph(items, [Edge("app", "queue", kind)]).version for kind in EdgeKind]
    assert len(set(kinds)) == len(kinds)


def test_a_cycle_is_walked_once() -> None:
    graph = a_graph(("a", "b"), ("b", "c"), ("c", "a"))
    assert graph.hops("a") == {"a": 0, "b": 1, "c": 2}
    assert graph.dependencies("a") == graph.dependents("a") == {"b", "c"}
    assert graph.path("a", "a") == ("a",)


def test_two_kinds_of_edge_between_two_items_are_both_walked() -> None:
    both = [Edge("app", "queue", EdgeKind.CALLS), Edge("app", "queue", EdgeKind.ASYNC)]
    graph = DependencyGraph([Item("app"), Item("queue")], both)
    assert graph.dependencies("app", kinds={EdgeKind.ASYNC}) == {"queue"}
    assert graph.dependents("queue", kinds={EdgeKind.RUNS_ON}) == set()
    assert graph.edges == set(both)


def test_a_hub_of_fifty_thousand_edges_is_cut_to_the_limit() -> None:
    spokes = [f"spoke-{number:05d}" for number in range(50_000)]
    graph = DependencyGraph(
        [Item("hub"), *(Item(each) for each in spokes)],
        [Edge("hub", each) if index % 2 else Edge(each, "hub") for index, each in enumerate(spokes)],
    )
    part = graph.neighbourhood("hub", max_items=100)
    assert len(part) == 100
    assert len(part.edges) == 99
    assert graph.path("spoke-00000", "spoke-00001") == ("spoke-00000", "hub", "spoke-00001")
    assert len(graph.neighbourhood("spoke-00000", max_hops=1, max_items=30_000)) == 25_001


@pytest.mark.parametrize(
    "ask",
    [
        lambda graph: graph.hops("unknown"),
        lambda graph: graph.dependents("unknown"),
        lambda graph: graph.path("a", "unknown"),
        lambda graph: graph.path("unknown", "a"),
        lambda graph: graph.neighbourhood("unknown"),
        lambda graph: DependencyGraph(graph.items.values(), [Edge("a", "unknown")]),
    ],
)
def test_an_unknown_item_is_named(ask: object) -> None:
    with pytest.raises(UnknownItemError, match=r"^no configuration item has the id 'unknown'$"):
        ask(a_graph(("a", "b")))  # type: ignore[operator]


def test_a_repeated_id_and_an_item_that_needs_itself_are_rejected() -> None:
    with pytest.raises(ValueError, match="two configuration items have the id 'app'"):
        DependencyGraph([Item("app"), Item("app")])
    with pytest.raises(ValueError, match="'app' cannot depend on itself"):
        DependencyGraph([Item("app")], [Edge("app", "app")])


def test_membership_and_length_are_those_of_the_items() -> None:
    graph = a_graph(("a", "b"), alone=["c"])
    assert len(graph) == 3
    assert "c" in graph
    assert "d" not in graph
    assert len(DependencyGraph()) == 0


def test_related_is_everything_that_an_item_needs_and_that_needs_it() -> None:
    graph = a_graph(("app", "order"), ("order", "db"), ("batch", "db"), alone=("island",))
    assert graph.related("order") == {"app", "order", "db"}
    assert graph.related("db") == {"app", "order", "db", "batch"}
    assert graph.related("island") == {"island"}
    assert graph.related("ghost") == {"ghost"}


def test_reach_is_what_is_nearest_in_both_directions() -> None:
    graph = a_graph(("app", "order"), ("order", "db"), ("batch", "db"), ("app", "cache"), alone=("island",))
    assert graph.reach("app", max_items=2) == ({"cache", "order"}, set())
    assert graph.reach("app", max_items=9) == ({"cache", "order", "db"}, set())
    assert graph.reach("db", max_items=2) == (set(), {"batch", "order"})
    assert graph.reach("island", max_items=2) == graph.reach("ghost", max_items=2) == (set(), set())


def test_the_items_of_a_large_cycle_are_walked_once_and_reach_the_same() -> None:
    n = 2 * LARGE_CYCLE
    names = [f"i{each}" for each in range(n)]
    ring = [Edge(names[each], names[(each + 1) % n]) for each in range(n)]
    graph = DependencyGraph(
        [Item(each) for each in (*names, "app", "db")], [*ring, Edge("app", "i0"), Edge("i5", "db")]
    )
    walked = DependencyGraph(graph.items.values(), graph.edges)
    assert graph.reach("i0", max_items=n + 2) == ({*names, "db"} - {"i0"}, {*names, "app"} - {"i0"})
    for each in ("i1", "i7", "app", "db"):
        assert graph.reach(each, max_items=n + 2) == walked.reach(each, max_items=n + 2)
        assert graph.reach(each, max_items=3) == walked.reach(each, max_items=3)
    assert "i7" not in graph.reach("i7", max_items=n + 2).needs


@pytest.mark.timeout(15)  # a walk that compares each ring with all that it found takes over a minute
def test_the_way_round_a_cycle_of_many_items_is_walked_once() -> None:
    n_items = 60_000
    names = [f"c{number}" for number in range(n_items)]
    graph = a_graph(*zip(names, [*names[1:], names[0]], strict=True))
    hops = graph.hops("c0")
    assert len(hops) == n_items
    assert hops[names[-1]] == n_items - 1
