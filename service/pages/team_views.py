"""The page of teams: what each accepts, what it got, and the latest pages."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends
from fastapi.responses import HTMLResponse

from service.http.security import reader_of_pages
from service.pages.rendering import page
from service.parts import Parts
from service.routes.paging import reports_now

router = APIRouter()
N_PAGES = 50


@router.get("/teams", dependencies=[Depends(reader_of_pages)])
def team_page(parts: Parts) -> HTMLResponse:
    """Show the teams' page budgets and the latest pages."""
    reports, reason = reports_now(parts)
    return page(
        "teams.html",
        zone=ZoneInfo(parts.settings.time_zone),
        reports=reports,
        reason=reason,
        latest=parts.pages.newest(limit=N_PAGES),
        is_open=parts.gate.is_open,
    )
