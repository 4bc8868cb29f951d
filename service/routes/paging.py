"""Pages that Sunspot raises, their budgets, and the maintenance windows in which it raises none."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query
from fastapi.exceptions import RequestValidationError

from service.dependencies import Clock, Maintenance, Pager, Pages, RawBody, Sees, SentBy, Signals
from service.errors import NotOfYourTeamsError, UnknownMaintenanceError
from service.http.body_reader import read_as
from service.http.problems import READ_ERRORS, WRITE_ERRORS, problems
from service.http.writer_gate import WRITES
from service.paging.budget_report import reports_now
from service.routes.paging_documents import (
    MaintenanceIn,
    MaintenanceOut,
    MaintenancesOut,
    PageOut,
    PagesOut,
    TeamOut,
    TeamsOut,
)
from service.routes.request_bodies import MAINTENANCE_BODY
from telemetry.instants import to_ms

router = APIRouter(prefix="/v1", tags=["paging"])


@router.get("/teams", responses=problems(*READ_ERRORS))
def list_teams(signals: Signals, pager: Pager, pages: Pages, sees: Sees) -> TeamsOut:
    """List teams with their page budgets, and the rates achieved.

    By verdicts: pages of four weeks whose incident was a false alarm. By replay: what the bundle would have
    paged in time that it did not learn from.
    """
    reports, reason = reports_now(signals, pager, pages)
    return TeamsOut(teams=[TeamOut.of(each) for each in reports if sees.sees_team(each.team)], reason=reason)


@router.get("/pages", responses=problems(*READ_ERRORS))
def list_pages(
    pages: Pages,
    sees: Sees,
    team: Annotated[str | None, Query(description="of this team only")] = None,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
) -> PagesOut:
    """List the pages that Sunspot raised, newest first, each with its outcome."""
    found = pages.newest(limit=limit, team=team, view=sees)
    return PagesOut(pages=[PageOut.of(each) for each in found])


@router.post(
    "/maintenance",
    dependencies=[WRITES],
    openapi_extra=MAINTENANCE_BODY,
    responses=problems(RequestValidationError, NotOfYourTeamsError, *WRITE_ERRORS),
)
def announce_maintenance(
    maintenance: Maintenance, clock: Clock, sender: SentBy, sees: Sees, body: RawBody
) -> MaintenanceOut:
    """Announce a window in which items, or all of a team's, do not page.

    With phases it counts in trading time: "after the close" is then not an hour of the clock.
    """
    announced = read_as(body, MaintenanceIn)
    window = announced.to_window()
    if not sees.sees_all(window.items, window.teams):
        raise NotOfYourTeamsError(sender.name, ", ".join(sorted(window.items | window.teams)))
    return MaintenanceOut.of(maintenance.add(window, note=announced.note, who=sender.name, at=clock.now()))


@router.get("/maintenance", responses=problems(*READ_ERRORS))
def list_maintenance(maintenance: Maintenance, signals: Signals, sees: Sees) -> MaintenancesOut:
    """List windows of maintenance that are not over."""
    found = maintenance.ending_after(to_ms(signals.present()))
    seen = [each for each in found if sees.sees_any(each.window.items, each.window.teams)]
    return MaintenancesOut(windows=[MaintenanceOut.of(each) for each in seen])


@router.delete(
    "/maintenance/{window}",
    dependencies=[WRITES],
    responses=problems(UnknownMaintenanceError, *READ_ERRORS),
)
def end_maintenance(
    maintenance: Maintenance,
    clock: Clock,
    sender: SentBy,
    window: Annotated[int, Path(ge=1, le=2**53, description="number of the window", examples=[1])],
) -> MaintenanceOut:
    """Withdraw a window of maintenance; its items page again."""
    return MaintenanceOut.of(maintenance.remove(window, who=sender.name, at=clock.now()))
