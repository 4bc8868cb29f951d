"""Jaeger's dependencies, as ``GET /api/dependencies`` answers: how often a parent service called a child.

After Jaeger's documentation of its HTTP API; seen on a sample document.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cmdb.importers.row_collector import RowCollector

if TYPE_CHECKING:
    from cmdb.importers.report import Tables


def fits(document: object) -> bool:
    """Whether the document is a list of calls under ``data``."""
    data = document.get("data") if isinstance(document, dict) else None
    return (
        isinstance(data, list)
        and bool(data)
        and isinstance(data[0], dict)
        and {"parent", "child"} <= data[0].keys()
    )


def read(document: Any) -> Tables:
    """Return a service for each name and a call for each pair."""
    rows = RowCollector()
    for call in document["data"]:
        for end in (call["parent"], call["child"]):
            rows.add(end, str(end))
        rows.join(call["parent"], call["child"])
    return rows.tables()
