"""Pages that Sunspot raises, the budgets they are held to, and windows in which it raises none."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from fastapi.exceptions import RequestValidationError

from service.errors import (
    BadEncodingError,
    BadJsonError,
    BodyTooLargeError,
    MissingScopeError,
    NoTokenError,
    StoreUnavailableError,
    UnknownMaintenanceError,
    problems,
)
from service.http.body_reader import read_as
from service.http.request_schemas import RawBody, model_body
from service.http.security import Scope, Sender, requires
from service.paging.budget_report import TeamReport, team_reports
from service.parts import Parts, ServiceParts
from service.routes.paging_documents import (
    MaintenanceIn,
    MaintenanceOut,
    MaintenancesOut,
    PageOut,
    PagesOut,
    TeamOut,
    TeamsOut,
)
from telemetry.instants import to_ms

router = APIRouter(prefix="/v1", tags=["paging"])
GUARDED = (NoTokenError, MissingScopeError, StoreUnavailableError)


@router.get("/teams", dependencies=[Depends(requires(Scope.READ))], responses=problems(*GUARDED))
def list_teams(parts: Parts) -> TeamsOut:
    """List teams with their page budgets, and the rates achieved.

    By verdicts: pages of four weeks whose incident was called none. By replay: what the bundle would have
    paged in time that it did not learn from.
    """
    reports, reason = reports_now(parts)
    return TeamsOut(teams=[TeamOut.of(each) for each in reports], reason=reason)


@router.get("/pages", dependencies=[Depends(requires(Scope.READ))], responses=problems(*GUARDED))
def list_pages(
    parts: Parts,
    team: Annotated[str | None, Query(description="of this team only")] = None,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
) -> PagesOut:
    """List the pages that Sunspot raised, newest first, each with what became of it."""
    return PagesOut(pages=[PageOut.of(each) for each in parts.pages.newest(limit=limit, team=team)])


@router.post(
    "/maintenance",
    openapi_extra=model_body(MaintenanceIn),
    responses=problems(BadJsonError, RequestValidationError, BodyTooLargeError, BadEncodingError, *GUARDED),
)
def announce_maintenance(
    parts: Parts, body: RawBody, sender: Annotated[Sender, Depends(requires(Scope.VERDICT))]
) -> MaintenanceOut:
    """Announce a window in which items, or all of a team's, do not page.

    With phases it counts in trading time: "after the close" is then not an hour of the clock.
    """
    announced = read_as(body, MaintenanceIn)
    return MaintenanceOut.of(
        parts.maintenance.add(announced.to_window(), note=announced.note, who=sender.name)
    )


@router.get("/maintenance", dependencies=[Depends(requires(Scope.READ))], responses=problems(*GUARDED))
def list_maintenance(parts: Parts) -> MaintenancesOut:
    """List windows of maintenance that are not over."""
    found = parts.maintenance.ending_after(to_ms(parts.live.present()))
    return MaintenancesOut(windows=[MaintenanceOut.of(each) for each in found])


@router.delete(
    "/maintenance/{window}",
    dependencies=[Depends(requires(Scope.VERDICT))],
    responses=problems(UnknownMaintenanceError, *GUARDED),
)
def end_maintenance(
    parts: Parts,
    window: Annotated[int, Path(ge=1, le=2**53, description="number of the window", examples=[1])],
) -> MaintenanceOut:
    """Take a window of maintenance back; its items page again."""
    return MaintenanceOut.of(parts.maintenance.remove(window))


def reports_now(parts: ServiceParts) -> tuple[list[TeamReport], str]:
    """Return every team's report, or none and the reason."""
    bundle, teams = parts.live.in_use.bundle, parts.paging.teams()
    if bundle is None:
        return [], "no champion was found yet"
    if teams is None:
        return [], "the bundle does not say what a threshold costs in false pages: train again"
    reports = team_reports(
        teams,
        parts.pages,
        since_ms=parts.paging.since_ms,
        now=parts.live.present(),
        step_ms=bundle.step_ms,
    )
    return reports, ""
