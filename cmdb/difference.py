"""What one graph has that another has not, and whether a new one is so much less that somebody is asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cmdb.errors import ShrinkingGraphError

if TYPE_CHECKING:
    from cmdb.graph import DependencyGraph
    from cmdb.items import Edge

MAX_RETIRED = 0.1
"""Share of items or edges that an import may retire without being asked."""
FEW = 10
"""So many items or edges may always go: a tenth of a small graph is one."""


@dataclass(frozen=True, slots=True)
class GraphDifference:
    """What an import changes, each part in order.

    Attributes
    ----------
    changed
        Items in both graphs with another kind, name, team or attribute.
    """

    added: tuple[str, ...]
    retired: tuple[str, ...]
    changed: tuple[str, ...]
    edges_added: tuple[Edge, ...]
    edges_retired: tuple[Edge, ...]

    @property
    def is_empty(self) -> bool:
        """Whether both graphs are the same."""
        return not (self.added or self.retired or self.changed or self.edges_added or self.edges_retired)


def difference(old: DependencyGraph, new: DependencyGraph) -> GraphDifference:
    """Return what comes and goes from one graph to another.

    Examples
    --------
    >>> from cmdb.graph import DependencyGraph
    >>> from cmdb.items import Item
    >>> old, new = DependencyGraph([Item("app")]), DependencyGraph([Item("app", team="a"), Item("db")])
    >>> found = difference(old, new)
    >>> found.added, found.retired, found.changed
    (('db',), (), ('app',))
    """
    return GraphDifference(
        tuple(sorted(new.items.keys() - old.items.keys())),
        tuple(sorted(old.items.keys() - new.items.keys())),
        tuple(sorted(item for item, now in new.items.items() if old.items.get(item, now) != now)),
        tuple(sorted(new.edges - old.edges)),
        tuple(sorted(old.edges - new.edges)),
    )


def refuse_shrinking(old: DependencyGraph, new: DependencyGraph, found: GraphDifference) -> None:
    """Let a new graph pass, unless it has much less than the old one.

    Raises
    ------
    ShrinkingGraphError
        If it retires more than a tenth of the items or of the edges (and more than ten), or has no edge left
        where there were some.
    """
    if old.has_edges and not new.has_edges:
        raise ShrinkingGraphError(f"all {len(old.edges)} edges would be gone")
    for what, retired, before in (
        ("items", len(found.retired), len(old.items)),
        ("edges", len(found.edges_retired), len(old.edges)),
    ):
        if retired > max(FEW, MAX_RETIRED * before):
            raise ShrinkingGraphError(f"{retired} of {before} {what} would be retired")
