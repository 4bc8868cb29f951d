"""Incidents, their causes, and the verdicts on them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from service.dependencies import (
    AfterPlace,
    AuditTrail,
    Changes,
    Clock,
    Cmdb,
    IncidentId,
    Incidents,
    Masks,
    RawBody,
    Sees,
    SentBy,
    ServiceSettings,
)
from service.errors import BadVerdictError, UnknownIncidentError
from service.http.body_reader import read_as
from service.http.problems import READ_ERRORS, WRITE_ERRORS, problems
from service.http.writer_gate import WRITES
from service.incidents.nearby_changes import changes_near
from service.incidents.records import Place
from service.incidents.verdicts import give_verdict, verdicts_of
from service.routes.incident_documents import (
    AlertOut,
    AlertsOut,
    CausesOut,
    IncidentDetailOut,
    IncidentOut,
    IncidentsOut,
    VerdictIn,
    VerdictOut,
)
from service.routes.request_bodies import VERDICT_BODY

router = APIRouter(prefix="/v1/incidents", tags=["incidents"])

N_ALERTS = 100
"""Alerts that an incident's document has."""


@router.get("", responses=problems(*READ_ERRORS))
def list_incidents(
    incidents: Incidents,
    settings: ServiceSettings,
    sees: Sees,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    offset: Annotated[int, Query(ge=0, le=2**53)] = 0,
    after: AfterPlace = "",
) -> IncidentsOut:
    """List incidents, newest first.

    `after` leads through the list without a gap or a repetition while incidents are opened; `offset` counts.
    """
    found = incidents.newest(limit=limit, offset=offset, after=Place.of(after) if after else None, view=sees)
    total, end = incidents.count(sees), offset + len(found)
    return IncidentsOut(
        incidents=[IncidentOut.of(each, settings.address) for each in found],
        total=total,
        next_offset=end if end < total and not after else None,
        next_after=str(found[-1].place) if len(found) == limit else None,
    )


@router.get(
    "/{incident}",
    responses=problems(UnknownIncidentError, *READ_ERRORS),
)
def read_incident(
    incidents: Incidents, audit: AuditTrail, settings: ServiceSettings, incident: IncidentId
) -> IncidentDetailOut:
    """Read an incident with its verdicts and its first alerts; a route of their own has all of them."""
    found = incidents.get(incident)
    return IncidentDetailOut.with_parts(
        found,
        incidents.alerts_of(incident, limit=N_ALERTS),
        verdicts_of(audit, incident),
        settings.address,
    )


@router.get(
    "/{incident}/alerts",
    responses=problems(UnknownIncidentError, *READ_ERRORS),
)
def list_alerts(
    incidents: Incidents,
    incident: IncidentId,
    limit: Annotated[int, Query(ge=1, le=200)] = N_ALERTS,
    after: AfterPlace = "",
) -> AlertsOut:
    """List the alerts of an incident, the first to start first."""
    incidents.get(incident)
    found = incidents.alerts_of(incident, limit=limit, after=Place.of(after) if after else None)
    return AlertsOut(
        alerts=[AlertOut.of(each) for each in found],
        next_after=str(found[-1].place) if len(found) == limit else None,
    )


@router.get(
    "/{incident}/causes",
    responses=problems(UnknownIncidentError, *READ_ERRORS),
)
def read_causes(incidents: Incidents, changes: Changes, incident: IncidentId) -> CausesOut:
    """Read an incident's root-cause candidates, most likely first, with evidence.

    The ranking is the newest: it is renewed while the incident is open. `abstained` is the reason if none is
    named; `unseen` lists what could not be looked at.
    """
    found = incidents.get(incident)
    stored = incidents.ranking_of(found)
    history = incidents.rankings_of(incident)
    return CausesOut.of(found, stored, history, changes_near(changes, found, stored))


@router.post(
    "/{incident}/verdict",
    dependencies=[WRITES],
    openapi_extra=VERDICT_BODY,
    responses=problems(UnknownIncidentError, BadVerdictError, *WRITE_ERRORS),
)
def record_verdict(
    incidents: Incidents,
    audit: AuditTrail,
    cmdb: Cmdb,
    clock: Clock,
    masks: Masks,
    sender: SentBy,
    incident: IncidentId,
    body: RawBody,
) -> VerdictOut:
    """Record what truly caused an incident, or that it was a false alarm.

    The name of the person or token is recorded with it. Verdicts are never altered; the last one counts.
    """
    verdict = read_as(body, VerdictIn)
    incidents.get(incident)
    entry = give_verdict(
        audit,
        incident,
        [] if isinstance(verdict.causes, str) else verdict.causes,
        note=masks.text(verdict.note),
        who=sender.name,
        at=clock.now(),
        items=cmdb.graph,
    )
    return VerdictOut.of(entry)
