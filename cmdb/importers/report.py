"""What an import brought, and what it left out and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cmdb.graph import DependencyGraph


@dataclass(frozen=True, slots=True)
class Rejection:
    """A row that was left out.

    Attributes
    ----------
    table
        ``items`` or ``edges``.
    row
        Which row of the table, from 1; the header of a CSV is not counted.
    reason
        What is wrong with it, in words.
    """

    table: str
    row: int
    reason: str


@dataclass(frozen=True, slots=True)
class ImportReport:
    """The graph that was read, and every row that is not in it."""

    graph: DependencyGraph
    n_items: int
    n_edges: int
    rejected: tuple[Rejection, ...] = ()
