"""The list of incidents, and the page of one incident."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from service.dependencies import (
    AfterPlace,
    AuditTrail,
    Changes,
    Clock,
    Cmdb,
    IncidentId,
    Incidents,
    Masks,
    Pages,
    Sees,
    SentBy,
    Signals,
)
from service.http.problems import SEE_OTHER
from service.http.writer_gate import WRITES
from service.incidents.nearby_changes import changes_near
from service.incidents.records import Place
from service.incidents.verdicts import give_verdict, verdicts_of
from service.pages.forms import SessionForm
from service.pages.incident_view import view_incident
from service.pages.rendering import STYLE, Render

router = APIRouter()
PAGE_SIZE = 50
OTHER = "another item"
NONE = "none"
"""Choices of the verdict form that are no candidate."""


@router.get("/style.css")
def read_style() -> Response:
    """Serve the pages' style sheet."""
    return Response(STYLE, media_type="text/css", headers={"Cache-Control": "max-age=300"})


@router.get("/")
@router.get("/incidents")
def list_page(
    incidents: Incidents,
    signals: Signals,
    sees: Sees,
    render: Render,
    offset: Annotated[int, Query(ge=0, le=2**53)] = 0,
) -> HTMLResponse:
    """Show the incidents, newest first."""
    found = incidents.newest(limit=PAGE_SIZE, offset=offset, view=sees)
    total = incidents.count(sees)
    return render(
        "incidents.html",
        incidents=found,
        offset=offset,
        older=offset + PAGE_SIZE if offset + PAGE_SIZE < total else None,
        newer=max(0, offset - PAGE_SIZE) if offset else None,
        total=total,
        present=signals.present(),
    )


@router.get("/incidents/{incident}")
def incident_page(
    incidents: Incidents,
    audit: AuditTrail,
    changes: Changes,
    pages: Pages,
    signals: Signals,
    render: Render,
    incident: IncidentId,
    after: AfterPlace = "",
) -> HTMLResponse:
    """Show one incident, with a part of its alerts."""
    found = incidents.get(incident)
    stored = incidents.ranking_of(found)
    alerts = incidents.alerts_of(incident, limit=PAGE_SIZE, after=Place.of(after) if after else None)
    view = view_incident(
        found,
        alerts,
        verdicts_of(audit, incident),
        changes_near(changes, found, stored),
        incidents.rankings_of(incident),
        stored=stored,
        ranked=incidents.alert(stored.alert) if stored else None,
    )
    return render(
        "incident.html",
        view=view,
        later=alerts[-1].place if len(alerts) == PAGE_SIZE else None,
        is_later=bool(after),
        own_pages=pages.of_incident(incident),
        present=signals.present(),
    )


@router.post("/incidents/{incident}/verdict", dependencies=[WRITES])
def verdict_form(
    incidents: Incidents,
    audit: AuditTrail,
    cmdb: Cmdb,
    clock: Clock,
    masks: Masks,
    sender: SentBy,
    incident: IncidentId,
    form: SessionForm,
) -> RedirectResponse:
    """Record the verdict of the incident page's form."""
    incidents.get(incident)
    chosen = form.get("cause", "")
    causes = {NONE: [], OTHER: [form.get("other", "").strip()]}.get(chosen, [chosen.removeprefix("item:")])
    give_verdict(
        audit,
        incident,
        causes,
        note=masks.text(form.get("note", "")[:10_000]),
        who=sender.name,
        at=clock.now(),
        items=cmdb.graph,
    )
    return RedirectResponse(f"/incidents/{incident}", SEE_OTHER)
