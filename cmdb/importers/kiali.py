"""Kiali's graph of a mesh, as ``GET /api/namespaces/graph`` answers: nodes and the traffic between them.

Apps, workloads and services of one name in one namespace are one item; boxes that only surround others are
none. Rates are strings in these documents and are not read. After Kiali's documentation of its graph API;
seen on graphs of all four types.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cmdb.importers.row_collector import RowCollector

if TYPE_CHECKING:
    from cmdb.importers.report import Tables

NO_ITEM = {"box", "unknown", "aggregate"}


def fits(document: object) -> bool:
    """Whether the document has elements with nodes."""
    elements = document.get("elements") if isinstance(document, dict) else None
    return isinstance(elements, dict) and isinstance(elements.get("nodes"), list)


def read(document: Any) -> Tables:
    """Return an item for each app (a workload or service where it has none), and a call for each traffic."""
    rows = RowCollector()
    keys: dict[str, tuple[str, str]] = {}
    for node in document["elements"]["nodes"]:
        data = node["data"]
        name = data.get("app") or data.get("service") or data.get("workload") or ""
        if not name or data.get("nodeType") in NO_ITEM or name == "unknown":
            continue
        place = ".".join(filter(None, (data.get("namespace"), data.get("cluster"))))
        keys[data["id"]] = (name, place)
        rows.add(
            keys[data["id"]],
            name,
            scope=place,
            attributes={
                "namespace": data.get("namespace"),
                "cluster": data.get("cluster"),
                "external": "true" if data.get("nodeType") == "serviceentry" else "",
            },
        )
    for edge in document["elements"].get("edges") or ():
        source, target = keys.get(edge["data"]["source"]), keys.get(edge["data"]["target"])
        if source and target:
            rows.join(source, target)
        else:
            rows.lose("traffic from or to a node without a name")
    return rows.tables()
