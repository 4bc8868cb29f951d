"""The result of an import: the graph, and the rejected rows with their reasons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cmdb.graph import DependencyGraph


@dataclass(frozen=True, slots=True)
class Rejection:
    """A row that was not imported.

    Attributes
    ----------
    table
        ``items`` or ``edges``.
    row
        Number of the row in its table, from 1; the header of a CSV is not counted.
    reason
        What is wrong with it, as a phrase.
    """

    table: str
    row: int
    reason: str


@dataclass(frozen=True, slots=True)
class ImportReport:
    """The graph that was read, and every rejected row."""

    graph: DependencyGraph
    n_items: int
    n_edges: int
    rejected: tuple[Rejection, ...] = ()
