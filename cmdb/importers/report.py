"""What an import reads and what it makes of it: rows of items and edges, the graph, and the rejected rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cmdb.graph import DependencyGraph


@dataclass
class Tables:
    """Rows as a source gives them, not checked.

    Attributes
    ----------
    items, edges
        One object for each, with the fields of `cmdb.importers.rows`.
    item_lines, edge_lines
        The line of the file on which each row begins; empty where rows have no lines.
    notes
        What the source holds and a graph does not, and what was assumed: a sentence each.
    """

    items: list[object]
    edges: list[object]
    item_lines: list[int] = field(default_factory=list)
    edge_lines: list[int] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


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
    line
        The line of the file on which it begins; 0 where a row has none.
    """

    table: str
    row: int
    reason: str
    line: int = 0


@dataclass(frozen=True, slots=True)
class ImportReport:
    """The graph that was read, every rejected row, and what was said of the source."""

    graph: DependencyGraph
    n_items: int
    n_edges: int
    rejected: tuple[Rejection, ...] = ()
    notes: tuple[str, ...] = ()
