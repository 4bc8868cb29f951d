"""Alerts, the incidents they form, and the rankings made of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, func, insert, select, update

from models.cases.case import Alert
from service.errors import UnknownIncidentError
from service.incidents.grouping import TOGETHER, Grouping, Member
from service.incidents.records import FIRING, AffectedPeriod, Incident, StoredAlert, StoredRanking
from service.store.tables import alerts, incidents, rankings
from telemetry.instants import from_ms, to_ms

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from cmdb.graph import DependencyGraph
    from service.incidents.enrichment import Enrichment
    from service.incidents.records import Notification
    from service.store.database import Database


class IncidentStore:
    """All incidents."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(
        self, notifications: Sequence[Notification], graph: DependencyGraph, *, at: datetime
    ) -> list[StoredAlert]:
        """Keep the alerts of one webhook, each in its incident; all are on disk when this returns.

        An alert known by fingerprint and start is updated, never kept twice; one that does not tell its
        start is the latest of its fingerprint that still fires. A new one joins the incident of a
        related alert that starts near it, or opens an incident.
        """
        if not notifications:
            return []
        with self._database.writing() as connection:
            grouping = Grouping(graph, _members(connection, notifications))
            ids = [_record_one(connection, each, grouping, at=at) for each in notifications]
            kept = {each: _alert(connection, each) for each in set(ids)}
            for incident in {each.incident for each in kept.values()}:
                _close_if_resolved(connection, incident, at=at)
        return [kept[each] for each in ids]

    def add_enrichments(self, made: Mapping[int, Enrichment], *, at: datetime) -> None:
        """Keep what could be said of alerts, by their ids; all of it is on disk when this returns."""
        if not made:
            return
        with self._database.writing() as connection:
            for alert, each in made.items():
                connection.execute(
                    update(alerts).where(alerts.c.id == alert).values(unenriched=each.unenriched)
                )
                if each.document is not None:
                    row = {
                        "alert": alert,
                        "made_ms": to_ms(at),
                        "document": each.document,
                        "cause": each.cause,
                        "probability": each.probability,
                    }
                    connection.execute(insert(rankings).values(row))

    def newest(self, *, limit: int, offset: int = 0) -> list[Incident]:
        """Return incidents, the latest opened first."""
        asked = _INCIDENTS.order_by(incidents.c.opened_ms.desc(), incidents.c.id.desc())
        with self._database.reading() as connection:
            rows = connection.execute(asked.limit(limit).offset(offset)).all()
            return [_incident(connection, row) for row in rows]

    def affected_since(self, since: datetime) -> list[AffectedPeriod]:
        """Return the items that incidents are or were about, of those open at ``since`` or later.

        An item is in trouble from the start of its alert, or of the incident that it is named the cause of.
        """
        is_near = incidents.c.closed_ms.is_(None) | (incidents.c.closed_ms >= to_ms(since))
        alerting = (
            select(alerts.c.item, alerts.c.starts_ms, incidents.c.closed_ms)
            .join(incidents, incidents.c.id == alerts.c.incident)
            .where(is_near)
        )
        named = (
            select(rankings.c.cause, incidents.c.opened_ms, incidents.c.closed_ms)
            .join(alerts, alerts.c.id == rankings.c.alert)
            .join(incidents, incidents.c.id == alerts.c.incident)
            .where(is_near, rankings.c.cause != "")
        )
        with self._database.reading() as connection:
            rows = [*connection.execute(alerting).all(), *connection.execute(named).all()]
        return [
            AffectedPeriod(item, from_ms(start), None if end is None else from_ms(end))
            for item, start, end in rows
        ]

    def count(self) -> int:
        """Return the number of incidents."""
        with self._database.reading() as connection:
            return connection.execute(select(func.count()).select_from(incidents)).scalar_one()

    def get(self, incident: int) -> Incident:
        """Return one incident.

        Raises
        ------
        UnknownIncidentError
            If the number was never given.
        """
        with self._database.reading() as connection:
            row = connection.execute(_INCIDENTS.where(incidents.c.id == incident)).first()
            if row is None:
                raise UnknownIncidentError(incident)
            return _incident(connection, row)

    def alerts_of(self, incident: int) -> list[StoredAlert]:
        """Return the alerts of an incident, the first to start first."""
        asked = select(alerts).where(alerts.c.incident == incident).order_by(alerts.c.starts_ms, alerts.c.id)
        with self._database.reading() as connection:
            return [_known(row) for row in connection.execute(asked)]

    def alert_of(self, fingerprint: str, starts_at: datetime) -> StoredAlert | None:
        """Return the alert of a fingerprint that began at an instant, if it is known."""
        asked = select(alerts).where(
            alerts.c.fingerprint == fingerprint, alerts.c.starts_ms == to_ms(starts_at)
        )
        with self._database.reading() as connection:
            row = connection.execute(asked).first()
        return None if row is None else _known(row)

    def ranking_of(self, incident: Incident) -> StoredRanking | None:
        """Return the ranking that speaks for an incident: its leader's, or else the newest there is."""
        return self.ranking_of_alert(incident.lead.id) or self._newest_ranking(
            rankings.c.alert.in_(select(alerts.c.id).where(alerts.c.incident == incident.id))
        )

    def ranking_of_alert(self, alert: int) -> StoredRanking | None:
        """Return the newest ranking made for an alert."""
        return self._newest_ranking(rankings.c.alert == alert)

    def _newest_ranking(self, condition: Any) -> StoredRanking | None:
        asked = select(rankings).where(condition).order_by(rankings.c.id.desc()).limit(1)
        with self._database.reading() as connection:
            row = connection.execute(asked).first()
        return None if row is None else StoredRanking(row.alert, from_ms(row.made_ms), row.document)


_INCIDENTS = select(
    incidents,
    select(func.count())
    .where(alerts.c.incident == incidents.c.id)
    .correlate(incidents)
    .scalar_subquery()
    .label("n_alerts"),
)


def _members(connection: Connection, notifications: Sequence[Notification]) -> Iterable[Member]:
    starts = [each.alert.starts_at for each in notifications]
    near = alerts.c.starts_ms.between(to_ms(min(starts) - TOGETHER), to_ms(max(starts) + TOGETHER))
    told = select(alerts.c.item, alerts.c.starts_ms, alerts.c.incident, alerts.c.fingerprint)
    return [
        Member(row.item, from_ms(row.starts_ms), row.incident, row.fingerprint)
        for row in connection.execute(told.where(near))
    ]


def _record_one(connection: Connection, told: Notification, grouping: Grouping, *, at: datetime) -> int:
    alert, at_ms, ends_ms = told.alert, to_ms(at), None if told.ends_at is None else to_ms(told.ends_at)
    known = connection.execute(_same_alert(told)).first()
    news = {
        "status": told.status,
        "ends_ms": ends_ms,
        "received_ms": at_ms,
        "severity": alert.severity,
        "labels": dict(alert.labels),
        "annotations": dict(alert.annotations),
    }
    if known is not None:
        again = {**news, "n_received": known.n_received + 1}
        connection.execute(update(alerts).where(alerts.c.id == known.id).values(again))
        return int(known.id)
    incident = grouping.incident_for(alert.item, alert.starts_at, fingerprint=alert.fingerprint)
    is_first = incident is None
    if incident is None:
        incident = _inserted(connection, insert(incidents).values(opened_ms=to_ms(alert.starts_at)))
    row = {
        **news,
        "incident": incident,
        "fingerprint": alert.fingerprint,
        "starts_ms": to_ms(alert.starts_at),
        "item": alert.item,
        "name": alert.name,
        "first_received_ms": at_ms,
        "n_received": 1,
        "unenriched": "",
    }
    number = _inserted(connection, insert(alerts).values(row))
    grouping.add(Member(alert.item, alert.starts_at, incident, alert.fingerprint))
    _settle(
        connection,
        incident,
        number,
        alert,
        is_leader=is_first or _takes_lead(connection, incident, alert, grouping),
    )
    return number


def _same_alert(told: Notification) -> Any:
    """Ask for the alert that a notification is about, if it is known."""
    asked = select(alerts.c.id, alerts.c.n_received).where(alerts.c.fingerprint == told.alert.fingerprint)
    if told.has_start:
        return asked.where(alerts.c.starts_ms == to_ms(told.alert.starts_at))
    if told.status == FIRING:  # one that was resolved fires anew; a resolution may be told twice
        asked = asked.where((alerts.c.status == FIRING) | (alerts.c.starts_ms == to_ms(told.alert.starts_at)))
    return asked.order_by(alerts.c.starts_ms.desc(), alerts.c.id.desc()).limit(1)


def _takes_lead(connection: Connection, incident: int, alert: Alert, grouping: Grouping) -> bool:
    asked = (
        select(alerts.c.item)
        .join_from(incidents, alerts, incidents.c.lead_alert == alerts.c.id)
        .where(incidents.c.id == incident)
    )
    return grouping.leads(alert.item, connection.execute(asked).scalar_one())


def _settle(connection: Connection, incident: int, number: int, alert: Alert, *, is_leader: bool) -> None:
    """Let an alert that joined move its incident's beginning, and lead it."""
    changed: dict[str, Any] = {"opened_ms": func.min(incidents.c.opened_ms, to_ms(alert.starts_at))}
    if is_leader:
        changed["lead_alert"] = number
    connection.execute(update(incidents).where(incidents.c.id == incident).values(changed))


def _close_if_resolved(connection: Connection, incident: int, *, at: datetime) -> None:
    rows = connection.execute(
        select(alerts.c.status, alerts.c.ends_ms).where(alerts.c.incident == incident)
    ).all()
    is_open = any(row.status == FIRING for row in rows)
    ends = [to_ms(at) if row.ends_ms is None else row.ends_ms for row in rows]
    closed_ms = None if is_open else max(ends)
    connection.execute(update(incidents).where(incidents.c.id == incident).values(closed_ms=closed_ms))


def _inserted(connection: Connection, statement: Any) -> int:
    key = connection.execute(statement).inserted_primary_key
    return 0 if key is None else int(key[0])


def _alert(connection: Connection, number: int) -> StoredAlert:
    return _known(connection.execute(select(alerts).where(alerts.c.id == number)).one())


def _known(row: Any) -> StoredAlert:
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


def _incident(connection: Connection, row: Any) -> Incident:
    told = select(rankings.c.cause, rankings.c.probability).order_by(rankings.c.id.desc()).limit(1)
    members = select(alerts.c.id).where(alerts.c.incident == row.id)
    top = (
        connection.execute(told.where(rankings.c.alert == row.lead_alert)).first()
        or connection.execute(told.where(rankings.c.alert.in_(members))).first()
    )
    return Incident(
        id=row.id,
        lead=_alert(connection, row.lead_alert),
        opened_at=from_ms(row.opened_ms),
        closed_at=None if row.closed_ms is None else from_ms(row.closed_ms),
        n_alerts=row.n_alerts,
        cause=top.cause if top else "",
        probability=top.probability if top else 0.0,
    )
