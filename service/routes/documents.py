"""The JSON documents that the routes answer with, in the words of the glossary."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from service.intake.text import Text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cmdb.items import ChangeEvent, Item
    from service.incidents.desk import Answer
    from service.incidents.records import Incident, KeptRanking, KnownAlert
    from service.store.audit import Entry

N_TOLD = 5
"""Causes in the answer to a webhook; the incident's own route has more."""


class Problem(BaseModel):
    """What is wrong with a request (RFC 9457)."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "urn:sunspot:problem:unknown-incident",
                    "title": "Unknown incident",
                    "status": 404,
                    "detail": "there is no incident 7",
                }
            ]
        }
    )

    type: str
    title: str
    status: int
    detail: str


class RejectedOut(BaseModel):
    """One part of a body that was not taken, and why."""

    index: int | None = Field(description="position in the body, from 0")
    reason: str


class SamplesOut(BaseModel):
    """What became of a batch of samples."""

    accepted: int = Field(description="written to history, on disk")
    rejected: int = Field(description="not taken")
    rejections: list[RejectedOut] = Field(description="why, for the first hundred")
    duplicate: int = Field(description="of a series and instant that had a sample; the last one wins")
    out_of_order: int = Field(description="older than a sample of the series that came before")
    late: int = Field(description="of ticks that were closed: kept, and no score changes")
    outside_window: int = Field(description="older than the window in memory: in history only")
    over_series_limit: int = Field(description="of series for which memory has no room: in history only")
    unknown_item_samples: int = Field(description="of items that the dependency graph does not hold: kept")
    unknown_items: list[str] = Field(description="those items, the first twenty")


class EvidenceOut(BaseModel):
    """One checkable reason for a candidate."""

    kind: str
    weight: float | None
    sentence: str
    figures: dict[str, float | None]


class CandidateOut(BaseModel):
    """A configuration item that may explain the alert."""

    item: str
    score: float | None
    probability: float | None
    hops: int | None
    path: list[str]
    evidence: list[EvidenceOut]


class RankingOut(BaseModel):
    """The causes, most likely first, and everything needed to compute them again."""

    ranker: str
    candidates: list[CandidateOut]
    n_candidates: int
    abstained: str = Field(description="why no candidate is named; empty when one is")
    unseen: list[str] = Field(description="what could not be looked at")
    notes: list[str] = Field(description="what had to be relaxed")
    graph_version: str
    bundle_version: str
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
    incident: int | None
    page: str | None = Field(description="address of the incident's page")
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
            starts_at=told.alert.starts_at,
            incident=known.incident if known else None,
            page=f"{address}/incidents/{known.incident}" if known else None,
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
    def of(cls, known: KnownAlert) -> Self:
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

    causes: list[Text] | Literal["none"] = Field(
        description="the items that truly caused it, or none: a false alarm"
    )
    note: Text = Field("", max_length=10_000)


class VerdictOut(BaseModel):
    """A verdict as it stands in the audit."""

    causes: list[str]
    note: str
    who: str
    at: datetime
    unknown_items: list[str] = Field([], description="causes that the dependency graph does not hold")

    @classmethod
    def of(cls, entry: Entry) -> Self:
        """Tell an audit row."""
        return cls(who=entry.who, at=entry.at, **entry.document)


class IncidentDetailOut(IncidentOut):
    """An incident with its alerts and what people said of it."""

    alerts: list[AlertOut]
    verdicts: list[VerdictOut]

    @classmethod
    def with_parts(
        cls, incident: Incident, alerts: list[KnownAlert], verdicts: list[Entry], address: str
    ) -> Self:
        """Tell an incident whole."""
        return cls.model_validate(
            {
                **_incident_fields(incident, address),
                "alerts": [AlertOut.of(each) for each in alerts],
                "verdicts": [VerdictOut.of(each) for each in verdicts],
            }
        )


class ChangeOut(BaseModel):
    """A recorded alteration of a configuration item."""

    id: str
    item: str
    at: datetime
    kind: str
    summary: str

    @classmethod
    def of(cls, change: ChangeEvent) -> Self:
        """Tell a change event."""
        return cls(id=change.id, item=change.item, at=change.at, kind=change.kind, summary=change.summary)


class CausesOut(BaseModel):
    """An incident's likely causes, and the changes near it."""

    incident: int
    ranking: RankingOut | None
    unenriched: str = Field(description="why there is no ranking; empty when there is one")
    changes: list[ChangeOut]

    @classmethod
    def of(cls, incident: Incident, kept: KeptRanking | None, changes: list[ChangeEvent]) -> Self:
        """Tell the causes of an incident."""
        return cls(
            incident=incident.id,
            ranking=None if kept is None else RankingOut.model_validate(kept.document),
            unenriched=incident.lead.unenriched if kept is None else "",
            changes=[ChangeOut.of(each) for each in changes],
        )


class ChangesOut(BaseModel):
    """Change events, newest first."""

    changes: list[ChangeOut]


class ChangesTakenOut(BaseModel):
    """What became of change events."""

    accepted: int
    known: int = Field(description="events whose id was there already: left as they were")
    unknown_items: list[str] = Field(description="items that the dependency graph does not hold; kept")


class ItemOut(BaseModel):
    """A configuration item."""

    id: str
    kind: str
    name: str
    team: str
    attributes: dict[str, str]

    @classmethod
    def of(cls, item: Item) -> Self:
        """Tell an item."""
        return cls(
            id=item.id, kind=item.kind, name=item.name, team=item.team, attributes=dict(item.attributes)
        )


class ReachedOut(BaseModel):
    """Items that a walk reaches."""

    item: str
    items: list[str]
    graph_version: str


class RejectedRowOut(BaseModel):
    """A row of a CMDB document that was left out, and why."""

    table: Literal["items", "edges"]
    row: int = Field(description="from 1")
    reason: str


class ImportOut(BaseModel):
    """What became of a CMDB document."""

    graph_version: str
    items: int
    edges: int
    rejected: int
    rejections: list[RejectedRowOut] = Field(description="why, for the first hundred")


class CmdbOut(BaseModel):
    """The dependency graph in use."""

    graph_version: str
    items: int
    edges: int
    imported_at: datetime | None


class SeriesScoreOut(BaseModel):
    """The latest score of one series."""

    metric: str
    status: Literal["scored", "warming_up", "missing", "stale"]
    score: float | None = Field(description="distance from normal; null unless scored")
    is_anomalous: bool = Field(description="whether the score is over the bundle's threshold")


class ScoresOut(BaseModel):
    """The latest scores of an item's series."""

    item: str
    tick_at: datetime | None = Field(description="start of the tick; null before the first")
    bundle_version: str
    threshold: float | None
    series: list[SeriesScoreOut]


class HealthOut(BaseModel):
    """The process answers."""

    status: Literal["ok"] = "ok"


class ReadyOut(BaseModel):
    """Whether alerts can be explained, and if not, or not fully, why."""

    ready: bool
    reasons: list[str]
    present: datetime
    graph_version: str
    bundle_version: str


def first_hundred(rejections: list[tuple[int | None, str]]) -> list[RejectedOut]:
    """Tell the first rejections."""
    return [RejectedOut(index=index, reason=reason) for index, reason in rejections[:100]]


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
