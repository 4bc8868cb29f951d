"""What runs in a Kubernetes cluster: lists as ``kubectl get … -o json`` gives them.

Workloads are items and run on the nodes of their pods; an Ingress calls the workloads behind its services.
A Service is another name of the workload that it selects. ``kubectl get
deploy,sts,ds,cronjob,svc,ing,pod,rs,node -A -o json`` gives all that is read. After the reference of the
Kubernetes API.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from cmdb.importers.row_collector import RowCollector
from cmdb.items import EdgeKind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cmdb.importers.report import Tables

WORKLOADS = {"Deployment", "StatefulSet", "DaemonSet", "CronJob", "Rollout"}
Key = tuple[str, str, str]
"""Kind, namespace and name."""

REPLICA_HASH = re.compile(r"-[a-f0-9]{6,10}$")


def fits(document: object) -> bool:
    """Whether the document is a list of objects, or such objects one behind the other."""
    if isinstance(document, list):
        return (
            bool(document)
            and all(
                isinstance(each, dict) and "apiVersion" in each and "metadata" in each for each in document
            )
            and not str(document[0]["apiVersion"]).startswith("backstage.io/")
        )
    return (
        isinstance(document, dict)
        and str(document.get("kind", "")).endswith("List")
        and "apiVersion" in document
    )


def read(document: Any) -> Tables:
    """Return workloads, nodes and ingresses, and what each runs on or calls."""
    objects: list[Any] = []
    for each in document if isinstance(document, list) else [document]:
        objects += each["items"] or [] if str(each.get("kind", "")).endswith("List") else [each]
    of_kind: dict[str, list[Any]] = {}
    for each in objects:
        of_kind.setdefault(str(each.get("kind")), []).append(each)
    rows = RowCollector()
    for node in of_kind.get("Node", ()):
        _add(rows, node, ("Node", "", node["metadata"]["name"]), "host")
    workloads = {
        (kind, _namespace(workload), workload["metadata"]["name"]): workload
        for kind in sorted(WORKLOADS & of_kind.keys())
        for workload in of_kind[kind]
    }
    for key, workload in workloads.items():
        _add(rows, workload, key, "service")
    _join_nodes(rows, of_kind.get("Pod", ()), workloads)
    _join_ingresses(rows, of_kind, workloads)
    return rows.tables()


def _join_nodes(rows: RowCollector, pods: Sequence[Any], workloads: Mapping[Key, Any]) -> None:
    for pod in pods:
        owner, node = _owner(pod), (pod.get("spec") or {}).get("nodeName")
        if owner not in workloads:
            rows.lose("pods without a workload in the list")
        elif node:
            rows.join(owner, ("Node", "", node), EdgeKind.RUNS_ON)


def _join_ingresses(
    rows: RowCollector, of_kind: Mapping[str, Sequence[Any]], workloads: Mapping[Key, Any]
) -> None:
    behind = {
        (_namespace(service), service["metadata"]["name"]): [
            key for key, workload in workloads.items() if _selects(service, key, workload)
        ]
        for service in of_kind.get("Service", ())
    }
    for ingress in of_kind.get("Ingress", ()):
        key = ("Ingress", _namespace(ingress), ingress["metadata"]["name"])
        _add(rows, ingress, key, "load_balancer")
        for name in _backends(ingress.get("spec") or {}):
            for workload in behind.get((key[1], name), ()):
                rows.join(key, workload)


def _add(rows: RowCollector, found: Any, key: Key, kind: str) -> None:
    labels = found["metadata"].get("labels") or {}
    rows.add(
        key,
        key[2],
        scope=key[1] or key[0].casefold(),
        kind=kind,
        team=str(labels.get("team") or labels.get("owner") or ""),
        attributes={
            "namespace": key[1],
            "workload": key[0] if key[0] in WORKLOADS else "",
            "system": labels.get("app.kubernetes.io/part-of"),
            "version": labels.get("app.kubernetes.io/version"),
            "zone": labels.get("topology.kubernetes.io/zone"),
        },
    )


def _namespace(found: Any) -> str:
    return str(found["metadata"].get("namespace") or "default")


def _owner(pod: Any) -> Key:
    """The workload of a pod; a ReplicaSet is its Deployment with a hash behind the name."""
    for owner in pod["metadata"].get("ownerReferences") or ():
        kind, name = owner["kind"], owner["name"]
        if kind == "ReplicaSet":
            kind, name = "Deployment", REPLICA_HASH.sub("", name)
        elif kind == "Job":
            kind, name = "CronJob", re.sub(r"-\d+$", "", name)
        return kind, _namespace(pod), name
    return "Pod", _namespace(pod), str(pod["metadata"]["name"])


def _selects(service: Any, key: Key, workload: Any) -> bool:
    selector = (service.get("spec") or {}).get("selector") or {}
    labels = (((workload.get("spec") or {}).get("template") or {}).get("metadata") or {}).get("labels") or {}
    return bool(selector) and key[1] == _namespace(service) and selector.items() <= labels.items()


def _backends(spec: Any) -> list[str]:
    backends = [spec.get("defaultBackend") or {}]
    for rule in spec.get("rules") or ():
        backends += [path.get("backend") or {} for path in (rule.get("http") or {}).get("paths") or ()]
    return [name for each in backends if (name := (each.get("service") or {}).get("name"))]
