"""Change events in and out."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.exceptions import RequestValidationError

from service.dependencies import Changes, Clock, Cmdb, Masks, RawBody, Sees, SentBy
from service.errors import NotOfYourTeamsError
from service.http.body_reader import read_as
from service.http.problems import READ_ERRORS, WRITE_ERRORS, problems
from service.http.writer_gate import WRITES
from service.intake.changes import ChangesIn
from service.routes.documents import ChangeOut, ChangesAcceptedOut, ChangesOut
from service.routes.request_bodies import CHANGES_BODY

router = APIRouter(prefix="/v1/changes", tags=["changes"])


@router.post(
    "",
    dependencies=[WRITES],
    openapi_extra=CHANGES_BODY,
    responses=problems(RequestValidationError, NotOfYourTeamsError, *WRITE_ERRORS),
)
def send_changes(
    changes: Changes,
    cmdb: Cmdb,
    clock: Clock,
    masks: Masks,
    sender: SentBy,
    sees: Sees,
    body: RawBody,
) -> ChangesAcceptedOut:
    """Send change events, such as deploys.

    They are on disk before the answer. Each id counts once, so sending again is harmless.
    """
    events = masks.changes(each.to_event() for each in read_as(body, ChangesIn).changes)
    for each in events:
        if not sees.sees(each.item):
            raise NotOfYourTeamsError(sender.name, each.item)
    n_new = changes.add(events, at=clock.now(), who=sender.name)
    graph = cmdb.graph
    unknown = sorted({each.item for each in events if each.item not in graph})
    return ChangesAcceptedOut(accepted=n_new, known=len(events) - n_new, unknown_items=unknown[:20])


@router.get("", responses=problems(*READ_ERRORS))
def list_changes(
    changes: Changes,
    sees: Sees,
    item: Annotated[str | None, Query(description="of this item only")] = None,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
) -> ChangesOut:
    """List change events, newest first."""
    found = changes.newest(limit=limit, item=item, view=sees)
    return ChangesOut(changes=[ChangeOut.of(each) for each in found])
