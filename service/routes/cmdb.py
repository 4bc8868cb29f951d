"""The CMDB: what there is, and what depends on what."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path

from cmdb.errors import BadTableError, UnknownItemError
from service.errors import (
    BadEncodingError,
    BadJsonError,
    BodyTooLargeError,
    MissingScopeError,
    NoTokenError,
    StoreUnavailableError,
    problems,
)
from service.http.body_reader import read_json
from service.http.request_schemas import CMDB_BODY, RawBody
from service.http.security import Scope, Sender, requires
from service.parts import Parts
from service.routes.documents import CmdbOut, ImportOut, ItemOut, ReachedOut, RejectedRowOut

router = APIRouter(prefix="/v1/cmdb", tags=["cmdb"])
GUARDED = (NoTokenError, MissingScopeError)
ItemId = Annotated[str, Path(description="id of a configuration item", examples=["order"])]


@router.post(
    "",
    openapi_extra=CMDB_BODY,
    responses=problems(
        BadJsonError, BadTableError, BodyTooLargeError, BadEncodingError, StoreUnavailableError, *GUARDED
    ),
)
def import_cmdb(
    parts: Parts, body: RawBody, sender: Annotated[Sender, Depends(requires(Scope.ADMIN))]
) -> ImportOut:
    """Replace the dependency graph by a document of items and edges.

    An edge says that `dependent` depends on `dependency`. Rows that make no sense are left out and
    reported; a document that cannot be read changes nothing. Every version is kept.
    """
    document = read_json(body)
    if not isinstance(document, dict):
        raise BadTableError("the body", "it must be an object with items and edges")
    report = parts.cmdb.replace(document, at=parts.clock.now(), who=sender.name)
    return ImportOut(
        graph_version=report.graph.version,
        items=report.n_items,
        edges=report.n_edges,
        rejected=len(report.rejected),
        rejections=[
            RejectedRowOut.model_validate({"table": each.table, "row": each.row, "reason": each.reason})
            for each in report.rejected[:100]
        ],
    )


@router.get("", dependencies=[Depends(requires(Scope.READ))], responses=problems(*GUARDED))
def read_cmdb(parts: Parts) -> CmdbOut:
    """Read which version of the dependency graph is in use."""
    current = parts.cmdb.current
    return CmdbOut(
        graph_version=current.graph.version,
        items=len(current.graph),
        edges=len(current.graph.edges),
        imported_at=current.imported_at,
    )


@router.get(
    "/items/{item:path}/dependencies",
    dependencies=[Depends(requires(Scope.READ))],
    responses=problems(UnknownItemError, *GUARDED),
)
def list_dependencies(parts: Parts, item: ItemId) -> ReachedOut:
    """List everything an item needs, directly or not: where root causes are looked for."""
    graph = parts.cmdb.graph
    return ReachedOut(item=item, items=sorted(graph.dependencies(item)), graph_version=graph.version)


@router.get(
    "/items/{item:path}/dependents",
    dependencies=[Depends(requires(Scope.READ))],
    responses=problems(UnknownItemError, *GUARDED),
)
def list_dependents(parts: Parts, item: ItemId) -> ReachedOut:
    """List everything that needs an item, directly or not: its blast radius."""
    graph = parts.cmdb.graph
    return ReachedOut(item=item, items=sorted(graph.dependents(item)), graph_version=graph.version)


@router.get(
    "/items/{item:path}",
    dependencies=[Depends(requires(Scope.READ))],
    responses=problems(UnknownItemError, *GUARDED),
)
def read_item(parts: Parts, item: ItemId) -> ItemOut:
    """Read a configuration item."""
    graph = parts.cmdb.graph
    if item not in graph:
        raise UnknownItemError(item)
    return ItemOut.of(graph.items[item])
