"""Alerts, the incidents they form, and the rankings made of them."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Connection, exists, func, insert, or_, select, true, update

from models.cases.case import Alert
from service.access.visibility import EVERYTHING
from service.errors import UnknownIncidentError
from service.incidents.ranking_document import StoredRankingDocument
from service.incidents.records import (
    FIRING,
    OWN_SOURCE,
    AffectedPeriod,
    Incident,
    Member,
    StoredAlert,
    StoredRanking,
)
from service.store.outbox import insert_messages
from service.store.seen import is_seen
from service.store.tables import alerts, incidents, outbox, rankings
from telemetry.instants import from_ms, to_ms

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from service.access.visibility import View
    from service.incidents.records import NewRanking, Notification
    from service.store.database import Database


IN_ONE_QUERY = 500
"""Numbers in one query: SQLite takes a bounded number of parameters."""


class IncidentChanges:
    """Changes to alerts and incidents, within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def members_between(self, start: datetime, end: datetime) -> list[Member]:
        """Return the alerts that began between two instants, both included, with their incidents."""
        asked = select(alerts.c.item, alerts.c.starts_ms, alerts.c.incident, alerts.c.fingerprint).where(
            alerts.c.starts_ms.between(to_ms(start), to_ms(end))
        )
        return [
            Member(row.item, from_ms(row.starts_ms), row.incident, row.fingerprint)
            for row in self._connection.execute(asked)
        ]

    def find(self, notification: Notification) -> int | None:
        """Return the number of the alert that a notification is about, if it is known."""
        alert, asked = notification.alert, select(alerts.c.id)
        asked = asked.where(alerts.c.fingerprint == alert.fingerprint)
        if notification.has_start:
            asked = asked.where(alerts.c.starts_ms == to_ms(alert.starts_at))
        elif notification.status == FIRING:  # a resolved one fires anew; a resolution may be sent twice
            asked = asked.where((alerts.c.status == FIRING) | (alerts.c.starts_ms == to_ms(alert.starts_at)))
        asked = asked.order_by(alerts.c.starts_ms.desc(), alerts.c.id.desc()).limit(1)
        return self._connection.execute(asked).scalar()

    def update_alert(self, number: int, notification: Notification, *, at: datetime) -> None:
        """Replace what a known alert says by a newer notification."""
        values = {**_news(notification, at=at), "n_received": alerts.c.n_received + 1}
        self._connection.execute(update(alerts).where(alerts.c.id == number).values(values))

    def add_alert(self, notification: Notification, incident: int, *, at: datetime) -> int:
        """Store a new alert in an incident, and return its number."""
        alert = notification.alert
        row = {
            **_news(notification, at=at),
            "incident": incident,
            "fingerprint": alert.fingerprint,
            "starts_ms": to_ms(alert.starts_at),
            "item": alert.item,
            "name": alert.name,
            "first_received_ms": to_ms(at),
            "n_received": 1,
            "unenriched": "",
        }
        return _inserted(self._connection, insert(alerts).values(row))

    def open_incident(self, opened_at: datetime) -> int:
        """Open an incident without an alert, and return its number."""
        return _inserted(self._connection, insert(incidents).values(opened_ms=to_ms(opened_at)))

    def lead_item(self, incident: int) -> str:
        """Return the item of the alert that leads an incident."""
        asked = (
            select(alerts.c.item)
            .join_from(incidents, alerts, incidents.c.lead_alert == alerts.c.id)
            .where(incidents.c.id == incident)
        )
        return str(self._connection.execute(asked).scalar_one())

    def join(self, incident: int, number: int, starts_at: datetime, *, leads: bool) -> None:
        """Let an alert that joined move its incident's beginning, and lead it where it sees furthest."""
        changed: dict[str, Any] = {"opened_ms": func.min(incidents.c.opened_ms, to_ms(starts_at))}
        if leads:
            changed["lead_alert"] = number
        self._connection.execute(update(incidents).where(incidents.c.id == incident).values(changed))

    def alert(self, number: int) -> StoredAlert:
        """Return one alert."""
        return _alert(self._connection, number)

    def alerts_of(self, incident: int) -> list[StoredAlert]:
        """Return the alerts of an incident, the first to start first."""
        return _alerts_of(self._connection, incident)

    def close(self, incident: int, closed_at: datetime | None) -> None:
        """Close an incident, or with ``None`` leave it open or open it again."""
        closed_ms = None if closed_at is None else to_ms(closed_at)
        self._connection.execute(
            update(incidents).where(incidents.c.id == incident).values(closed_ms=closed_ms)
        )


class IncidentStore:
    """All incidents."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @contextmanager
    def changing(self) -> Iterator[IncidentChanges]:
        """Open a transaction: its changes are on disk when the block ends, or none of them is made."""
        with self._database.writing() as connection:
            yield IncidentChanges(connection)

    def add_rankings(
        self,
        made: Iterable[NewRanking],
        *,
        unenriched: Mapping[int, str],
        messages: Sequence[Mapping[str, object]] = (),
        at: datetime,
    ) -> None:
        """Store rankings, and the messages that announce them; all or nothing is on disk when this returns.

        Parameters
        ----------
        made
            One that confirms a stored ranking replaces it, under its first time and reason.
        unenriched
            By alert, why it could not be ranked; empty text for one that could.
        messages
            Documents for the outbox.
        """
        with self._database.writing() as connection:
            for alert, reason in unenriched.items():
                connection.execute(update(alerts).where(alerts.c.id == alert).values(unenriched=reason))
            for each in made:
                first = each.document.first
                row: dict[str, Any] = {
                    "as_of_ms": to_ms(each.document.ranked_at),
                    "document": each.document.model_dump(mode="json"),
                    "cause": "" if first is None else first.item,
                    "probability": 0.0 if first is None else first.probability or 0.0,
                }
                if each.confirms is not None:
                    connection.execute(update(rankings).where(rankings.c.id == each.confirms).values(row))
                    continue
                row |= {"alert": each.alert, "made_ms": row["as_of_ms"], "reason": each.reason}
                row |= {"speaks": each.speaks}
                connection.execute(insert(rankings).values({**row, "changed": list(each.changed)}))
            insert_messages(connection, messages, at=at)

    def newest(self, *, limit: int, offset: int = 0, view: View = EVERYTHING) -> list[Incident]:
        """Return incidents that a view shows, the latest opened first."""
        asked = _INCIDENTS.order_by(incidents.c.opened_ms.desc(), incidents.c.id.desc()).where(_shown(view))
        with self._database.reading() as connection:
            rows = connection.execute(asked.limit(limit).offset(offset)).all()
            return [_incident(connection, row) for row in rows]

    def affected_since(self, since: datetime) -> list[AffectedPeriod]:
        """Return the items that incidents are or were about, of those open at ``since`` or later.

        An item is affected from the start of its alert, or of the incident that it is named the cause of.
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

    def open_since(self, since: datetime, *, limit: int) -> list[Incident]:
        """Return incidents that are open and began at an instant or later, the latest first."""
        asked = _INCIDENTS.where(incidents.c.closed_ms.is_(None), incidents.c.opened_ms >= to_ms(since))
        asked = asked.order_by(incidents.c.opened_ms.desc(), incidents.c.id.desc()).limit(limit)
        with self._database.reading() as connection:
            return [_incident(connection, row) for row in connection.execute(asked).all()]

    def count(self, view: View = EVERYTHING) -> int:
        """Return the number of incidents that a view shows."""
        asked = select(func.count()).select_from(incidents).where(_shown(view))
        with self._database.reading() as connection:
            return connection.execute(asked).scalar_one()

    def items_of(self, incident: int) -> frozenset[str]:
        """Return the items that an incident is about: those of its alerts, and those ever named its cause.

        Raises
        ------
        UnknownIncidentError
            If the number was never given.
        """
        own = alerts.c.incident == incident
        named = select(rankings.c.cause).join(alerts, alerts.c.id == rankings.c.alert)
        with self._database.reading() as connection:
            items = set(connection.execute(select(alerts.c.item).where(own)).scalars())
            items |= set(connection.execute(named.where(own, rankings.c.cause != "")).scalars())
        if not items:
            raise UnknownIncidentError(incident)
        return frozenset(items)

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

    def leads_of(self, numbers: Collection[int]) -> list[tuple[int, int, bool]]:
        """Return each incident's number, the number of the alert that leads it, and whether it is closed."""
        asked, ordered = (
            select(incidents.c.id, incidents.c.lead_alert, incidents.c.closed_ms),
            sorted(numbers),
        )
        with self._database.reading() as connection:
            return [
                (row.id, row.lead_alert, row.closed_ms is not None)
                for some in (ordered[at : at + IN_ONE_QUERY] for at in range(0, len(ordered), IN_ONE_QUERY))
                for row in connection.execute(asked.where(incidents.c.id.in_(some)))
            ]

    def alerts_of(self, incident: int) -> list[StoredAlert]:
        """Return the alerts of an incident, the first to start first."""
        with self._database.reading() as connection:
            return _alerts_of(connection, incident)

    def alert_of(self, fingerprint: str, starts_at: datetime) -> StoredAlert | None:
        """Return the alert of a fingerprint that began at an instant, if it is known."""
        asked = select(alerts).where(
            alerts.c.fingerprint == fingerprint, alerts.c.starts_ms == to_ms(starts_at)
        )
        with self._database.reading() as connection:
            row = connection.execute(asked).first()
        return None if row is None else _known(row)

    def firing_since(self, fingerprint: str) -> datetime | None:
        """Return when the latest alert of a fingerprint began that still fires; ``None`` if none does."""
        is_firing = alerts.c.fingerprint == fingerprint, alerts.c.status == FIRING
        with self._database.reading() as connection:
            start_ms = connection.execute(select(func.max(alerts.c.starts_ms)).where(*is_firing)).scalar()
        return None if start_ms is None else from_ms(start_ms)

    def ranking_of(self, incident: Incident) -> StoredRanking | None:
        """Return the ranking that speaks for an incident: its leader's, or else the newest there is."""
        return self.ranking_of_alert(incident.lead.id) or self._newest_ranking(
            rankings.c.alert.in_(select(alerts.c.id).where(alerts.c.incident == incident.id))
        )

    def ranking_of_alert(self, alert: int) -> StoredRanking | None:
        """Return the newest ranking made for an alert."""
        return self._newest_ranking(rankings.c.alert == alert)

    def count_announced(self, incident: int) -> int:
        """Return the number of an incident's rankings for which a message was stored."""
        of_incident = outbox.c.document["incident"].as_integer() == incident
        is_ranking = outbox.c.document["kind"].as_string() == "ranking"
        asked = select(func.count()).select_from(outbox).where(is_ranking, of_incident)
        with self._database.reading() as connection:
            return connection.execute(asked).scalar_one()

    def rankings_of(self, incident: int, *, limit: int = 100) -> list[StoredRanking]:
        """Return the rankings that spoke for an incident when they were made, newest first."""
        members = select(alerts.c.id).where(alerts.c.incident == incident)
        asked = select(rankings).where(rankings.c.alert.in_(members), rankings.c.speaks)
        asked = asked.order_by(rankings.c.made_ms.desc(), rankings.c.id.desc())
        with self._database.reading() as connection:
            return [_ranking(row) for row in connection.execute(asked.limit(limit))]

    def _newest_ranking(self, condition: Any) -> StoredRanking | None:
        asked = select(rankings).where(condition).order_by(rankings.c.id.desc()).limit(1)
        with self._database.reading() as connection:
            row = connection.execute(asked).first()
        return None if row is None else _ranking(row)


_INCIDENTS = select(
    incidents,
    select(func.count())
    .where(alerts.c.incident == incidents.c.id)
    .correlate(incidents)
    .scalar_subquery()
    .label("n_alerts"),
)


def _shown(view: View) -> ColumnElement[bool]:
    """Whether a view shows one of the items that an incident is about, as `IncidentStore.items_of` has it."""
    if not view.is_limited:
        return true()
    own = alerts.c.incident == incidents.c.id
    caused = exists().where(own, rankings.c.alert == alerts.c.id, rankings.c.cause != "")
    return or_(
        exists().where(own, is_seen(alerts.c.item, view)), caused.where(is_seen(rankings.c.cause, view))
    )


def _news(notification: Notification, *, at: datetime) -> dict[str, Any]:
    """What a notification says of its alert that may change with the next one."""
    alert, ends_at = notification.alert, notification.ends_at
    return {
        "status": notification.status,
        "ends_ms": None if ends_at is None else to_ms(ends_at),
        "received_ms": to_ms(at),
        "severity": alert.severity,
        "labels": dict(alert.labels),
        "annotations": dict(alert.annotations),
    }


def _inserted(connection: Connection, statement: Any) -> int:
    key = connection.execute(statement).inserted_primary_key
    return 0 if key is None else int(key[0])


def _alert(connection: Connection, number: int) -> StoredAlert:
    return _known(connection.execute(select(alerts).where(alerts.c.id == number)).one())


def _alerts_of(connection: Connection, incident: int) -> list[StoredAlert]:
    asked = select(alerts).where(alerts.c.incident == incident).order_by(alerts.c.starts_ms, alerts.c.id)
    return [_known(row) for row in connection.execute(asked)]


def _ranking(row: Any) -> StoredRanking:
    return StoredRanking(
        row.id,
        row.alert,
        from_ms(row.made_ms),
        from_ms(row.as_of_ms),
        row.reason,
        tuple(row.changed),
        StoredRankingDocument.model_validate(row.document),
    )


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
    newest = select(rankings.c.cause, rankings.c.probability).order_by(rankings.c.id.desc()).limit(1)
    members = select(alerts.c.id).where(alerts.c.incident == row.id)
    top = (
        connection.execute(newest.where(rankings.c.alert == row.lead_alert)).first()
        or connection.execute(newest.where(rankings.c.alert.in_(members))).first()
    )
    lead = _alert(connection, row.lead_alert)
    return Incident(
        id=row.id,
        lead=lead,
        titled_by=lead if not lead.is_own else _first_of_a_person(connection, row.id) or lead,
        opened_at=from_ms(row.opened_ms),
        closed_at=None if row.closed_ms is None else from_ms(row.closed_ms),
        n_alerts=row.n_alerts,
        cause=top.cause if top else "",
        probability=top.probability if top else 0.0,
    )


def _first_of_a_person(connection: Connection, incident: int) -> StoredAlert | None:
    """Return the first alert of an incident that Sunspot did not raise itself."""
    source = func.coalesce(alerts.c.labels["source"].as_string(), "")
    asked = select(alerts).where(alerts.c.incident == incident, source != OWN_SOURCE)
    row = connection.execute(asked.order_by(alerts.c.starts_ms, alerts.c.id).limit(1)).first()
    return None if row is None else _known(row)
