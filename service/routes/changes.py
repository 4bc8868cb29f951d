"""Change events in and out."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from service.dependencies import Changes, Clock, Cmdb, Masks, RawBody, Sees, SentBy
from service.errors import NotOfYourTeamsError
from service.http.body_reader import read_json
from service.http.problems import READ_ERRORS, WRITE_ERRORS, problems
from service.http.writer_gate import WRITES
from service.intake.changes import read_changes
from service.routes.documents import ChangeOut, ChangesAcceptedOut, ChangesOut, RejectedOut
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

    They are on disk before the answer. Each id counts once, so sending again is harmless. A bad event costs
    no other: it is told. What failed, is pending or went elsewhere than to production is no change, and told.
    GitHub's event `deployment_status` is read, too.
    """
    graph = cmdb.graph
    try:
        read = read_changes(read_json(body), graph)
    except ValidationError as error:
        raise RequestValidationError(error.errors(include_url=False)) from error
    if read.rejected and not read.events and not read.is_notice:
        place, reason = read.rejected[0]
        raise RequestValidationError([{"type": "value_error", "loc": ("changes", place), "msg": reason}])
    events = masks.changes(read.events)
    for each in events:
        if not sees.sees(each.item):
            raise NotOfYourTeamsError(sender.name, each.item)
    n_new = changes.add(events, at=clock.now(), who=sender.name)
    unknown = sorted({each.item for each in events if each.item not in graph})
    return ChangesAcceptedOut(
        accepted=n_new,
        known=len(events) - n_new,
        unknown_items=unknown[:20],
        rejected=len(read.rejected),
        rejections=[RejectedOut(index=index, reason=reason) for index, reason in read.rejected[:100]],
    )


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
