"""Which items are related to which, remembered within a bound."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

from models.cases.case import MAX_ITEMS

if TYPE_CHECKING:
    from cmdb.graph import DependencyGraph

MAX_NAMES = 1_000_000
"""Names remembered, those of all items together: some 60 MB."""


class RelatedItems:
    """The items that an item depends on or that depend on it; safe to use from many threads.

    As for incidents, these are the nearest `MAX_ITEMS` each. On a large cycle every item is related to every
    other, so what was found is remembered only until there is no more room, and then forgotten together.
    """

    def __init__(self, graph: DependencyGraph, *, max_names: int = MAX_NAMES) -> None:
        self._graph = graph
        self._max_names = max_names
        self._changing = Lock()
        self._known: dict[str, frozenset[str]] = {}
        self._n_names = 0

    @property
    def n_names(self) -> int:
        """How many names are remembered now, those of all items together."""
        return self._n_names

    def __call__(self, item: str) -> frozenset[str]:
        """Return the items related to an item, itself included; alone where the graph does not know it."""
        known = self._known.get(item)
        if known is not None:
            return known
        reach = self._graph.reach(item, max_items=MAX_ITEMS)
        found = frozenset({item}) | reach.needs | reach.needed_by
        with self._changing:
            if self._n_names + len(found) > self._max_names:
                self._known, self._n_names = {}, 0
            if item not in self._known:
                self._known[item] = found
                self._n_names += len(found)
        return found
