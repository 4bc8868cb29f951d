"""The JSON documents about alerts, incidents and their causes, in the words of the glossary."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from models.rankers.ranking import DEFAULT_VERSION
from service.routes.documents import ChangeOut

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cmdb.items import ChangeEvent
    from service.incidents.alert_handler import Answer
    from service.incidents.records import Incident, StoredAlert, StoredRanking
    from service.store.audit import Entry

N_TOLD = 5
"""Causes in the answer to a webhook; the incident's own route has more."""


class TemplateOut(BaseModel):
    """One template of log lines that came more or less often, or later, than it usually does."""

    kind: Literal["missing", "excess", "new", "rare", "slow"]
    template: str = Field(description="its text, <*> where its lines differ")
    severity: str
    observed: float | None = Field(description="what was seen in the incident's window, in the unit")
    expected: float | None = Field(description="what is usual for all that the service said, in the unit")
    unit: Literal["lines", "ms"]
    examples: list[str] = Field(description="at most three lines, secrets masked")
    first_seen_ms: int | None = Field(description="start of the first window it is known from")
    trace_ids: list[str]


class EvidenceOut(BaseModel):
    """One checkable reason for a candidate."""

    kind: str
    weight: float | None
    sentence: str
    figures: dict[str, float | None]
    templates: list[TemplateOut] = Field([], description="the log templates behind it, strongest first")


class CandidateOut(BaseModel):
    """A configuration item that may explain the alert."""

    item: str
    score: float | None
    probability: float | None
    hops: int | None
    path: list[str]
    evidence: list[EvidenceOut]
    explained_by: str = Field(
        "", description="the named cause of which this is a symptom; empty where none explains it"
    )


class RankingOut(BaseModel):
    """The causes, most likely first, and everything needed to compute them again."""

    ranker: str
    candidates: list[CandidateOut]
    n_candidates: int
    abstained: str = Field(description="why no candidate is named; empty when one is")
    causes: list[str] = Field(
        [], description="the items named, likeliest first; more than one if the first does not explain all"
    )
    found_normal: list[str] = Field([], description="what was looked at and found as usual")
    unseen: list[str] = Field(description="what could not be looked at, and what had to be relaxed")
    graph_version: str
    bundle_version: str
    ranker_version: str = Field(DEFAULT_VERSION, description="of the numbers that weigh evidence")
    code_version: str
    window_start_ms: int
    window_end_ms: int
    ranked_at: datetime


class EnrichedAlert(BaseModel):
    """One alert of a webhook, with its likely causes."""

    fingerprint: str
    name: str
    item: str
    status: Literal["firing", "resolved"]
    starts_at: datetime
    incident: int
    page: str = Field(description="address of the incident's page")
    ranking: RankingOut | None
    unenriched: str = Field(description="why there is no ranking; empty when there is one")
    notes: list[str] = Field(description="what of the alert could not be read")

    @classmethod
    def of(cls, answer: Answer, address: str) -> Self:
        """Tell an answer."""
        told, known = answer.notification, answer.known
        ranking = None if answer.ranking is None else RankingOut.model_validate(answer.ranking)
        if ranking is not None:
            ranking.candidates = ranking.candidates[:N_TOLD]
        return cls(
            fingerprint=told.alert.fingerprint,
            name=told.alert.name,
            item=told.alert.item,
            status="firing" if told.status == "firing" else "resolved",
            starts_at=known.alert.starts_at,
            incident=known.incident,
            page=f"{address}/incidents/{known.incident}",
            ranking=ranking,
            unenriched=answer.unenriched,
            notes=list(told.notes),
        )


class EnrichedAlerts(BaseModel):
    """The alerts of a webhook, in its order."""

    alerts: list[EnrichedAlert]


class IncidentOut(BaseModel):
    """Alerts handled together because they are judged to share a cause."""

    id: int
    title: str
    item: str
    status: Literal["open", "closed"]
    opened_at: datetime
    closed_at: datetime | None
    n_alerts: int
    cause: str = Field(description="item of the most likely cause; empty if none is named")
    probability: float
    page: str

    @classmethod
    def of(cls, incident: Incident, address: str) -> Self:
        """Tell an incident."""
        return cls.model_validate(_incident_fields(incident, address))


class IncidentsOut(BaseModel):
    """A stretch of the list of incidents, newest first."""

    incidents: list[IncidentOut]
    total: int
    next_offset: int | None = Field(description="where the list goes on; null at its end")


class AlertOut(BaseModel):
    """An alert as it is kept."""

    fingerprint: str
    name: str
    item: str
    severity: str
    status: Literal["firing", "resolved"]
    starts_at: datetime
    ends_at: datetime | None
    received_at: datetime
    n_received: int
    labels: dict[str, str]
    annotations: dict[str, str]
    unenriched: str

    @classmethod
    def of(cls, known: StoredAlert) -> Self:
        """Tell a kept alert."""
        alert = known.alert
        return cls(
            fingerprint=alert.fingerprint,
            name=alert.name,
            item=alert.item,
            severity=alert.severity,
            status="firing" if known.status == "firing" else "resolved",
            starts_at=alert.starts_at,
            ends_at=known.ends_at,
            received_at=known.received_at,
            n_received=known.n_received,
            labels=dict(alert.labels),
            annotations=dict(alert.annotations),
            unenriched=known.unenriched,
        )


class VerdictIn(BaseModel):
    """What a person says about an incident."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"causes": ["funds-db"], "note": "lock wait after the migration"}]},
    )

    causes: Annotated[list[str], Field(min_length=1)] | Literal["none"] = Field(
        description="the items that truly caused it, or none: a false alarm"
    )
    note: str = Field("", max_length=10_000)


class VerdictOut(BaseModel):
    """A verdict as it stands in the audit."""

    causes: list[str] | Literal["none"]
    note: str
    who: str
    at: datetime
    unknown_items: list[str] = Field([], description="causes that the dependency graph does not hold")

    @classmethod
    def of(cls, entry: Entry) -> Self:
        """Tell an audit row."""
        told = {**entry.document, "causes": entry.document["causes"] or "none"}
        return cls(who=entry.who, at=entry.at, **told)


class IncidentDetailOut(IncidentOut):
    """An incident with its alerts and what people said of it."""

    alerts: list[AlertOut]
    verdicts: list[VerdictOut]

    @classmethod
    def with_parts(
        cls, incident: Incident, alerts: list[StoredAlert], verdicts: list[Entry], address: str
    ) -> Self:
        """Tell an incident whole."""
        return cls.model_validate(
            {
                **_incident_fields(incident, address),
                "alerts": [AlertOut.of(each) for each in alerts],
                "verdicts": [VerdictOut.of(each) for each in verdicts],
            }
        )


class CausesOut(BaseModel):
    """An incident's likely causes, and the changes near it."""

    incident: int
    ranking: RankingOut | None
    unenriched: str = Field(description="why there is no ranking; empty when there is one")
    changes: list[ChangeOut]

    @classmethod
    def of(cls, incident: Incident, kept: StoredRanking | None, changes: list[ChangeEvent]) -> Self:
        """Tell the causes of an incident."""
        return cls(
            incident=incident.id,
            ranking=None if kept is None else RankingOut.model_validate(kept.document),
            unenriched=incident.lead.unenriched if kept is None else "",
            changes=[ChangeOut.of(each) for each in changes],
        )


def _incident_fields(incident: Incident, address: str) -> Mapping[str, object]:
    return {
        "id": incident.id,
        "title": incident.title,
        "item": incident.lead.alert.item,
        "status": "open" if incident.closed_at is None else "closed",
        "opened_at": incident.opened_at,
        "closed_at": incident.closed_at,
        "n_alerts": incident.n_alerts,
        "cause": incident.cause,
        "probability": incident.probability,
        "page": f"{address}/incidents/{incident.id}",
    }
