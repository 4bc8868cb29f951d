"""Builds a graph from rows of items and edges, checking each row on its own."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cmdb.graph import DependencyGraph
from cmdb.importers.report import ImportReport, Rejection
from cmdb.items import Edge, EdgeKind, Item

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cmdb.importers.report import Tables

MAX_ID_LENGTH = 256
ITEM_FIELDS = ("id", "kind", "name", "team")
KINDS: dict[object, EdgeKind] = {kind.value: kind for kind in EdgeKind}
NOT_PRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


class _BadRowError(ValueError):
    """Why one row is rejected."""


def graph_from_rows(tables: Tables) -> ImportReport:
    """Build a graph from the valid rows, and give a reason for each rejected one.

    Items are objects with ``id`` and optionally ``kind``, ``name``, ``team``; all other fields become
    attributes. Of two rows with the same id the second is rejected. Edges are objects with ``dependent``,
    ``dependency`` and optionally ``kind``, by default ``calls``; repetitions of an edge are rejected.
    """
    rejected: list[Rejection] = []
    accepted: dict[str, Item] = {}
    for number, row in enumerate(tables.items, 1):
        try:
            item = _item(row)
            if item.id in accepted:
                raise _BadRowError(f"the id {shown(item.id)} is taken by an earlier row")  # noqa: TRY301
        except _BadRowError as error:
            line = tables.item_lines[number - 1] if tables.item_lines else 0
            rejected.append(Rejection("items", number, str(error), line))
        else:
            accepted[item.id] = item
    joined: set[Edge] = set()
    for number, row in enumerate(tables.edges, 1):
        try:
            edge = _edge(row, accepted)
            if edge in joined:
                raise _BadRowError("the same edge is in an earlier row")  # noqa: TRY301
        except _BadRowError as error:
            line = tables.edge_lines[number - 1] if tables.edge_lines else 0
            rejected.append(Rejection("edges", number, str(error), line))
        else:
            joined.add(edge)
    graph = DependencyGraph(accepted.values(), joined)
    return ImportReport(graph, len(accepted), len(joined), tuple(rejected), tuple(tables.notes))


def _item(row: object) -> Item:
    fields = _fields(row)
    kind, name, team = (_text(fields.get(field)) for field in ITEM_FIELDS[1:])
    attributes = {
        str(key): _text(value)
        for key, value in fields.items()
        if key not in ITEM_FIELDS and value is not None and value != ""
    }
    return Item(_id(fields, "id"), kind or "service", name, team, attributes)


def _edge(row: object, items: Mapping[str, Item]) -> Edge:
    fields = _fields(row)
    ends = _id(fields, "dependent"), _id(fields, "dependency")
    for end in ends:
        if end not in items:
            raise _BadRowError(f"no item has the id {shown(end)}")
    if ends[0] == ends[1]:
        raise _BadRowError(f"{shown(ends[0])} cannot depend on itself")
    kind = fields.get("kind") or EdgeKind.CALLS.value
    if isinstance(kind, str):
        kind = kind.strip().casefold()
    if not isinstance(kind, str) or kind not in KINDS:
        raise _BadRowError(f"the kind {shown(kind)} is not one of {', '.join(EdgeKind)}")
    return Edge(*ends, KINDS[kind])


def _fields(row: object) -> dict[str, object]:
    if not isinstance(row, dict):
        raise _BadRowError("it is not an object")
    return row


def _id(fields: Mapping[str, object], name: str) -> str:
    found = fields.get(name)
    if isinstance(found, int) and not isinstance(found, bool):
        found = str(found)
    if not isinstance(found, str) or not found.strip():
        raise _BadRowError(f"it has no {name}")
    found = found.strip()
    if len(found) > MAX_ID_LENGTH:
        raise _BadRowError(f"the {name} {shown(found)} has over {MAX_ID_LENGTH} characters")
    if NOT_PRINTABLE.search(found):
        raise _BadRowError(f"the {name} {shown(found)} holds a control character")
    return found


def _text(value: object) -> str:
    """A cell as text without lone surrogates; a value that is not text in its Python form."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else str(value)
    return text.encode("utf-8", "replace").decode() if NOT_PRINTABLE.search(text) else text


def shown(value: object, limit: int = 60) -> str:
    """A cell made fit for a sentence: ASCII, and not too long."""
    text = ascii(value[: limit + 1] if isinstance(value, str) else value)
    return text if len(text) <= limit else text[:limit] + "…"
