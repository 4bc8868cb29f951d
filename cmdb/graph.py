"""The dependency graph: directed, between configuration items, cycles allowed."""

from __future__ import annotations

import hashlib
import json
from functools import cached_property
from heapq import nsmallest
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

from cmdb.errors import UnknownItemError
from cmdb.items import Edge, EdgeKind, Item

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from collections.abc import Set as AbstractSet

    Adjacency = Mapping[str, Mapping[str, frozenset[EdgeKind]]]

ONLY = {kind: frozenset({kind}) for kind in EdgeKind}

LARGE_CYCLE = 256
"""Items that reach each other reach the same; from so many on, that is walked once for all of them."""


class Reach(NamedTuple):
    """What is near an item: what it needs and what needs it, without the item itself."""

    needs: frozenset[str]
    needed_by: frozenset[str]


class DependencyGraph:
    """One immutable version of the dependency graph.

    Parameters
    ----------
    items
        The configuration items; ids are unique.
    edges
        ``dependent → dependency``, both among ``items``; no item depends on itself.

    Raises
    ------
    UnknownItemError
        If an edge names an item that is not among ``items``.
    ValueError
        If an id is repeated, or an edge joins an item with itself.

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
        needs: dict[str, dict[str, frozenset[EdgeKind]]] = {item: {} for item in self.items}
        for edge in edges:
            for end in (edge.dependent, edge.dependency):
                if end not in needs:
                    raise UnknownItemError(end)
            if edge.dependent == edge.dependency:
                raise ValueError(f"{edge.dependent!r} cannot depend on itself")
            kinds = needs[edge.dependent].get(edge.dependency)
            needs[edge.dependent][edge.dependency] = kinds | {edge.kind} if kinds else ONLY[edge.kind]
        self._needs: Adjacency = needs
        self._reach_of_cycle: dict[str, Reach] = {}

    def __len__(self) -> int:
        return len(self.items)

    def __contains__(self, item: object) -> bool:
        return item in self.items

    @cached_property
    def edges(self) -> frozenset[Edge]:
        """Every edge; between two items there is at most one of each kind."""
        return frozenset(
            Edge(dependent, dependency, kind)
            for dependent, needed in self._needs.items()
            for dependency, kinds in needed.items()
            for kind in kinds
        )

    @property
    def needs(self) -> Adjacency:
        """The direct dependencies of each item with the kinds of the edges; not to be changed."""
        return self._needs

    @cached_property
    def needed_by(self) -> Adjacency:
        """The direct dependents of each item with the kinds of the edges; not to be changed."""
        needed_by: dict[str, dict[str, frozenset[EdgeKind]]] = {item: {} for item in self.items}
        for dependent, needed in self._needs.items():
            for dependency, kinds in needed.items():
                needed_by[dependency][dependent] = kinds
        return needed_by

    @property
    def has_edges(self) -> bool:
        """Whether any item depends on another."""
        return any(self._needs.values())

    @cached_property
    def version(self) -> str:
        """Digest of the content: equal graphs have equal versions, in whatever order they were built."""
        items = json.dumps(
            sorted(
                [item.id, item.kind, item.name, item.team, sorted(item.attributes.items())]
                for item in self.items.values()
            )
        )
        quoted = {each: json.dumps(each) for each in self.items}
        edges = ", ".join(
            f'[{quoted[dependent]}, {quoted[dependency]}, "{kind}"]'
            for dependent in sorted(self._needs)
            for dependency, kinds in sorted(self._needs[dependent].items(), key=itemgetter(0))
            for kind in sorted(kinds)
        )
        return hashlib.sha256(f"[{items}, [{edges}]]".encode()).hexdigest()[:16]

    def dependencies(self, item: str, *, kinds: Collection[EdgeKind] | None = None) -> set[str]:
        """Everything ``item`` needs, directly or indirectly, without the item."""
        return set(self.hops(item, kinds=kinds)) - {item}

    def dependents(self, item: str, *, kinds: Collection[EdgeKind] | None = None) -> set[str]:
        """Everything that needs ``item``, directly or indirectly, without the item: its blast radius."""
        return set(self._walk(item, towards_dependents=True, max_hops=None, kinds=kinds)) - {item}

    def related(self, item: str) -> frozenset[str]:
        """An item with everything that it needs and that needs it; alone where the graph does not know it.

        >>> DependencyGraph([Item("app"), Item("db")], [Edge("app", "db")]).related("ghost")
        frozenset({'ghost'})
        """
        if item not in self.items:
            return frozenset({item})
        return frozenset({item} | self.dependencies(item) | self.dependents(item))

    def reach(self, item: str, *, max_items: int) -> Reach:
        """What an item needs and what needs it, the nearest ``max_items`` each; nothing if it is unknown.

        >>> graph = DependencyGraph([Item("a"), Item("b"), Item("c")], [Edge("a", "b"), Edge("b", "c")])
        >>> graph.reach("a", max_items=1)
        Reach(needs=frozenset({'b'}), needed_by=frozenset())
        """
        if item not in self.items:
            return Reach(frozenset(), frozenset())
        shared = self._reach_of_cycle.get(item)
        if shared is not None and all(len(each) <= max_items + 1 for each in shared):
            return Reach(*(each - {item} for each in shared))
        needs, needed_by = (
            self._walk(item, towards_dependents=way, max_hops=None, kinds=None, enough=max_items + 2)
            for way in (False, True)
        )
        if all(len(each) <= max_items + 1 for each in (needs, needed_by)):
            cycle = needs.keys() & needed_by.keys()
            if len(cycle) >= LARGE_CYCLE:
                self._reach_of_cycle |= dict.fromkeys(cycle, Reach(frozenset(needs), frozenset(needed_by)))
        return Reach(*(frozenset(list(each)[1 : max_items + 1]) for each in (needs, needed_by)))

    def hops(
        self, item: str, *, max_hops: int | None = None, kinds: Collection[EdgeKind] | None = None
    ) -> dict[str, int]:
        """Number of hops to each dependency within ``max_hops``, nearest first, ``item`` itself at 0."""
        return self._walk(item, towards_dependents=False, max_hops=max_hops, kinds=kinds)

    def path(self, item: str, dependency: str) -> tuple[str, ...]:
        """Shortest path from an item to a dependency, both included; empty if there is none.

        Of several shortest paths, the one whose items, read back from the dependency, come first by name.
        """
        self._check(item)
        self._check(dependency)
        before, ring = {item: item}, [item]
        while ring and dependency not in before:
            following = []
            for each in sorted(ring):
                for near in self._needs[each]:
                    if near not in before:
                        before[near] = each
                        following.append(near)
            ring = following
        if dependency not in before:
            return ()
        path = [dependency]
        while path[-1] != item:
            path.append(before[path[-1]])
        return tuple(reversed(path))

    def neighbourhood(self, item: str, *, max_hops: int = 6, max_items: int = 5_000) -> DependencyGraph:
        """The part of the graph that can explain an alert on ``item``.

        It has the item's dependencies within ``max_hops``, nearest first and at most ``max_items``, and
        their direct dependents if there is room left: other callers share the blame.
        """
        reached = self._walk(item, towards_dependents=False, max_hops=max_hops, kinds=None, enough=max_items)
        nearest = list(reached)[:max_items]
        chosen, room = set(nearest), max_items - len(nearest)
        if room:
            callers = {caller for each in nearest for caller in self.needed_by[each] if caller not in chosen}
            chosen.update(nsmallest(room, callers))
        return self.subgraph(chosen)

    def subgraph(self, items: Collection[str]) -> DependencyGraph:
        """The part of the graph with the given items, as far as they exist, and the edges among them."""
        present = self.items.keys() & set(items)
        part = DependencyGraph(self.items[each] for each in sorted(present))
        part._needs = {each: _among(self._needs[each], present) for each in part.items}
        return part

    def _check(self, item: str) -> None:
        if item not in self.items:
            raise UnknownItemError(item)

    def _walk(
        self,
        item: str,
        *,
        towards_dependents: bool,
        max_hops: int | None,
        kinds: Collection[EdgeKind] | None,
        enough: int | None = None,
    ) -> dict[str, int]:
        """Hops to each item reached, ring by ring until there are ``enough``; sorted within a ring."""
        self._check(item)
        adjacent = self.needed_by if towards_dependents else self._needs
        found, ring, hop = {item: 0}, [item], 0
        while ring and (max_hops is None or hop < max_hops) and (enough is None or len(found) < enough):
            hop += 1
            if kinds is None:
                reached = set().union(*(adjacent[each] for each in ring))
            else:
                reached = {
                    near
                    for each in ring
                    for near, its_kinds in adjacent[each].items()
                    if not its_kinds.isdisjoint(kinds)
                }
            ring = sorted(near for near in reached if near not in found)
            found.update(dict.fromkeys(ring, hop))
        return found


def _among(
    needed: Mapping[str, frozenset[EdgeKind]], items: AbstractSet[str]
) -> Mapping[str, frozenset[EdgeKind]]:
    """An item's dependencies that are among ``items``; their edges were checked before."""
    if needed.keys() <= items:
        return needed
    return {near: kinds for near, kinds in needed.items() if near in items}
