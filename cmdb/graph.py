"""What depends on what: a directed graph of configuration items, cycles allowed."""

from __future__ import annotations

import hashlib
import json
from functools import cached_property
from typing import TYPE_CHECKING

import networkx as nx

from cmdb.errors import UnknownItemError
from cmdb.items import Edge, EdgeKind, Item

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable


class DependencyGraph:
    """One immutable version of the dependency graph.

    Parameters
    ----------
    items
        The configuration items; ids are unique.
    edges
        ``dependent → dependency``, both ends among ``items``, never an item with itself.

    Raises
    ------
    UnknownItemError
        If an edge names an item that is not there.
    ValueError
        If an id comes twice, or an edge joins an item with itself.

    Examples
    --------
    >>> graph = DependencyGraph([Item("app"), Item("db")], [Edge("app", "db")])
    >>> graph.dependencies("app"), graph.dependents("db")
    ({'db'}, {'app'})
    """

    def __init__(self, items: Iterable[Item] = (), edges: Iterable[Edge] = ()) -> None:
        self.items: dict[str, Item] = {}
        for item in items:
            if item.id in self.items:
                raise ValueError(f"two configuration items have the id {item.id!r}")
            self.items[item.id] = item
        self.edges: frozenset[Edge] = frozenset(edges)
        self._digraph: nx.DiGraph[str] = nx.DiGraph()
        self._digraph.add_nodes_from(sorted(self.items))
        for edge in sorted(self.edges):
            for end in (edge.dependent, edge.dependency):
                if end not in self.items:
                    raise UnknownItemError(end)
            if edge.dependent == edge.dependency:
                raise ValueError(f"{edge.dependent!r} cannot depend on itself")
            if self._digraph.has_edge(edge.dependent, edge.dependency):
                self._digraph.edges[edge.dependent, edge.dependency]["kinds"].add(edge.kind)
            else:
                self._digraph.add_edge(edge.dependent, edge.dependency, kinds={edge.kind})

    def __len__(self) -> int:
        return len(self.items)

    def __contains__(self, item: object) -> bool:
        return item in self.items

    @cached_property
    def version(self) -> str:
        """Digest of the content: equal graphs have equal versions, whatever order they were built in."""
        content = [
            sorted(
                [item.id, item.kind, item.name, item.team, sorted(item.attributes.items())]
                for item in self.items.values()
            ),
            sorted([edge.dependent, edge.dependency, edge.kind.value] for edge in self.edges),
        ]
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]

    def dependencies(self, item: str, *, kinds: Collection[EdgeKind] | None = None) -> set[str]:
        """Everything ``item`` needs, directly or not, itself left out."""
        return set(self.hops(item, kinds=kinds)) - {item}

    def dependents(self, item: str, *, kinds: Collection[EdgeKind] | None = None) -> set[str]:
        """Everything that needs ``item``, directly or not, itself left out: its blast radius."""
        return set(self._walk(item, towards_dependents=True, max_hops=None, kinds=kinds)) - {item}

    def hops(
        self, item: str, *, max_hops: int | None = None, kinds: Collection[EdgeKind] | None = None
    ) -> dict[str, int]:
        """Number of hops to each dependency within ``max_hops``, nearest first, ``item`` itself at 0."""
        return self._walk(item, towards_dependents=False, max_hops=max_hops, kinds=kinds)

    def path(self, item: str, dependency: str) -> tuple[str, ...]:
        """Shortest way from an item to a dependency, both included; empty if there is none."""
        for end in (item, dependency):
            self._check(end)
        try:
            return tuple(nx.shortest_path(self._digraph, item, dependency))
        except nx.NetworkXNoPath:
            return ()

    def neighbourhood(self, item: str, *, max_hops: int = 6, max_items: int = 5_000) -> DependencyGraph:
        """The part of the graph that can explain an alert on ``item``.

        Its dependencies within ``max_hops``, nearest first and at most ``max_items``, and the direct
        dependents of each of them as far as room is left: what else calls them shares the blame.
        """
        kept = list(self.hops(item, max_hops=max_hops))[:max_items]
        seen = set(kept)
        callers = {caller for each in kept for caller in self._digraph.predecessors(each)} - seen
        seen.update(sorted(callers)[: max_items - len(kept)])
        return self.subgraph(seen)

    def subgraph(self, items: Collection[str]) -> DependencyGraph:
        """The given items that exist, and the edges among them."""
        kept = set(items) & self.items.keys()
        edges = (edge for edge in self.edges if edge.dependent in kept and edge.dependency in kept)
        return DependencyGraph((self.items[each] for each in sorted(kept)), edges)

    def _check(self, item: str) -> None:
        if item not in self.items:
            raise UnknownItemError(item)

    def _walk(
        self, item: str, *, towards_dependents: bool, max_hops: int | None, kinds: Collection[EdgeKind] | None
    ) -> dict[str, int]:
        self._check(item)
        adjacent = self._digraph.pred if towards_dependents else self._digraph.succ
        found, ring, hop = {item: 0}, [item], 0
        while ring and (max_hops is None or hop < max_hops):
            hop += 1
            reached = {
                near
                for each in ring
                for near, edge in adjacent[each].items()
                if near not in found and (kinds is None or not edge["kinds"].isdisjoint(kinds))
            }
            ring = sorted(reached)
            found.update(dict.fromkeys(ring, hop))
        return found
