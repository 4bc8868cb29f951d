"""The page of teams: their budgets, what they received, and the latest pages."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from service.dependencies import Pager, Pages, Sees, Signals
from service.pages.rendering import Render
from service.paging.budget_report import reports_now

router = APIRouter()
N_PAGES = 50


@router.get("/teams")
def team_page(signals: Signals, pager: Pager, pages: Pages, sees: Sees, render: Render) -> HTMLResponse:
    """Show the teams' page budgets and the latest pages."""
    reports, reason = reports_now(signals, pager, pages)
    return render(
        "teams.html",
        reports=[each for each in reports if sees.sees_team(each.team)],
        reason=reason,
        latest=pages.newest(limit=N_PAGES, view=sees),
    )
