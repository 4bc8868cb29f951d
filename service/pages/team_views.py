"""The page of teams: their budgets, what they received, and the latest pages."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from service.dependencies import Pager, Pages, Signals
from service.http.security import CAN_READ_PAGES
from service.pages.rendering import Render
from service.paging.budget_report import reports_now

router = APIRouter()
N_PAGES = 50


@router.get("/teams", dependencies=[CAN_READ_PAGES])
def team_page(signals: Signals, pager: Pager, pages: Pages, render: Render) -> HTMLResponse:
    """Show the teams' page budgets and the latest pages."""
    reports, reason = reports_now(signals, pager, pages)
    return render(
        "teams.html",
        reports=reports,
        reason=reason,
        latest=pages.newest(limit=N_PAGES),
    )
