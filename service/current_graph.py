"""The dependency graph in use: one reference, replaced once a document is imported completely."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

from cmdb.difference import difference, refuse_shrinking
from cmdb.errors import BadTableError
from cmdb.importers.tables import read_document

if TYPE_CHECKING:
    from datetime import datetime

    from cmdb.difference import GraphDifference
    from cmdb.graph import DependencyGraph
    from cmdb.importers.tables import ImportReport
    from service.signals.room import SignalsRoom
    from service.spans.observed_graph import ObservedGraph
    from service.store.graphs import CurrentGraph, GraphStore


class GraphInUse:
    """The graph imported last, and the way to import another."""

    def __init__(self, store: GraphStore) -> None:
        self._store = store
        self._current = store.current()
        self._importing = Lock()

    @property
    def current(self) -> CurrentGraph:
        """The graph in use; a request reads it once and uses that throughout."""
        return self._current

    @property
    def graph(self) -> DependencyGraph:
        """The graph in use, empty before the first import."""
        return self._current.graph

    def replace(
        self, document: object, *, at: datetime, who: str, allow_shrink: bool = False, dry_run: bool = False
    ) -> tuple[ImportReport, GraphDifference]:
        """Import a document; the new graph is on disk and in use when this returns.

        Parameters
        ----------
        allow_shrink
            Take a graph that retires much of the one in use.
        dry_run
            Change nothing; return what would change.

        Raises
        ------
        BadTableError
            If the document cannot be read, or holds no item; the graph in use stays.
        ShrinkingGraphError
            If much of the graph in use would be gone; it stays.
        """
        report = read_document(document)
        if not report.n_items:
            raise BadTableError("the document", "no configuration item is left of it")
        with self._importing:
            old = self._current.graph
            found = difference(old, report.graph)
            if not (allow_shrink or dry_run):
                refuse_shrinking(old, report.graph, found)
            if not dry_run:
                self._current = self._store.add(report.graph, at=at, who=who, n_rejected=len(report.rejected))
        return report, found


def graph_in_use(cmdb: GraphInUse, signals: SignalsRoom, observed: ObservedGraph) -> DependencyGraph:
    """Return the graph imported last; before the first import, the bundle's items.

    Where it has no edge, the calls that traces show are its edges.
    """
    imported = cmdb.graph
    return observed.completed(imported if len(imported) else signals.in_use.items_alone)
