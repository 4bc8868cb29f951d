"""Incidents, their causes, and the verdicts on them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Depends, Path, Query

from service.errors import (
    BadEncodingError,
    BadJsonError,
    BadVerdictError,
    BodyTooLargeError,
    MissingScopeError,
    NoTokenError,
    StoreUnavailableError,
    UnknownIncidentError,
    problems,
)
from service.http.body_reader import read_as
from service.http.request_schemas import RawBody, model_body
from service.http.security import Scope, Sender, requires
from service.incidents.verdicts import give_verdict, verdicts_of
from service.parts import Parts, ServiceParts
from service.routes.incident_documents import (
    CausesOut,
    IncidentDetailOut,
    IncidentOut,
    IncidentsOut,
    VerdictIn,
    VerdictOut,
)

if TYPE_CHECKING:
    from cmdb.items import ChangeEvent
    from service.incidents.records import Incident, StoredRanking

router = APIRouter(prefix="/v1/incidents", tags=["incidents"])
GUARDED = (NoTokenError, MissingScopeError, StoreUnavailableError)
IncidentId = Annotated[int, Path(ge=1, le=2**53, description="number of the incident", examples=[1])]
CHANGES_BEFORE, CHANGES_AFTER = timedelta(hours=24), timedelta(hours=1)
"""Changes so long before and after an incident's beginning are shown with it."""


@router.get("", dependencies=[Depends(requires(Scope.READ))], responses=problems(*GUARDED))
def list_incidents(
    parts: Parts,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    offset: Annotated[int, Query(ge=0, le=2**53)] = 0,
) -> IncidentsOut:
    """List incidents, newest first."""
    found = parts.incidents.newest(limit=limit, offset=offset)
    total, end = parts.incidents.count(), offset + len(found)
    return IncidentsOut(
        incidents=[IncidentOut.of(each, parts.settings.address) for each in found],
        total=total,
        next_offset=end if end < total else None,
    )


@router.get(
    "/{incident}",
    dependencies=[Depends(requires(Scope.READ))],
    responses=problems(UnknownIncidentError, *GUARDED),
)
def read_incident(parts: Parts, incident: IncidentId) -> IncidentDetailOut:
    """Read an incident with its alerts and verdicts."""
    found = parts.incidents.get(incident)
    return IncidentDetailOut.with_parts(
        found,
        parts.incidents.alerts_of(incident),
        verdicts_of(parts.audit, incident),
        parts.settings.address,
    )


@router.get(
    "/{incident}/causes",
    dependencies=[Depends(requires(Scope.READ))],
    responses=problems(UnknownIncidentError, *GUARDED),
)
def read_causes(parts: Parts, incident: IncidentId) -> CausesOut:
    """Read an incident's root-cause candidates, most likely first, with evidence.

    The ranking is the newest: it is renewed while the incident is open. `abstained` says why none is named;
    `unseen` what could not be looked at.
    """
    found = parts.incidents.get(incident)
    stored = parts.incidents.ranking_of(found)
    history = parts.incidents.rankings_of(incident)
    return CausesOut.of(found, stored, history, changes_near(parts, found, stored))


@router.post(
    "/{incident}/verdict",
    openapi_extra=model_body(VerdictIn),
    responses=problems(
        BadJsonError,
        UnknownIncidentError,
        BadVerdictError,
        BodyTooLargeError,
        BadEncodingError,
        *GUARDED,
    ),
)
def record_verdict(
    parts: Parts,
    incident: IncidentId,
    body: RawBody,
    sender: Annotated[Sender, Depends(requires(Scope.VERDICT))],
) -> VerdictOut:
    """Say what truly caused an incident, or that it was a false alarm.

    Who says it is the token's name. Verdicts are never altered; the last one counts.
    """
    verdict = read_as(body, VerdictIn)
    parts.incidents.get(incident)
    entry = give_verdict(
        parts.audit,
        incident,
        [] if isinstance(verdict.causes, str) else verdict.causes,
        note=verdict.note,
        who=sender.name,
        at=parts.clock.now(),
        items=parts.cmdb.graph,
    )
    return VerdictOut.of(entry)


def changes_near(parts: ServiceParts, incident: Incident, stored: StoredRanking | None) -> list[ChangeEvent]:
    """Return the changes around an incident's beginning to items that it may be about."""
    events = parts.changes.between(incident.opened_at - CHANGES_BEFORE, incident.opened_at + CHANGES_AFTER)
    named = set() if stored is None else {each.item for each in stored.document.candidates}
    named.add(incident.lead.alert.item)
    return [each for each in events if each.item in named]
