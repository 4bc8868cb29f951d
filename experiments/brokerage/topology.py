"""The brokerage's dependency graph, as in its CMDB."""

from __future__ import annotations

from functools import lru_cache
from graphlib import TopologicalSorter

from cmdb.graph import DependencyGraph
from cmdb.items import Edge, EdgeKind, Item
from experiments.brokerage.estate import (
    CALLS,
    COMPONENTS,
    CONSUMERS,
    ENTRY,
    LINK_SHARES,
    MESSAGES,
    PLACEMENT,
)

CLUSTERED = frozenset({"service", "database", "cache", "queue"})
"""The kinds of item that run on machines of the data centres."""


@lru_cache(maxsize=1)
def brokerage_graph() -> DependencyGraph:
    """Sixty items and their dependencies.

    A producer depends on its queue, and the queue on its consumer, both by ``async``: a slow consumer makes
    messages late, though the producer never waits.

    >>> "order-db" in brokerage_graph().dependencies("mobile-gateway")
    True
    """
    items = [
        Item(
            item,
            component.kind,
            _title(item),
            component.team,
            {"tier": "user-facing"} if item == ENTRY else {},
        )
        for item, component in COMPONENTS.items()
    ]
    edges = [
        *(Edge(call.caller, call.callee, EdgeKind.CALLS) for call in CALLS),
        *(Edge(message.caller, message.callee, EdgeKind.ASYNC) for message in MESSAGES),
        *(Edge(queue, consumer, EdgeKind.ASYNC) for queue, consumer in CONSUMERS.items()),
        *(Edge(end, link, EdgeKind.CONNECTS) for end in (ENTRY, "cdn") for link in LINK_SHARES),
        Edge(ENTRY, "cdn", EdgeKind.CONNECTS),
        *(
            Edge(item, centre, EdgeKind.RUNS_ON)
            for item, component in COMPONENTS.items()
            if component.kind in CLUSTERED
            for centre in placement(item)
        ),
    ]
    return DependencyGraph(items, edges)


def placement(item: str) -> dict[str, float]:
    """Share of an item's capacity in each data centre; a primary is entirely in one."""
    home = COMPONENTS[item].home
    return {home: 1.0} if home else dict(PLACEMENT)


@lru_cache(maxsize=1)
def callers_first() -> tuple[str, ...]:
    """Everything that handles requests, callers before callees, queues before their consumers."""
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for item in COMPONENTS:
        if COMPONENTS[item].kind in CLUSTERED:
            sorter.add(item)
    for call in (*CALLS, *MESSAGES):
        sorter.add(call.callee, call.caller)
        if call.behind:
            sorter.add(call.callee, call.behind)
    for queue, consumer in CONSUMERS.items():
        sorter.add(consumer, queue)
    return tuple(sorter.static_order())


def _title(item: str) -> str:
    return item.replace("-", " ").capitalize()
