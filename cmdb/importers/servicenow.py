"""ServiceNow's relations (table ``cmdb_rel_ci`` of its Table API), with dot-walked names and classes.

The parent of "Depends on::Used by" needs the child. After ServiceNow's documentation of the Table API and of
CI relations; seen on a sample row. Ask for the fields ``parent, child, type.name, parent.name, child.name,
parent.sys_class_name, child.sys_class_name`` so that items have names.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from cmdb.importers.row_collector import RowCollector
from cmdb.items import EdgeKind

if TYPE_CHECKING:
    from cmdb.importers.report import Tables

FORWARD = {
    "depends on::used by": EdgeKind.CALLS,
    "uses::used by": EdgeKind.CALLS,
    "consumes::consumed by": EdgeKind.CALLS,
    "sends data to::receives data from": EdgeKind.CALLS,
    "connects to::connected by": EdgeKind.CONNECTS,
    "ip connection::ip connection": EdgeKind.CONNECTS,
    "runs on::runs": EdgeKind.RUNS_ON,
    "hosted on::hosts": EdgeKind.RUNS_ON,
    "virtualized by::virtualizes": EdgeKind.RUNS_ON,
    "instantiates::instantiated by": EdgeKind.RUNS_ON,
    "powered by::powers": EdgeKind.RUNS_ON,
    "member of::members": EdgeKind.MEMBER_OF,
}
BACKWARD = {
    "contains::contained by": EdgeKind.MEMBER_OF,
    "members::member of": EdgeKind.MEMBER_OF,
    "cluster of::cluster": EdgeKind.MEMBER_OF,
    "impacts::impacted by": EdgeKind.CALLS,
    "provides::provided by": EdgeKind.CALLS,
}
CLASSES = (
    (re.compile(r"_db|database"), "database"),
    (re.compile(r"_lb|load_balancer|_netgear|_switch|router|firewall"), "network"),
    (re.compile(r"server|computer|_vm|_esx|host"), "host"),
    (re.compile(r"queue|_mq"), "queue"),
    (re.compile(r"datacenter"), "data_centre"),
    (re.compile(r"cluster"), "cluster"),
)


def fits(document: object) -> bool:
    """Whether the document is a list of relations under ``result``."""
    result = document.get("result") if isinstance(document, dict) else None
    return (
        isinstance(result, list)
        and bool(result)
        and isinstance(result[0], dict)
        and {"parent", "child"} <= result[0].keys()
    )


def read(document: Any) -> Tables:
    """Return an item for each end and an edge for each relation whose type is known."""
    rows = RowCollector()
    for relation in document["result"]:
        ends = [_end(rows, relation, side) for side in ("parent", "child")]
        kind = str(_value(relation.get("type.name") or relation.get("type") or "")).strip()
        folded = " ".join(kind.casefold().split())
        if not all(ends):
            rows.lose("relations without a parent or a child")
        elif folded in FORWARD:
            rows.join(ends[0], ends[1], FORWARD[folded])
        elif folded in BACKWARD:
            rows.join(ends[1], ends[0], BACKWARD[folded])
        else:
            rows.lose(f"relations of the type {kind[:60] or '(none)'}")
    return rows.tables()


def _end(rows: RowCollector, relation: Any, side: str) -> str:
    sys_id = str(_value(relation.get(side) or ""))
    if not sys_id:
        return ""
    name = relation.get(f"{side}.name") or _shown(relation[side]) or sys_id
    found = str(_value(relation.get(f"{side}.sys_class_name") or ""))
    kind = next((kind for pattern, kind in CLASSES if pattern.search(found)), "service")
    rows.add(sys_id, str(name), scope=sys_id[:8], kind=kind, attributes={"sys_id": sys_id, "class": found})
    return sys_id


def _value(cell: object) -> object:
    """A cell as the Table API gives it: text, or a reference with its link and value."""
    return cell.get("value", "") if isinstance(cell, dict) else cell


def _shown(cell: object) -> object:
    return cell.get("display_value", "") if isinstance(cell, dict) else ""
