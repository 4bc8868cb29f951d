"""The JSON documents about alerts, incidents and their causes, in the words of the glossary."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from service.incidents.ranking_document import RankingDocument
from service.routes.documents import ChangeOut

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cmdb.items import ChangeEvent
    from service.incidents.alert_handler import Answer
    from service.incidents.ranking_document import StoredRankingDocument
    from service.incidents.records import Incident, StoredAlert, StoredRanking
    from service.store.audit import Entry

N_CANDIDATES = 5
"""Candidates in the answer to a webhook; the incident's own route has all of them."""


class EnrichedAlert(BaseModel):
    """One alert of a webhook, with its likely causes."""

    fingerprint: str
    name: str
    item: str
    status: Literal["firing", "resolved"]
    starts_at: datetime
    incident: int
    page: str = Field(description="address of the incident's page")
    ranking: RankingDocument | None
    unenriched: str = Field(description="why there is no ranking; empty when there is one")
    notes: list[str] = Field(description="what of the alert could not be read")

    @classmethod
    def of(cls, answer: Answer, ranking: RankingDocument | None, address: str) -> Self:
        """Return the document of an answer with a ranking that is fit to be shown."""
        notification, known = answer.notification, answer.known
        return cls(
            fingerprint=notification.alert.fingerprint,
            name=notification.alert.name,
            item=notification.alert.item,
            status="firing" if notification.status == "firing" else "resolved",
            starts_at=known.alert.starts_at,
            incident=known.incident,
            page=f"{address}/incidents/{known.incident}",
            ranking=ranking,
            unenriched=answer.unenriched,
            notes=list(notification.notes),
        )


class EnrichedAlerts(BaseModel):
    """The alerts of a webhook, in its order."""

    alerts: list[EnrichedAlert]


class AnswerWriter:
    """Writes `EnrichedAlerts`, one alert after another: of a large webhook only the text is held.

    Parameters
    ----------
    address
        How people reach the incident pages.
    """

    def __init__(self, address: str) -> None:
        self._address = address
        self._written: list[bytes] = []
        self._last: tuple[RankingDocument, RankingDocument] | None = None

    def add(self, answer: Answer) -> None:
        """Write one more alert."""
        document = EnrichedAlert.of(answer, self._shown(answer.ranking), self._address)
        self._written.append(document.model_dump_json().encode())

    def document(self) -> bytes:
        """Return the complete document as JSON."""
        return b'{"alerts":[' + b",".join(self._written) + b"]}"

    def _shown(self, ranking: StoredRankingDocument | None) -> RankingDocument | None:
        """Return what the sender sees of a ranking; many alerts in a row may share one."""
        if ranking is None:
            return None
        if self._last is None or self._last[0] is not ranking:
            self._last = ranking, _public(ranking.shortened(N_CANDIDATES))
        return self._last[1]


class IncidentOut(BaseModel):
    """Alerts handled together because they are judged to share a cause."""

    id: int
    title: str
    item: str
    status: Literal["open", "closed"]
    opened_at: datetime
    closed_at: datetime | None
    last_heard_at: datetime = Field(description="when one of its alerts was received last")
    n_alerts: int
    severity: str = Field(description="of the alert that titles the incident")
    runbook_url: str = Field(description="the runbook that this alert names; empty without one")
    cause: str = Field(description="item of the most likely cause; empty if none is named")
    probability: float
    page: str

    @classmethod
    def of(cls, incident: Incident, address: str) -> Self:
        """Return the document of an incident."""
        return cls.model_validate(_incident_fields(incident, address))


class IncidentsOut(BaseModel):
    """One part of the list of incidents, newest first."""

    incidents: list[IncidentOut]
    total: int
    next_offset: int | None = Field(description="where the next part starts; null at the end of the list")
    next_after: str | None = Field(description="the same as a place in the list; null at its end")


class AlertOut(BaseModel):
    """A stored alert."""

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
        """Return the document of a stored alert."""
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


class AlertsOut(BaseModel):
    """One part of the list of an incident's alerts, the first to start first."""

    alerts: list[AlertOut]
    next_after: str | None = Field(description="where the next part starts; null at the end of the list")


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
    """A verdict as the audit has it."""

    causes: list[str] | Literal["none"]
    note: str
    who: str
    at: datetime
    unknown_items: list[str] = Field([], description="causes that the dependency graph does not hold")

    @classmethod
    def of(cls, entry: Entry) -> Self:
        """Return the document of a verdict in the audit."""
        document = {**entry.document, "causes": entry.document["causes"] or "none"}
        return cls(who=entry.who, at=entry.at, **document)


class IncidentDetailOut(IncidentOut):
    """An incident with its first alerts and its verdicts."""

    alerts: list[AlertOut] = Field(description="the first of them; `n_alerts` says how many there are")
    verdicts: list[VerdictOut]

    @classmethod
    def with_parts(
        cls, incident: Incident, alerts: list[StoredAlert], verdicts: list[Entry], address: str
    ) -> Self:
        """Return the document of an incident with its alerts and verdicts."""
        return cls.model_validate(
            {
                **_incident_fields(incident, address),
                "alerts": [AlertOut.of(each) for each in alerts],
                "verdicts": [VerdictOut.of(each) for each in verdicts],
            }
        )


class RankedOut(BaseModel):
    """One answer of an incident, in short."""

    made_at: datetime = Field(description="when this answer was given first")
    as_of: datetime = Field(description="when it was confirmed last")
    reason: str
    causes: list[str] = Field(description="the items named; none where the ranking abstained")
    abstained: str
    changed: list[str]

    @classmethod
    def of(cls, stored: StoredRanking) -> Self:
        """Return a stored ranking in short."""
        return cls(
            made_at=stored.made_at,
            as_of=stored.as_of,
            reason=stored.reason,
            causes=[] if stored.document.first is None else list(stored.document.answer),
            abstained=stored.document.abstained,
            changed=list(stored.changed),
        )


class CausesOut(BaseModel):
    """An incident's likely causes, and the changes near it."""

    incident: int
    ranking: RankingDocument | None
    as_of: datetime | None = Field(description="the instant up to which signals were looked at")
    reason: str = Field(description="why this answer was looked for, such as: new signals")
    changed: list[str] = Field(description="how the answer differs from the one before, in sentences")
    history: list[RankedOut] = Field(description="all answers of the incident, newest first")
    unenriched: str = Field(description="why there is no ranking; empty when there is one")
    changes: list[ChangeOut]

    @classmethod
    def of(
        cls,
        incident: Incident,
        stored: StoredRanking | None,
        history: Sequence[StoredRanking],
        changes: list[ChangeEvent],
    ) -> Self:
        """Return the causes of an incident."""
        return cls(
            incident=incident.id,
            ranking=None if stored is None else _public(stored.document),
            as_of=None if stored is None else stored.as_of,
            reason="" if stored is None else stored.reason,
            changed=[] if stored is None else list(stored.changed),
            history=[RankedOut.of(each) for each in history],
            unenriched=incident.lead.unenriched if stored is None else "",
            changes=[ChangeOut.of(each) for each in changes],
        )


def _public(document: RankingDocument) -> RankingDocument:
    """A ranking without what only the page draws."""
    return RankingDocument.model_validate(document.model_dump(include=set(RankingDocument.model_fields)))


def _incident_fields(incident: Incident, address: str) -> Mapping[str, object]:
    return {
        "id": incident.id,
        "title": incident.title,
        "item": incident.lead.alert.item,
        "status": "open" if incident.closed_at is None else "closed",
        "opened_at": incident.opened_at,
        "closed_at": incident.closed_at,
        "last_heard_at": incident.heard_at,
        "n_alerts": incident.n_alerts,
        "severity": incident.titled_by.alert.severity,
        "runbook_url": incident.titled_by.runbook_url,
        "cause": incident.cause,
        "probability": incident.probability,
        "page": f"{address}/incidents/{incident.id}",
    }
