"""Every imported version of the dependency graph, and which one is current."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from sqlalchemy.dialects.sqlite import insert

from cmdb.graph import DependencyGraph
from cmdb.items import Edge, EdgeKind, Item
from service.store.audit import IMPORT_CMDB, record
from service.store.tables import graph_imports, graphs
from telemetry.instants import from_ms, to_ms

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from service.store.database import Database


@dataclass(frozen=True)
class CurrentGraph:
    """The graph in use.

    Attributes
    ----------
    imported_at
        ``None`` if no graph was ever imported; the graph is then empty.
    """

    graph: DependencyGraph
    imported_at: datetime | None = None


class GraphStore:
    """All versions of the graph; the last one imported is current."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, graph: DependencyGraph, *, at: datetime, who: str, n_rejected: int) -> CurrentGraph:
        """Make a graph the current one; it is on disk when this returns."""
        imported = {"version": graph.version, "imported_ms": to_ms(at), "who": who}
        counts = {"n_items": len(graph), "n_edges": len(graph.edges), "n_rejected": n_rejected}
        with self._database.writing() as connection:
            row = insert(graphs).values(version=graph.version, document=_to_document(graph))
            connection.execute(row.on_conflict_do_nothing())
            connection.execute(insert(graph_imports).values(imported))
            record(connection, at=at, who=who, action=IMPORT_CMDB, subject=graph.version, document=counts)
        return CurrentGraph(graph, at)

    def current(self) -> CurrentGraph:
        """Return the graph imported last."""
        query = (
            select(graphs.c.document, graph_imports.c.imported_ms)
            .join_from(graph_imports, graphs)
            .order_by(graph_imports.c.position.desc())
            .limit(1)
        )
        with self._database.reading() as connection:
            row = connection.execute(query).first()
        if row is None:
            return CurrentGraph(DependencyGraph())
        return CurrentGraph(_from_document(row.document), from_ms(row.imported_ms))


def _to_document(graph: DependencyGraph) -> dict[str, Any]:
    return {
        "items": [
            [each.id, each.kind, each.name, each.team, dict(each.attributes)] for each in graph.items.values()
        ],
        "edges": [[each.dependent, each.dependency, each.kind.value] for each in sorted(graph.edges)],
    }


def _from_document(document: Mapping[str, Any]) -> DependencyGraph:
    return DependencyGraph(
        (Item(*row) for row in document["items"]),
        (Edge(dependent, dependency, EdgeKind(kind)) for dependent, dependency, kind in document["edges"]),
    )
