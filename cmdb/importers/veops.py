"""Configuration items of VEOPS CMDB, as its search (``/api/v0.1/ci/s``) answers: items, no edges.

After the project's API documentation; seen on a sample answer. Its relations are asked for level by level
and are not in this document.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cmdb.importers.row_collector import RowCollector

if TYPE_CHECKING:
    from cmdb.importers.report import Tables

KINDS = {
    "server": "host",
    "vserver": "host",
    "physical_server": "host",
    "mysql": "database",
    "redis": "cache",
}
INTERNAL = {"_id", "_type", "ci_type", "unique", "unique_alias", "ci_type_alias"}


def fits(document: object) -> bool:
    """Whether the document is a page of found items."""
    result = document.get("result") if isinstance(document, dict) else None
    return isinstance(result, list) and any(
        isinstance(each, dict) and "ci_type" in each for each in result[:1]
    )


def read(document: Any) -> Tables:
    """Return the items of a page, each under its name, else under its unique attribute."""
    rows = RowCollector()
    for item in document["result"]:
        kind = str(item["ci_type"])
        unique = item.get(str(item.get("unique", "")))
        name = item.get(f"{kind}_name") or item.get("name") or item.get("hostname") or unique or item["_id"]
        attributes = {field: value for field, value in item.items() if field not in INTERNAL}
        attributes |= {
            "data_centre": item.get("idc"),
            "owner": item.get("op_duty"),
            "environment": item.get("env"),
        }
        rows.add(
            item["_id"],
            str(name),
            scope=str(unique or item["_id"]),
            kind=KINDS.get(kind, kind),
            attributes=attributes,
        )
    tables = rows.tables()
    total = document.get("numfound")
    if isinstance(total, int) and total > len(tables.items):
        tables.notes.append(f"this page holds {len(tables.items)} of {total} items")
    return tables
