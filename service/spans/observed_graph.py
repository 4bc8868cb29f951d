"""The dependencies that traces show, where no document of the CMDB says any."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmdb.graph import DependencyGraph
from cmdb.items import Edge, Item
from service.spans.evidence import item_of

if TYPE_CHECKING:
    from service.spans.memory import SpanMemory


class ObservedGraph:
    """A graph of items, with the calls between them that traces show."""

    def __init__(self, memory: SpanMemory) -> None:
        self._memory = memory
        self._made: tuple[DependencyGraph, int, DependencyGraph] | None = None

    def completed(self, graph: DependencyGraph) -> DependencyGraph:
        """Return a graph without edges with those observed, and any other as it is.

        Services that are not among its items become items. The same graph is returned until another call
        is seen.
        """
        n_edges, made = len(self._memory.edges), self._made
        if graph.has_edges or not n_edges:
            return graph
        if made is None or made[0] is not graph or made[1] != n_edges:
            made = self._made = (graph, n_edges, self._with_calls(graph))
        return made[2]

    def _with_calls(self, graph: DependencyGraph) -> DependencyGraph:
        with self._memory.lock:
            calls = list(self._memory.edges)
        pairs = {(item_of(caller, graph.items), item_of(callee, graph.items)) for caller, callee in calls}
        pairs = {(caller, callee) for caller, callee in pairs if caller != callee}
        seen = sorted({each for pair in pairs for each in pair} - graph.items.keys())
        items = [*graph.items.values(), *map(Item, seen)]
        return DependencyGraph(items, [Edge(*pair) for pair in sorted(pairs)])
