"""The CMDB: what there is, and what depends on what."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from cmdb.errors import BadTableError, ShrinkingGraphError, UnknownItemError
from service.dependencies import Clock, Cmdb, ItemId, RawBody, Sees, SentBy
from service.http.body_reader import read_json
from service.http.problems import READ_ERRORS, WRITE_ERRORS, problems
from service.http.writer_gate import WRITES
from service.routes.documents import CmdbOut, ImportOut, ItemOut, ReachedOut
from service.routes.request_bodies import CMDB_BODY

router = APIRouter(prefix="/v1/cmdb", tags=["cmdb"])
ITEM_ANSWERS = problems(UnknownItemError, *READ_ERRORS)


@router.post(
    "",
    dependencies=[WRITES],
    openapi_extra=CMDB_BODY,
    responses=problems(BadTableError, ShrinkingGraphError, *WRITE_ERRORS),
)
def import_cmdb(
    cmdb: Cmdb,
    clock: Clock,
    sender: SentBy,
    body: RawBody,
    *,
    allow_shrink: Annotated[
        bool, Query(description="take a graph with much less than the one in use")
    ] = False,
    dry_run: Annotated[bool, Query(description="change nothing; answer what would change")] = False,
) -> ImportOut:
    """Replace the dependency graph by a document of items and edges, or by one that a known system wrote.

    An edge says that `dependent` depends on `dependency`. Rows that make no sense are left out and
    reported. A document that cannot be read changes nothing, and neither does one that would retire more
    than a tenth of the items or of the edges, or all edges. Every version is stored.
    """
    report, found = cmdb.replace(
        read_json(body), at=clock.now(), who=sender.name, allow_shrink=allow_shrink, dry_run=dry_run
    )
    return ImportOut.of(report, found)


@router.get("", responses=problems(*READ_ERRORS))
def read_cmdb(cmdb: Cmdb) -> CmdbOut:
    """Read which version of the dependency graph is in use."""
    current = cmdb.current
    return CmdbOut(
        graph_version=current.graph.version,
        items=len(current.graph),
        edges=len(current.graph.edges),
        imported_at=current.imported_at,
    )


@router.get("/items/{item:path}/dependencies", responses=ITEM_ANSWERS)
def list_dependencies(cmdb: Cmdb, sees: Sees, item: ItemId) -> ReachedOut:
    """List everything an item needs, directly or not: where root causes are looked for."""
    graph = cmdb.graph
    return ReachedOut(
        item=item, items=sorted(filter(sees.sees, graph.dependencies(item))), graph_version=graph.version
    )


@router.get("/items/{item:path}/dependents", responses=ITEM_ANSWERS)
def list_dependents(cmdb: Cmdb, sees: Sees, item: ItemId) -> ReachedOut:
    """List everything that needs an item, directly or not: its blast radius."""
    graph = cmdb.graph
    return ReachedOut(
        item=item, items=sorted(filter(sees.sees, graph.dependents(item))), graph_version=graph.version
    )


@router.get("/items/{item:path}", responses=ITEM_ANSWERS)
def read_item(cmdb: Cmdb, item: ItemId) -> ItemOut:
    """Read a configuration item."""
    graph = cmdb.graph
    if item not in graph:
        raise UnknownItemError(item)
    return ItemOut.of(graph.items[item])
