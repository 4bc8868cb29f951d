"""The pages a person reads: the list of incidents, one incident, and the way in."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import parse_qs
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from service.errors import SEE_OTHER, SIGN_IN_REFUSED, BadFormError, NoTokenError
from service.http.request_schemas import RawBody
from service.http.security import COOKIE, Scope, Sender, check_origin, reader_of_pages, requires
from service.incidents.verdicts import give_verdict, verdicts_of
from service.pages.incident_view import view_incident
from service.pages.rendering import STYLE, page
from service.parts import Parts, ServiceParts
from service.routes.incidents import IncidentId, changes_near

router = APIRouter()
A_YEAR_S = 31_536_000
PAGE_SIZE = 50
OTHER = "another item"
NONE = "none"
"""Choices of the verdict form that are not the place of a candidate."""


@router.get("/style.css")
def read_style() -> Response:
    """Serve the pages' style sheet."""
    return Response(STYLE, media_type="text/css", headers={"Cache-Control": "max-age=300"})


@router.get("/", dependencies=[Depends(reader_of_pages)])
@router.get("/incidents", dependencies=[Depends(reader_of_pages)])
def list_page(parts: Parts, offset: Annotated[int, Query(ge=0, le=2**53)] = 0) -> HTMLResponse:
    """Show the incidents, newest first."""
    found = parts.incidents.newest(limit=PAGE_SIZE, offset=offset)
    total = parts.incidents.count()
    return page(
        "incidents.html",
        zone=_zone(parts),
        incidents=found,
        offset=offset,
        older=offset + PAGE_SIZE if offset + PAGE_SIZE < total else None,
        newer=max(0, offset - PAGE_SIZE) if offset else None,
        total=total,
        present=parts.live.present(),
        is_open=parts.gate.is_open,
    )


@router.get("/incidents/{incident}", dependencies=[Depends(reader_of_pages)])
def incident_page(parts: Parts, incident: IncidentId) -> HTMLResponse:
    """Show one incident."""
    found = parts.incidents.get(incident)
    stored = parts.incidents.ranking_of(found)
    view = view_incident(
        found,
        parts.incidents.alerts_of(incident),
        verdicts_of(parts.audit, incident),
        changes_near(parts, found, stored),
        parts.incidents.rankings_of(incident),
        stored=stored,
    )
    return page(
        "incident.html",
        zone=_zone(parts),
        view=view,
        own_pages=parts.pages.of_incident(incident),
        present=parts.live.present(),
        is_open=parts.gate.is_open,
    )


@router.post("/incidents/{incident}/verdict")
def verdict_form(
    parts: Parts,
    incident: IncidentId,
    body: RawBody,
    sender: Annotated[Sender, Depends(requires(Scope.VERDICT))],
) -> RedirectResponse:
    """Record the verdict of the incident page's form."""
    parts.incidents.get(incident)
    form = _form(body)
    chosen = form.get("cause", "")
    causes = {NONE: [], OTHER: [form.get("other", "").strip()]}.get(chosen, [chosen.removeprefix("item:")])
    give_verdict(
        parts.audit,
        incident,
        causes,
        note=form.get("note", "")[:10_000],
        who=sender.name,
        at=parts.clock.now(),
        items=parts.cmdb.graph,
    )
    return RedirectResponse(f"/incidents/{incident}", SEE_OTHER)


@router.get("/sign-in")
def sign_in_page(parts: Parts, to: str = "/") -> HTMLResponse:
    """Ask for a token."""
    return page(
        "sign_in.html", zone=_zone(parts), to=_local_path(to), refused=False, is_open=parts.gate.is_open
    )


@router.post("/sign-in")
def sign_in(parts: Parts, request: Request, body: RawBody) -> Response:
    """Keep a valid token in a cookie that only this site's own pages send."""
    check_origin(request.headers, request.method)
    form = _form(body)
    to, secret = _local_path(form.get("to", "/")), form.get("token", "").strip()
    try:
        parts.gate.sender(secret, request.headers, request.method)
    except NoTokenError:
        return page(
            "sign_in.html", zone=_zone(parts), status=int(SIGN_IN_REFUSED), to=to, refused=True, is_open=False
        )
    answer = RedirectResponse(to, SEE_OTHER)
    is_encrypted = request.url.scheme == "https"
    answer.set_cookie(COOKIE, secret, max_age=A_YEAR_S, httponly=True, samesite="strict", secure=is_encrypted)
    return answer


@router.post("/sign-out")
def sign_out(request: Request) -> RedirectResponse:
    """Forget the token."""
    check_origin(request.headers, request.method)
    answer = RedirectResponse("/sign-in", SEE_OTHER)
    answer.delete_cookie(COOKIE, httponly=True, samesite="strict")
    return answer


def _zone(parts: ServiceParts) -> ZoneInfo:
    return ZoneInfo(parts.settings.time_zone)


def _form(body: bytes) -> dict[str, str]:
    """Return the fields of a form, each once."""
    try:
        fields = parse_qs(body.decode(errors="replace"), keep_blank_values=True, max_num_fields=20)
    except ValueError as error:
        raise BadFormError(str(error)) from error
    return {name: values[0] for name, values in fields.items()}


def _local_path(to: str) -> str:
    """Return a path of this site, whatever was asked for: never the way to another site."""
    is_local = to.startswith("/") and not to.startswith(("//", "/\\")) and to.isprintable()
    return to if is_local else "/"
