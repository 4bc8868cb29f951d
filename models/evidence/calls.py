"""The calls between the items of a case, as index arrays, and each item's distance from the alert."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import breadth_first_order, connected_components

from cmdb.items import EdgeKind

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cmdb.graph import DependencyGraph
    from models.cases.case import Case

INHERITED = frozenset({EdgeKind.CALLS, EdgeKind.CONNECTS})
"""Edges that pass on latency and failures. A slow consumer does not slow its producer."""

MESSAGES = frozenset({EdgeKind.ASYNC})
"""Edges along which work piles up: a queue fills when its consumer is slow."""

OUT_OF_REACH = -1


@dataclass(frozen=True)
class Calls:
    """The calls between items, as index arrays.

    Attributes
    ----------
    callers, callees
        Shape ``(n_edges,)``: columns of the case, sorted by caller.
    starts
        Shape ``(n_items + 1,)``: the edges of caller ``i`` are ``starts[i] : starts[i + 1]``.
    senders, takers
        Shape ``(n_messages,)``: items that send or hold messages, and items that consume them.
    """

    callers: NDArray[np.int64]
    callees: NDArray[np.int64]
    starts: NDArray[np.int64]
    senders: NDArray[np.int64]
    takers: NDArray[np.int64]

    @property
    def n_items(self) -> int:
        """Number of items, with or without calls."""
        return len(self.starts) - 1

    def matrix(
        self, weights: NDArray[np.float64], *, callers: NDArray[np.int64] | None = None
    ) -> sparse.csr_array:
        """The graph as a matrix with one weight per edge and a row for each caller, or each requested one.

        Parameters
        ----------
        weights
            Shape ``(n_edges,)``.
        callers
            The requested callers, sorted; the matrix then has the shape ``(len(callers), n_items)``.
        """
        if callers is None:
            return sparse.csr_array((weights, self.callees, self.starts), shape=(self.n_items, self.n_items))
        is_asked = np.zeros(self.n_items, dtype=bool)
        is_asked[callers] = True
        edges = np.flatnonzero(is_asked[self.callers])
        starts = np.concatenate([[0], np.cumsum(np.diff(self.starts)[callers])])
        rows = (weights[edges], self.callees[edges], starts)
        return sparse.csr_array(rows, shape=(len(callers), self.n_items))

    def summed(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sum of a weight over the calls that each item makes, shape ``(n_items,)``."""
        sums = np.bincount(self.callers, weights=weights, minlength=self.n_items)
        return sums.astype(np.float64)  # bincount returns integers if there are no calls


@dataclass(frozen=True)
class Reach:
    """How far each item is from the alert, over edges of every kind.

    Attributes
    ----------
    hops
        Shape ``(n_items,)``: −1 where there is no path.
    towards
        Shape ``(n_items,)``: the previous item on a shortest path from the alert; −1 without a path.
    """

    hops: NDArray[np.int64]
    towards: NDArray[np.int64]

    def path(self, item: int) -> list[int]:
        """Path from the alerting item to this one, both included; empty if there is none."""
        if self.hops[item] < 0:
            return []
        path = [item]
        while self.hops[path[-1]] > 0:
            path.append(int(self.towards[path[-1]]))
        return path[::-1]


def calls_of(case: Case) -> Calls:
    """Return the calls between the items of a case, as in `calls_and_reach`."""
    return calls_and_reach(case)[0]


def calls_and_reach(case: Case) -> tuple[Calls, Reach]:
    """Return the calls without those that lead back in a cycle, and the distances from the alert.

    In a cycle each item would be explained by the others and none would be blamed. Only the calls of a cycle
    that lead away from the alert count.
    """
    return _laid_out(case.graph, case.items, case.alert.item)


@lru_cache(maxsize=16)  # alerts on one item recur with the same graph version
def _laid_out(graph: DependencyGraph, items: tuple[str, ...], alerting: str) -> tuple[Calls, Reach]:
    position = {item: index for index, item in enumerate(items)}
    n_items = len(items)
    needs = graph.needs
    names = list(needs)
    index = np.array([position[name] for name in names], dtype=np.int64)
    counts = np.array([len(needed) for needed in needs.values()], dtype=np.int64)
    dependents = np.repeat(index, counts)
    listed = chain.from_iterable(needs.values())
    dependencies = np.fromiter(map(position.__getitem__, listed), dtype=np.int64, count=len(dependents))
    kinds = list(chain.from_iterable(needed.values() for needed in needs.values()))
    order = np.argsort(dependents * n_items + dependencies)
    dependents, dependencies = dependents[order], dependencies[order]
    reach = _reach(dependents, dependencies, n_items, position[alerting])

    def along(wanted: frozenset[EdgeKind]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        is_wanted = {each: not wanted.isdisjoint(each) for each in set(kinds)}
        chosen = np.fromiter(map(is_wanted.__getitem__, kinds), dtype=bool, count=len(dependents))[order]
        froms, tos = dependents[chosen], dependencies[chosen]
        leads_away = ~_leads_back(froms, tos, reach.hops)
        return froms[leads_away], tos[leads_away]

    callers, callees = along(INHERITED)
    starts = np.searchsorted(callers, np.arange(n_items + 1))
    return Calls(callers, callees, starts, *along(MESSAGES)), reach


def _reach(dependents: NDArray[np.int64], dependencies: NDArray[np.int64], n_items: int, start: int) -> Reach:
    """Distances by breadth-first search over all edges, sorted by dependent."""
    matrix = _matrix(dependents, dependencies, n_items)
    order, before = breadth_first_order(matrix, start)
    hops = np.full(n_items, OUT_OF_REACH, dtype=np.int64)
    hops[start] = 0
    steps = order[1:].tolist()
    for item, previous in zip(steps, before[order[1:]].tolist(), strict=True):
        hops[item] = hops[previous] + 1
    return Reach(hops, np.where(before >= 0, before, OUT_OF_REACH).astype(np.int64))


def _leads_back(
    callers: NDArray[np.int64], callees: NDArray[np.int64], hops: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Which calls are in a cycle and do not lead away from the alert, shape ``(n_edges,)``."""
    n_items = len(hops)
    n_components, component = connected_components(_matrix(callers, callees, n_items), connection="strong")
    if n_components == n_items:
        return np.zeros(len(callers), dtype=bool)
    distance = np.where(hops >= 0, hops, n_items)
    in_cycle = component[callers] == component[callees]
    leads_back: NDArray[np.bool_] = in_cycle & (distance[callees] <= distance[callers])
    return leads_back


def _matrix(rows: NDArray[np.int64], columns: NDArray[np.int64], n_items: int) -> sparse.csr_array:
    starts = np.searchsorted(rows, np.arange(n_items + 1))
    return sparse.csr_array((np.ones(len(rows)), columns, starts), shape=(n_items, n_items))
