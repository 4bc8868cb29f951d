"""BlueKing's CMDB: the topology of a business (``search_biz_inst_topo``) and associations of instances.

Ids are unique per type of object only, so that a key is both. What an association means is its kind
(``bk_asst_id``): ``run`` runs on, ``belong`` and ``group`` are membership, ``connect`` is a link. After
BlueKing's API pages of the two calls; seen on sample answers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cmdb.importers.row_collector import RowCollector
from cmdb.items import EdgeKind

if TYPE_CHECKING:
    from cmdb.importers.report import Tables

KINDS = {"biz": "business", "set": "cluster", "module": "service", "bk_switch": "network", "host": "host"}


def fits(document: object) -> bool:
    """Whether the document is one of the two answers."""
    data = document.get("data") if isinstance(document, dict) else None
    if isinstance(data, dict):
        info = data.get("info")
        return isinstance(info, list) and any(
            isinstance(each, dict) and "bk_asst_id" in each for each in info[:1]
        )
    return isinstance(data, list) and any(
        isinstance(each, dict) and "bk_inst_id" in each for each in data[:1]
    )


def read(document: Any) -> Tables:
    """Return the nodes of a topology as members of their parents, or the ends of associations."""
    rows = RowCollector()
    if isinstance(document["data"], dict):
        for association in document["data"]["info"]:
            _associate(rows, association)
    else:
        waiting: list[tuple[Any, tuple[Any, Any] | None]] = [(node, None) for node in document["data"]]
        while waiting:
            node, parent = waiting.pop()
            key = (node["bk_obj_id"], node["bk_inst_id"])
            rows.add(
                key,
                str(node["bk_inst_name"]),
                scope=str(node["bk_obj_id"]),
                kind=KINDS.get(node["bk_obj_id"], str(node["bk_obj_id"])),
                attributes={"bk_obj_id": node["bk_obj_id"], "bk_inst_id": node["bk_inst_id"]},
            )
            if parent:
                rows.join(key, parent, EdgeKind.MEMBER_OF)
            waiting += [(child, key) for child in node.get("child") or ()]
    return rows.tables()


def _associate(rows: RowCollector, association: Any) -> None:
    meaning, target = association["bk_asst_id"], association["bk_asst_obj_id"]
    source = association.get("bk_obj_id") or association["bk_obj_asst_id"].removesuffix(
        f"_{meaning}_{target}"
    )
    ends = ((source, association["bk_inst_id"]), (target, association["bk_asst_inst_id"]))
    for object_type, instance in ends:
        rows.add(
            (object_type, instance),
            f"{object_type}:{instance}",
            kind=KINDS.get(object_type, object_type),
            attributes={"bk_obj_id": object_type, "bk_inst_id": instance},
        )
    if meaning == "run":
        rows.join(*ends, EdgeKind.RUNS_ON)
    elif meaning in {"belong", "bk_mainline"}:
        rows.join(*ends, EdgeKind.MEMBER_OF)
    elif meaning == "group":
        rows.join(ends[1], ends[0], EdgeKind.MEMBER_OF)
    elif meaning == "connect":
        rows.join(*ends, EdgeKind.CONNECTS)
        rows.join(ends[1], ends[0], EdgeKind.CONNECTS)
    else:
        rows.lose(f"associations of the kind {meaning!s:.40}")
