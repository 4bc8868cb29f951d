"""Rows of alerts, incidents and rankings as the records they hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from models.cases.case import Alert
from service.incidents.ranking_document import StoredRankingDocument
from service.incidents.records import OWN_SOURCE, Incident, StoredAlert, StoredRanking
from service.store.tables import alerts, rankings
from telemetry.instants import from_ms

if TYPE_CHECKING:
    from sqlalchemy import Connection


def alert_of_row(row: Any) -> StoredAlert:
    """Return a row of ``alerts`` as an alert."""
    return StoredAlert(
        id=row.id,
        incident=row.incident,
        alert=Alert(
            row.item,
            row.name,
            from_ms(row.starts_ms),
            fingerprint=row.fingerprint,
            severity=row.severity,
            labels=row.labels,
            annotations=row.annotations,
        ),
        status=row.status,
        ends_at=None if row.ends_ms is None else from_ms(row.ends_ms),
        first_received_at=from_ms(row.first_received_ms),
        received_at=from_ms(row.received_ms),
        n_received=row.n_received,
        unenriched=row.unenriched,
    )


def ranking_of_row(row: Any) -> StoredRanking:
    """Return a row of ``rankings`` as a ranking."""
    return StoredRanking(
        row.id,
        row.alert,
        from_ms(row.made_ms),
        from_ms(row.as_of_ms),
        row.reason,
        tuple(row.changed),
        StoredRankingDocument.model_validate(row.document),
    )


def incident_of_row(connection: Connection, row: Any) -> Incident:
    """Return a row of ``incidents`` as an incident, with its leading alert and its most likely cause."""
    newest = select(rankings.c.cause, rankings.c.probability).order_by(rankings.c.id.desc()).limit(1)
    top = (
        connection.execute(newest.where(rankings.c.alert == row.lead_alert)).first()
        or connection.execute(newest.where(rankings.c.incident == row.id)).first()
    )
    heard = select(func.max(alerts.c.received_ms)).where(alerts.c.incident == row.id)
    lead = alert_of_row(connection.execute(select(alerts).where(alerts.c.id == row.lead_alert)).one())
    return Incident(
        id=row.id,
        lead=lead,
        titled_by=lead if not lead.is_own else _first_of_a_person(connection, row.id) or lead,
        opened_at=from_ms(row.opened_ms),
        closed_at=None if row.closed_ms is None else from_ms(row.closed_ms),
        n_alerts=row.n_alerts,
        heard_at=from_ms(connection.execute(heard).scalar_one()),
        cause=top.cause if top else "",
        probability=top.probability if top else 0.0,
    )


def _first_of_a_person(connection: Connection, incident: int) -> StoredAlert | None:
    """Return the first alert of an incident that Sunspot did not raise itself."""
    source = func.coalesce(alerts.c.labels["source"].as_string(), "")
    asked = select(alerts).where(alerts.c.incident == incident, source != OWN_SOURCE)
    row = connection.execute(asked.order_by(alerts.c.starts_ms, alerts.c.id).limit(1)).first()
    return None if row is None else alert_of_row(row)
