"""Change events in and out."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from fastapi.exceptions import RequestValidationError

from service.errors import (
    BadEncodingError,
    BadJsonError,
    BodyTooLargeError,
    MissingScopeError,
    NoTokenError,
    StoreUnavailableError,
    problems,
)
from service.http.body_reader import read_as
from service.http.request_schemas import RawBody, model_body
from service.http.security import Scope, requires
from service.intake.changes import ChangesIn
from service.parts import Parts
from service.routes.documents import ChangeOut, ChangesOut, ChangesTakenOut

router = APIRouter(prefix="/v1/changes", tags=["changes"])
GUARDED = (NoTokenError, MissingScopeError, StoreUnavailableError)


@router.post(
    "",
    dependencies=[Depends(requires(Scope.INGEST))],
    openapi_extra=model_body(ChangesIn),
    responses=problems(BadJsonError, RequestValidationError, BodyTooLargeError, BadEncodingError, *GUARDED),
)
def send_changes(parts: Parts, body: RawBody) -> ChangesTakenOut:
    """Send change events, such as deploys.

    They are on disk before the answer. Each id counts once, so sending again is harmless.
    """
    events = [each.to_event() for each in read_as(body, ChangesIn).changes]
    n_new = parts.changes.add(events, at=parts.clock.now())
    graph = parts.cmdb.graph
    unknown = sorted({each.item for each in events if each.item not in graph})
    return ChangesTakenOut(accepted=n_new, known=len(events) - n_new, unknown_items=unknown[:20])


@router.get("", dependencies=[Depends(requires(Scope.READ))], responses=problems(*GUARDED))
def list_changes(
    parts: Parts,
    item: Annotated[str | None, Query(description="of this item only")] = None,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
) -> ChangesOut:
    """List change events, newest first."""
    return ChangesOut(changes=[ChangeOut.of(each) for each in parts.changes.newest(limit=limit, item=item)])
