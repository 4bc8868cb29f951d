"""How labelled metrics are named: by the items that are known now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmdb.naming import item_named_by
from telemetry.metric_names import Namer
from telemetry.series_book import SeriesBook

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cmdb.graph import DependencyGraph
    from service.masking import IncomingMasks
    from service.settings import Settings


class NamesInUse:
    """The book of the series seen under the graph in use, begun anew with each other graph."""

    def __init__(self, settings: Settings, masks: IncomingMasks) -> None:
        self._masks = masks
        self._item_labels = settings.item_labels
        self._of: tuple[DependencyGraph, SeriesBook] | None = None

    def book(self, graph: DependencyGraph) -> SeriesBook:
        """The book of series whose items are looked for in a graph."""
        found = self._of
        if found is None or found[0] is not graph:

            def find_item(labels: Mapping[str, str]) -> tuple[str, str]:
                return item_named_by(labels, items=graph, item_labels=self._item_labels)

            found = self._of = (graph, SeriesBook(Namer(find_item, self._masks.series_labels)))
        return found[1]
