"""Collects rows of a source whose names may clash or repeat."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from cmdb.importers.report import Tables
from cmdb.items import EdgeKind

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping


class RowCollector:
    """Items under a source's own keys, and edges between those keys.

    An item's id is its plain name, for that is what metrics and alerts call it. Where two items of one
    document have the same name, each has its scope behind it: ``orders.shop`` and ``orders.bank``.

    Examples
    --------
    >>> rows = RowCollector()
    >>> rows.add(1, "orders", scope="shop")
    >>> rows.add(2, "orders", scope="bank", kind="database")
    >>> rows.join(1, 2)
    >>> [item["id"] for item in rows.tables().items]
    ['orders.shop', 'orders.bank']
    """

    def __init__(self) -> None:
        self._items: dict[Hashable, dict[str, object]] = {}
        self._names: dict[Hashable, tuple[str, str]] = {}
        self._edges: dict[tuple[Hashable, Hashable, EdgeKind], None] = {}
        self._lost: Counter[str] = Counter()

    def __contains__(self, key: Hashable) -> bool:
        return key in self._items

    def add(
        self,
        key: Hashable,
        name: str,
        *,
        scope: str = "",
        kind: str = "service",
        team: str = "",
        attributes: Mapping[str, object] | None = None,
    ) -> None:
        """Add an item; of two with the same key the first counts, completed by what the other has more."""
        row: dict[str, object] = {"kind": kind, "name": name, "team": team}
        row |= {
            field: value for field, value in (attributes or {}).items() if value not in (None, "", [], {})
        }
        if key in self._items:
            for field, value in row.items():
                if not self._items[key].get(field):
                    self._items[key][field] = value
            return
        self._items[key] = row
        self._names[key] = (name.strip(), scope)

    def join(self, dependent: Hashable, dependency: Hashable, kind: EdgeKind = EdgeKind.CALLS) -> None:
        """Add an edge; one whose end is unknown when all is read is lost, and one to itself is none."""
        if dependent != dependency:
            self._edges[dependent, dependency, kind] = None

    def lose(self, what: str) -> None:
        """Count something that the graph cannot hold, for the notes: ``relations of the type X``."""
        self._lost[what] += 1

    def tables(self) -> Tables:
        """Return the rows collected, edges with unknown ends left out and counted."""
        taken = Counter(self._names.values())
        names = Counter(name for name, _ in taken)
        ids: dict[Hashable, str] = {}
        used: set[str] = set()
        for key, (name, scope) in self._names.items():
            found = (
                name if names[name] == 1 and taken[name, scope] == 1 else f"{name}.{scope}" if scope else name
            )
            ids[key] = found if found not in used else f"{found}#{key}"
            used.add(ids[key])
        items: list[object] = [{"id": ids[key]} | row for key, row in self._items.items()]
        edges: list[object] = []
        for dependent, dependency, kind in self._edges:
            if dependent in ids and dependency in ids:
                edges.append({"dependent": ids[dependent], "dependency": ids[dependency], "kind": kind.value})
            else:
                unknown = dependency if dependent in ids else dependent
                self.lose(f"edges to or from {unknown!s:.60}, which the document does not describe")
        told = self._lost.most_common(20)
        notes = [f"{count} {what} were left out" for what, count in told]
        untold = self._lost.total() - sum(count for _, count in told)
        if untold:
            notes.append(f"{untold} more were left out")
        return Tables(items, edges, notes=notes)
