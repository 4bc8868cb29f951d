"""The list of incidents, the page of one incident, and sign-in."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import parse_qs

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from service.dependencies import (
    AccessGate,
    AfterPlace,
    AuditTrail,
    Changes,
    Clock,
    Cmdb,
    IncidentId,
    Incidents,
    Pages,
    RawBody,
    Signals,
)
from service.errors import BadFormError, NoTokenError
from service.http.problems import SEE_OTHER, SIGN_IN_REFUSED
from service.http.security import (
    CAN_GIVE_VERDICTS,
    CAN_READ_PAGES,
    COOKIE,
    Gate,
    VerdictSender,
    check_origin,
)
from service.http.writer_gate import WRITES
from service.incidents.nearby_changes import changes_near
from service.incidents.records import Place
from service.incidents.verdicts import give_verdict, verdicts_of
from service.pages.incident_view import view_incident
from service.pages.rendering import STYLE, Render

router = APIRouter()
A_YEAR_S = 31_536_000
PAGE_SIZE = 50
OTHER = "another item"
NONE = "none"
"""Choices of the verdict form that are no candidate."""


@router.get("/style.css")
def read_style() -> Response:
    """Serve the pages' style sheet."""
    return Response(STYLE, media_type="text/css", headers={"Cache-Control": "max-age=300"})


@router.get("/", dependencies=[CAN_READ_PAGES])
@router.get("/incidents", dependencies=[CAN_READ_PAGES])
def list_page(
    incidents: Incidents,
    signals: Signals,
    render: Render,
    offset: Annotated[int, Query(ge=0, le=2**53)] = 0,
) -> HTMLResponse:
    """Show the incidents, newest first."""
    found = incidents.newest(limit=PAGE_SIZE, offset=offset)
    total = incidents.count()
    return render(
        "incidents.html",
        incidents=found,
        offset=offset,
        older=offset + PAGE_SIZE if offset + PAGE_SIZE < total else None,
        newer=max(0, offset - PAGE_SIZE) if offset else None,
        total=total,
        present=signals.present(),
    )


@router.get("/incidents/{incident}", dependencies=[CAN_READ_PAGES])
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


@router.post("/incidents/{incident}/verdict", dependencies=[CAN_GIVE_VERDICTS, WRITES])
def verdict_form(
    incidents: Incidents,
    audit: AuditTrail,
    cmdb: Cmdb,
    clock: Clock,
    sender: VerdictSender,
    incident: IncidentId,
    body: RawBody,
) -> RedirectResponse:
    """Record the verdict of the incident page's form."""
    incidents.get(incident)
    form = _form(body)
    chosen = form.get("cause", "")
    causes = {NONE: [], OTHER: [form.get("other", "").strip()]}.get(chosen, [chosen.removeprefix("item:")])
    give_verdict(
        audit,
        incident,
        causes,
        note=form.get("note", "")[:10_000],
        who=sender.name,
        at=clock.now(),
        items=cmdb.graph,
    )
    return RedirectResponse(f"/incidents/{incident}", SEE_OTHER)


@router.get("/sign-in")
def sign_in_page(render: Render, to: str = "/") -> HTMLResponse:
    """Ask for a token."""
    return render("sign_in.html", to=_local_path(to), refused=False)


@router.post("/sign-in")
def sign_in(gate: AccessGate, render: Render, request: Request, body: RawBody) -> Response:
    """Store a valid token in a cookie that only this site's own pages send."""
    check_origin(request.headers, request.method)
    form = _form(body)
    to, secret = _local_path(form.get("to", "/")), form.get("token", "").strip()
    try:
        _check_token(secret, gate, request)
    except NoTokenError:
        return render("sign_in.html", status=int(SIGN_IN_REFUSED), to=to, refused=True)
    answer = RedirectResponse(to, SEE_OTHER)
    is_encrypted = request.url.scheme == "https"
    answer.set_cookie(COOKIE, secret, max_age=A_YEAR_S, httponly=True, samesite="strict", secure=is_encrypted)
    return answer


@router.post("/sign-out")
def sign_out(request: Request) -> RedirectResponse:
    """Remove the token's cookie."""
    check_origin(request.headers, request.method)
    answer = RedirectResponse("/sign-in", SEE_OTHER)
    answer.delete_cookie(COOKIE, httponly=True, samesite="strict")
    return answer


def _check_token(secret: str, gate: Gate, request: Request) -> None:
    """Raise `NoTokenError` unless a browser may keep this token."""
    if not secret.isascii():  # no token is otherwise, and no cookie could hold it
        raise NoTokenError
    gate.sender(secret, request.headers, request.method)


def _form(body: bytes) -> dict[str, str]:
    """Return the fields of a form, each once."""
    try:
        fields = parse_qs(body.decode(errors="replace"), keep_blank_values=True, max_num_fields=20)
    except ValueError as error:
        raise BadFormError(str(error)) from error
    return {name: values[0] for name, values in fields.items()}


def _local_path(to: str) -> str:
    """Return the path if it is one of this site, else the root: never another site."""
    is_local = to.startswith("/") and not to.startswith(("//", "/\\")) and to.isprintable()
    return to if is_local else "/"
