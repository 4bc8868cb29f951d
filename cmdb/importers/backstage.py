"""Backstage's catalog: entities in YAML, or as its API ``GET /api/catalog/entities`` answers.

An entity needs what it depends on; a consumer of an API needs the component that provides it. After
Backstage's page "Descriptor format of catalog entities"; seen on a sample file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cmdb.importers.row_collector import RowCollector
from cmdb.items import EdgeKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cmdb.importers.report import Tables

ITEM_KINDS = {"component", "resource"}
Reference = tuple[str, str, str]
"""Kind, namespace and name, in small letters."""


def fits(document: object) -> bool:
    """Whether the first of the documents is an entity."""
    first = document[0] if isinstance(document, list) and document else document
    return isinstance(first, dict) and str(first.get("apiVersion", "")).startswith("backstage.io/")


def read(document: Any) -> Tables:
    """Return components and resources, and who needs whom."""
    rows = RowCollector()
    entities = document if isinstance(document, list) else [document]
    providers: dict[Reference, list[Reference]] = {}
    for entity in entities:
        own = _own(entity)
        if own[0] in ITEM_KINDS:
            _add(rows, own, entity)
            for api in (entity.get("spec") or {}).get("providesApis") or ():
                providers.setdefault(_reference(api, "api", own[1]), []).append(own)
    for entity in entities:
        _join(rows, _own(entity), entity.get("spec") or {}, providers)
    return rows.tables()


def _add(rows: RowCollector, own: Reference, entity: Any) -> None:
    spec, metadata = entity.get("spec") or {}, entity["metadata"]
    rows.add(
        own,
        str(metadata["name"]),
        scope=own[1] if own[1] != "default" else own[0],
        kind=str(spec.get("type") or own[0]),
        team=str(spec.get("owner") or "").rpartition("/")[2].rpartition(":")[2],
        attributes={
            "description": metadata.get("description"),
            "lifecycle": spec.get("lifecycle"),
            "system": spec.get("system"),
            "owner": spec.get("owner"),
        },
    )


def _join(
    rows: RowCollector, own: Reference, spec: Any, providers: Mapping[Reference, list[Reference]]
) -> None:
    for other in spec.get("dependsOn") or ():
        rows.join(own, _reference(other, "component", own[1]))
    for other in spec.get("dependencyOf") or ():
        rows.join(_reference(other, "component", own[1]), own)
    if spec.get("subcomponentOf"):
        rows.join(own, _reference(spec["subcomponentOf"], "component", own[1]), EdgeKind.MEMBER_OF)
    for api in spec.get("consumesApis") or ():
        provided = providers.get(_reference(api, "api", own[1]))
        if not provided:
            rows.lose(f"uses of the API {api!s:.60}, which no component provides")
        for provider in provided or ():
            rows.join(own, provider)


def _own(entity: Any) -> Reference:
    metadata = entity["metadata"]
    return (
        str(entity["kind"]).casefold(),
        str(metadata.get("namespace") or "default").casefold(),
        str(metadata["name"]).casefold(),
    )


def _reference(text: object, kind: str, namespace: str) -> Reference:
    """An entity reference ``[kind:][namespace/]name``, completed by where it stands."""
    before, colon, rest = str(text).rpartition(":")
    place, slash, name = rest.rpartition("/")
    return (before if colon else kind).casefold(), (place if slash else namespace).casefold(), name.casefold()
