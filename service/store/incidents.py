"""Alerts, the incidents they form, and the rankings made of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import ColumnElement, Connection, exists, func, insert, or_, select, true, tuple_, update

from service.access.visibility import EVERYTHING
from service.errors import UnknownIncidentError
from service.incidents.records import FIRING, AffectedPeriod
from service.store.alert_changes import AlertChanges
from service.store.incident_rows import alert_of_row, incident_of_row, ranking_of_row
from service.store.outbox import insert_messages
from service.store.seen import is_seen
from service.store.tables import alerts, incidents, rankings
from telemetry.instants import from_ms, to_ms

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from datetime import datetime

    from models.cases.case import Alert
    from service.access.visibility import View
    from service.incidents.records import Incident, NewRanking, Place, StoredAlert, StoredRanking
    from service.store.database import Database

Result = TypeVar("Result")

IN_ONE_QUERY = 500
"""Numbers in one query: SQLite takes a bounded number of parameters."""


class IncidentStore:
    """All incidents."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def change(self, work: Callable[[AlertChanges], Result], *, at: datetime) -> Result:
        """Change alerts in a short transaction; all is on disk when this returns, or nothing.

        Parameters
        ----------
        at
            When the alerts were received.
        """
        return self._database.write(lambda connection: work(AlertChanges(connection, at=at)))

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
        made = list(made)

        def store(connection: Connection) -> None:
            for alert, reason in unenriched.items():
                connection.execute(update(alerts).where(alerts.c.id == alert).values(unenriched=reason))
            for each in made:
                first = each.document.first
                row: dict[str, Any] = {
                    "as_of_ms": to_ms(each.document.ranked_at),
                    "document": each.document.model_dump(mode="json"),
                    "graph_version": each.document.graph_version,
                    "cause": "" if first is None else first.item,
                    "probability": 0.0 if first is None else first.probability or 0.0,
                }
                if each.confirms is not None:
                    connection.execute(update(rankings).where(rankings.c.id == each.confirms).values(row))
                    continue
                row |= {"alert": each.alert, "made_ms": row["as_of_ms"], "reason": each.reason}
                row |= {"incident": each.incident, "speaks": each.speaks}
                connection.execute(insert(rankings).values({**row, "changed": list(each.changed)}))
            insert_messages(connection, messages, at=at)
            for message in messages:
                announced = incidents.c.id == message["incident"]
                counted = {"n_announced": incidents.c.n_announced + 1}
                connection.execute(update(incidents).where(announced).values(counted))

        self._database.write(store)

    def newest(
        self, *, limit: int, offset: int = 0, after: Place | None = None, view: View = EVERYTHING
    ) -> list[Incident]:
        """Return incidents that a view shows, the latest opened first.

        Parameters
        ----------
        after
            The place of the last incident that is not wanted: unlike an offset it stays right while others
            are opened.
        """
        asked = select(incidents).where(_shown(view))
        asked = asked.order_by(incidents.c.opened_ms.desc(), incidents.c.id.desc())
        if after is not None:
            asked = asked.where(tuple_(incidents.c.opened_ms, incidents.c.id) < tuple_(*after))
        with self._database.reading() as connection:
            rows = connection.execute(asked.limit(limit).offset(offset)).all()
            return [incident_of_row(connection, row) for row in rows]

    def affected_since(self, since: datetime) -> list[AffectedPeriod]:
        """Return the items that incidents are or were about, of those open at ``since`` or later.

        An item is affected from the start of its alert, or of the incident that it is named the cause of.
        """
        is_near = incidents.c.closed_ms.is_(None) | (incidents.c.closed_ms >= to_ms(since))
        alerting = (
            select(alerts.c.item, func.min(alerts.c.starts_ms), incidents.c.closed_ms)
            .join(incidents, incidents.c.id == alerts.c.incident)
            .where(is_near)
            .group_by(incidents.c.id, alerts.c.item)
        )
        named = (
            select(rankings.c.cause, incidents.c.opened_ms, incidents.c.closed_ms)
            .join(incidents, incidents.c.id == rankings.c.incident)
            .where(is_near, rankings.c.cause != "")
            .distinct()
        )
        with self._database.reading() as connection:
            rows = [*connection.execute(alerting).all(), *connection.execute(named).all()]
        return [
            AffectedPeriod(item, from_ms(start), None if end is None else from_ms(end))
            for item, start, end in rows
        ]

    def open_since(self, since: datetime, *, limit: int) -> list[Incident]:
        """Return incidents that are open and began at an instant or later, the latest first."""
        asked = select(incidents).where(
            incidents.c.closed_ms.is_(None), incidents.c.opened_ms >= to_ms(since)
        )
        asked = asked.order_by(incidents.c.opened_ms.desc(), incidents.c.id.desc()).limit(limit)
        with self._database.reading() as connection:
            return [incident_of_row(connection, row) for row in connection.execute(asked).all()]

    def closed_unranked(self, since: datetime) -> list[tuple[int, str]]:
        """Return the incidents that closed at an instant or later and were not ranked since they did.

        Returns
        -------
        The number of each, and the item of the alert that leads it.
        """
        own = alerts.c.incident == incidents.c.id
        last_word = select(func.max(alerts.c.received_ms)).where(own).correlate(incidents).scalar_subquery()
        ranked = rankings.c.incident == incidents.c.id, rankings.c.as_of_ms >= last_word
        leader = alerts.alias()
        asked = (
            select(incidents.c.id, leader.c.item)
            .join(leader, leader.c.id == incidents.c.lead_alert)
            .where(incidents.c.closed_ms >= to_ms(since), ~exists().where(*ranked))
            .order_by(incidents.c.closed_ms, incidents.c.id)
        )
        with self._database.reading() as connection:
            return [(row.id, row.item) for row in connection.execute(asked)]

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
        named = select(rankings.c.cause).where(rankings.c.incident == incident, rankings.c.cause != "")
        with self._database.reading() as connection:
            items = set(connection.execute(select(alerts.c.item).where(own)).scalars())
            items |= set(connection.execute(named).scalars())
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
            row = connection.execute(select(incidents).where(incidents.c.id == incident)).first()
            if row is None:
                raise UnknownIncidentError(incident)
            return incident_of_row(connection, row)

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

    def alerts_of(
        self, incident: int, *, limit: int = 1_000, after: Place | None = None
    ) -> list[StoredAlert]:
        """Return alerts of an incident, the first to start first.

        Parameters
        ----------
        after
            The place of the last alert that is not wanted; by default they begin with the first.
        """
        asked = select(alerts).where(alerts.c.incident == incident).order_by(alerts.c.starts_ms, alerts.c.id)
        if after is not None:
            asked = asked.where(tuple_(alerts.c.starts_ms, alerts.c.id) > tuple_(*after))
        with self._database.reading() as connection:
            return [alert_of_row(row) for row in connection.execute(asked.limit(limit))]

    def alert(self, number: int) -> StoredAlert | None:
        """Return the alert of a number, if there is one."""
        with self._database.reading() as connection:
            row = connection.execute(select(alerts).where(alerts.c.id == number)).first()
        return None if row is None else alert_of_row(row)

    def firing_of(self, incident: int, *, but: int, limit: int) -> list[Alert]:
        """Return alerts of an incident that fire, the first to start first, without one of them."""
        asked = select(alerts).where(alerts.c.incident == incident, alerts.c.status == FIRING)
        asked = asked.where(alerts.c.id != but).order_by(alerts.c.starts_ms, alerts.c.id).limit(limit)
        with self._database.reading() as connection:
            return [alert_of_row(row).alert for row in connection.execute(asked)]

    def alert_of(self, fingerprint: str, starts_at: datetime) -> StoredAlert | None:
        """Return the alert of a fingerprint that began at an instant, if it is known."""
        asked = select(alerts).where(
            alerts.c.fingerprint == fingerprint, alerts.c.starts_ms == to_ms(starts_at)
        )
        with self._database.reading() as connection:
            row = connection.execute(asked).first()
        return None if row is None else alert_of_row(row)

    def firing_since(self, fingerprint: str) -> datetime | None:
        """Return when the latest alert of a fingerprint began that still fires; ``None`` if none does."""
        is_firing = alerts.c.fingerprint == fingerprint, alerts.c.status == FIRING
        with self._database.reading() as connection:
            start_ms = connection.execute(select(func.max(alerts.c.starts_ms)).where(*is_firing)).scalar()
        return None if start_ms is None else from_ms(start_ms)

    def ranking_of(self, incident: Incident) -> StoredRanking | None:
        """Return the ranking that speaks for an incident: its leader's, or else the newest there is."""
        return self.ranking_of_alert(incident.lead.id) or self._newest_ranking(
            rankings.c.incident == incident.id
        )

    def ranking_of_alert(self, alert: int) -> StoredRanking | None:
        """Return the newest ranking made for an alert."""
        return self._newest_ranking(rankings.c.alert == alert)

    def count_announced(self, incident: int) -> int:
        """Return the number of an incident's rankings for which a message was stored."""
        asked = select(incidents.c.n_announced).where(incidents.c.id == incident)
        with self._database.reading() as connection:
            return int(connection.execute(asked).scalar_one())

    def rankings_of(self, incident: int, *, limit: int = 100) -> list[StoredRanking]:
        """Return the rankings that spoke for an incident when they were made, newest first."""
        asked = select(rankings).where(rankings.c.incident == incident, rankings.c.speaks)
        asked = asked.order_by(rankings.c.made_ms.desc(), rankings.c.id.desc())
        with self._database.reading() as connection:
            return [ranking_of_row(row) for row in connection.execute(asked.limit(limit))]

    def _newest_ranking(self, condition: Any) -> StoredRanking | None:
        asked = select(rankings).where(condition).order_by(rankings.c.id.desc()).limit(1)
        with self._database.reading() as connection:
            row = connection.execute(asked).first()
        return None if row is None else ranking_of_row(row)


def _shown(view: View) -> ColumnElement[bool]:
    """Whether a view shows one of the items that an incident is about, as `IncidentStore.items_of` has it."""
    if not view.is_limited:
        return true()
    own = alerts.c.incident == incidents.c.id
    caused = exists().where(rankings.c.incident == incidents.c.id, rankings.c.cause != "")
    return or_(
        exists().where(own, is_seen(alerts.c.item, view)), caused.where(is_seen(rankings.c.cause, view))
    )
