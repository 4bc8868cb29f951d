"""NetBox: virtual machines, clusters, devices and sites, from a dump of its database or its REST API.

A virtual machine runs on its cluster and a cluster on its devices; both are members of a site. A cable has
no direction: a fault at either end reaches the other. There are no edges between applications. After
NetBox's documentation of its models; seen on its demonstration database.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cmdb.importers.row_collector import RowCollector
from cmdb.items import EdgeKind

if TYPE_CHECKING:
    from cmdb.importers.report import Tables

ITEMS = {
    "dcim.site": "data_centre",
    "dcim.device": "host",
    "virtualization.cluster": "cluster",
    "virtualization.virtualmachine": "host",
}
FIELDS = {
    "site": ("dcim.site", EdgeKind.MEMBER_OF),
    "cluster": ("virtualization.cluster", EdgeKind.RUNS_ON),
    "device": ("dcim.device", EdgeKind.RUNS_ON),
}
NETWORK = ("router", "switch", "firewall", "rtr", "sw0", "load balancer")


def fits(document: object) -> bool:
    """Whether the document is a dump (a list of models), or a page of the REST API."""
    if isinstance(document, list):
        return any(isinstance(each, dict) and {"model", "fields"} <= each.keys() for each in document[:1])
    results = document.get("results") if isinstance(document, dict) else None
    return isinstance(results, list) and any(
        isinstance(each, dict) and ("device_type" in each or "vcpus" in each) for each in results[:1]
    )


def read(document: Any) -> Tables:
    """Return the items of a dump or page, what they run on, where they are and what cables join."""
    if isinstance(document, dict):
        document = [_as_dumped(each) for each in document["results"]]
    by_model: dict[str, dict[int, Any]] = {}
    for each in document:
        if "pk" in each:
            by_model.setdefault(each["model"], {})[each["pk"]] = each["fields"]
    rows = RowCollector()
    tenants = by_model.get("tenancy.tenant", {})
    roles = by_model.get("dcim.devicerole", {})
    for model, kind in ITEMS.items():
        for number, fields in by_model.get(model, {}).items():
            role = str((roles.get(fields.get("role")) or {}).get("name") or fields.get("role_name") or "")
            network = model == "dcim.device" and any(word in role.casefold() for word in NETWORK)
            tenant = tenants.get(fields.get("tenant")) or {}
            rows.add(
                (model, number),
                str(fields.get("name") or f"{model.rpartition('.')[2]}-{number}"),
                scope=_place(fields, by_model) or str(number),
                kind="network" if network else kind,
                team=str(tenant.get("name") or fields.get("tenant_name") or ""),
                attributes={"role": role, "status": fields.get("status"), "netbox_id": number},
            )
            for field, (other, edge) in FIELDS.items():
                if fields.get(field) is None or (model, other) == ("dcim.site", "dcim.site"):
                    continue
                if model == "dcim.device" and field == "cluster":
                    rows.join((other, fields[field]), (model, number), EdgeKind.RUNS_ON)
                else:
                    rows.join((model, number), (other, fields[field]), edge)
    _join_cables(rows, by_model)
    return rows.tables()


def _place(fields: Any, by_model: Any) -> str:
    for field, model in (("cluster", "virtualization.cluster"), ("site", "dcim.site")):
        found = by_model.get(model, {}).get(fields.get(field))
        if found:
            return str(found.get("name") or "")
    return ""


def _join_cables(rows: RowCollector, by_model: dict[str, dict[int, Any]]) -> None:
    """Join the devices at both ends of each cable; patch panels in between are devices, too."""
    ends: dict[int, dict[str, set[int]]] = {}
    for end in by_model.get("dcim.cabletermination", {}).values():
        device = end.get("_device")
        if device is None:
            app, model = end["termination_type"]
            device = by_model.get(f"{app}.{model}", {}).get(end["termination_id"], {}).get("device")
        if device is None:
            rows.lose("ends of cables at something that is no device")
            continue
        ends.setdefault(end["cable"], {}).setdefault(end["cable_end"], set()).add(device)
    for sides in ends.values():
        for one in sides.get("A", ()):
            for other in sides.get("B", ()):
                rows.join(("dcim.device", one), ("dcim.device", other), EdgeKind.CONNECTS)
                rows.join(("dcim.device", other), ("dcim.device", one), EdgeKind.CONNECTS)


def _as_dumped(found: Any) -> dict[str, Any]:
    """An object of the REST API in the form of the dump: references by their id, choices by their value."""
    fields = {
        name: value.get("id", value.get("value")) if isinstance(value, dict) else value
        for name, value in found.items()
    }
    for name in ("role", "tenant"):
        if isinstance(found.get(name), dict):
            fields[f"{name}_name"] = found[name].get("name")
    model = "virtualization.virtualmachine" if "vcpus" in found else "dcim.device"
    return {"model": model, "pk": found["id"], "fields": fields}
