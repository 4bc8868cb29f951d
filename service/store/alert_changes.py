"""Changes to alerts and incidents within one transaction: looked up singly, written together at its end."""

from __future__ import annotations

import json
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, case, func, insert, select, update

from service.incidents.records import FIRING, RESOLVED
from service.store.incident_rows import alert_of_row
from service.store.nearest_alerts import nearest_of_fingerprint, nearest_of_items
from service.store.tables import alerts, incidents
from telemetry.instants import to_ms

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import datetime, timedelta

    from sqlalchemy import Connection

    from service.incidents.records import Notification, StoredAlert
    from service.store.nearest_alerts import Nearest

KNOWN = """
SELECT alerts.id, alerts.incident, alerts.fingerprint, alerts.starts_ms
FROM json_each(:keys) AS asked
CROSS JOIN alerts
    ON alerts.fingerprint = json_extract(asked.value, '$[0]')
    AND alerts.starts_ms = json_extract(asked.value, '$[1]')
"""
LISTED = select(alerts).where(
    alerts.c.id.in_(select(func.json_each(bindparam("numbers")).table_valued("value").c.value))
)
OPENED, ADDED = insert(incidents), insert(alerts)
ENDED = (alerts.c.status == RESOLVED) & (bindparam("new_status") == FIRING)
"""An alert that fires anew starts anew: a firing that comes after its own resolution was only late."""
UPDATED = (
    update(alerts)
    .where(alerts.c.id == bindparam("number"))
    .values({each: bindparam(f"new_{each}") for each in ("received_ms", "severity")})
    .values(
        {
            each: case((ENDED, alerts.c[each]), else_=bindparam(f"new_{each}"))
            for each in ("status", "ends_ms")
        }
    )
    .values({each: bindparam(f"new_{each}", type_=alerts.c[each].type) for each in ("labels", "annotations")})
    .values(n_received=alerts.c.n_received + 1)
)
JOINED = (
    update(incidents)
    .where(incidents.c.id == bindparam("number"))
    .values(
        opened_ms=func.min(incidents.c.opened_ms, bindparam("earliest_ms")),
        n_alerts=incidents.c.n_alerts + bindparam("n_new"),
        lead_alert=func.coalesce(bindparam("leader"), incidents.c.lead_alert),
    )
)
CLOSED = """
UPDATE incidents SET closed_ms = CASE
    WHEN EXISTS (SELECT 1 FROM alerts WHERE incident = incidents.id AND status = 'firing') THEN NULL
    ELSE max(
        coalesce((SELECT max(ends_ms) FROM alerts WHERE incident = incidents.id AND status = 'resolved'), 0),
        CASE WHEN EXISTS (SELECT 1 FROM alerts
                          WHERE incident = incidents.id AND status = 'resolved' AND ends_ms IS NULL)
             THEN :at ELSE 0 END
    ) END
WHERE id IN (SELECT value FROM json_each(:numbers))
"""


@dataclass
class _Joining:
    """What alerts that join an incident change about it."""

    opened_ms: int
    is_new: bool = False
    n_new: int = 0
    leader: int | None = None


class AlertChanges:
    """Changes to alerts and incidents, within one transaction.

    Parameters
    ----------
    at
        When the alerts were received.
    """

    def __init__(self, connection: Connection, *, at: datetime) -> None:
        self._connection = connection
        self._at_ms = to_ms(at)
        self._by_key: dict[tuple[str, int], int] = {}
        self._incident_of: dict[int, int] = {}
        self._lead_items: dict[int, str] = {}
        self._new: dict[int, dict[str, Any]] = {}
        self._fingerprints: set[str] = set()
        self._updates: list[dict[str, Any]] = []
        self._joining: dict[int, _Joining] = {}
        self._touched: set[int] = set()
        self._added: dict[int, dict[str, Any]] = {}
        given = connection.exec_driver_sql("SELECT name, seq FROM sqlite_sequence")
        self._last: dict[str, int] = {"alerts": 0, "incidents": 0, **{row.name: row.seq for row in given}}

    def look_up(self, notifications: Iterable[Notification]) -> None:
        """Find out at once which of the alerts of some notifications are known."""
        keys = [[each.alert.fingerprint, to_ms(each.alert.starts_at)] for each in notifications]
        for row in self._connection.exec_driver_sql(KNOWN, {"keys": json.dumps(keys)}):
            self._by_key[row.fingerprint, row.starts_ms] = row.id
            self._incident_of[row.id] = row.incident

    def find(self, notification: Notification) -> int | None:
        """Return the number of the alert that a notification is about, if it is known.

        One without a start is about the latest of its fingerprint, and while it fires about one that does.
        """
        alert = notification.alert
        if notification.has_start:
            return self._by_key.get((alert.fingerprint, to_ms(alert.starts_at)))
        if alert.fingerprint in self._fingerprints:
            self._write()
        asked = select(alerts.c.id, alerts.c.incident).where(alerts.c.fingerprint == alert.fingerprint)
        if notification.status == FIRING:  # a resolved one fires anew; a resolution may be sent twice
            asked = asked.where((alerts.c.status == FIRING) | (alerts.c.starts_ms == to_ms(alert.starts_at)))
        asked = asked.order_by(alerts.c.starts_ms.desc(), alerts.c.id.desc()).limit(1)
        row = self._connection.execute(asked).first()
        if row is None:
            return None
        self._incident_of[row.id] = row.incident
        return int(row.id)

    def nearest(
        self, items: Collection[str], fingerprint: str, starts_at: datetime, *, within: timedelta
    ) -> Nearest | None:
        """Return the stored alert of some items that starts nearest; without items, of a fingerprint."""
        at_ms, within_ms = to_ms(starts_at), round(within.total_seconds() * 1000)
        if not items:
            return nearest_of_fingerprint(self._connection, fingerprint, at_ms, within_ms=within_ms)
        return nearest_of_items(self._connection, items, at_ms, within_ms=within_ms)

    def update_alert(self, number: int, notification: Notification) -> None:
        """Replace what a known alert says by a newer notification."""
        if number in self._new:
            self._write()
        news = {f"new_{name}": value for name, value in self._news(notification).items()}
        self._updates.append({"number": number, **news})
        self._added.pop(number, None)
        self._fingerprints.add(notification.alert.fingerprint)
        self._touched.add(self._incident_of[number])

    def open_incident(self, opened_at: datetime) -> int:
        """Open an incident without an alert, and return its number."""
        number = self._next("incidents")
        self._joining[number] = _Joining(to_ms(opened_at), is_new=True)
        return number

    def lead_item(self, incident: int) -> str:
        """Return the item of the alert that leads an incident."""
        if incident not in self._lead_items:
            asked = (
                select(alerts.c.item)
                .join_from(incidents, alerts, incidents.c.lead_alert == alerts.c.id)
                .where(incidents.c.id == incident)
            )
            self._lead_items[incident] = str(self._connection.execute(asked).scalar_one())
        return self._lead_items[incident]

    def add_alert(self, notification: Notification, incident: int, *, leads: bool, unenriched: str) -> int:
        """Store a new alert in an incident, and return its number.

        Parameters
        ----------
        leads
            Whether it leads the incident from now on: it sees furthest.
        unenriched
            Why it is not ranked; empty if it may be.
        """
        alert, number = notification.alert, self._next("alerts")
        starts_ms = to_ms(alert.starts_at)
        self._new[number] = self._added[number] = {
            **self._news(notification),
            "id": number,
            "incident": incident,
            "fingerprint": alert.fingerprint,
            "starts_ms": starts_ms,
            "item": alert.item,
            "name": alert.name,
            "first_received_ms": self._at_ms,
            "n_received": 1,
            "unenriched": unenriched,
        }
        self._by_key[alert.fingerprint, starts_ms] = number
        self._incident_of[number] = incident
        self._fingerprints.add(alert.fingerprint)
        joining = self._joining.setdefault(incident, _Joining(starts_ms))
        if not joining.is_new or notification.status != FIRING:
            self._touched.add(incident)
        joining.opened_ms = min(joining.opened_ms, starts_ms)
        joining.n_new += 1
        if leads:
            joining.leader = number
            self._lead_items[incident] = alert.item
        return number

    def finish(self, numbers: Collection[int]) -> Mapping[int, StoredAlert]:
        """Write everything, close or open the incidents whose alerts changed, and return some alerts.

        An incident closes with the last end of its alerts once none fires; the time of receipt stands in
        for an end that no sender gave.
        """
        self._write()
        if self._touched:
            touched = json.dumps(sorted(self._touched))
            self._connection.exec_driver_sql(CLOSED, {"numbers": touched, "at": self._at_ms})
        known = {each: alert_of_row(SimpleNamespace(**row)) for each, row in self._added.items()}
        others = [each for each in numbers if each not in known]
        if others:
            rows = self._connection.execute(LISTED, {"numbers": json.dumps(others)})
            known |= {row.id: alert_of_row(row) for row in rows}
        return known

    def _write(self) -> None:
        """Write what is pending, so that statements see it."""
        opened = [(number, each) for number, each in self._joining.items() if each.is_new]
        self._execute(
            OPENED,
            [
                {
                    "id": number,
                    "opened_ms": each.opened_ms,
                    "lead_alert": each.leader,
                    "n_alerts": each.n_new,
                }
                for number, each in opened
            ],
        )
        self._execute(ADDED, list(self._new.values()))
        self._execute(UPDATED, self._updates)
        self._execute(
            JOINED,
            [
                {
                    "number": number,
                    "earliest_ms": each.opened_ms,
                    "n_new": each.n_new,
                    "leader": each.leader,
                }
                for number, each in self._joining.items()
                if not each.is_new
            ],
        )
        self._new, self._updates, self._joining = {}, [], {}
        self._fingerprints = set()

    def _execute(self, statement: Any, rows: Sequence[Mapping[str, Any]]) -> None:
        if rows:
            self._connection.execute(statement, rows)

    def _news(self, notification: Notification) -> dict[str, Any]:
        """What a notification says of its alert that may change with the next one."""
        alert, ends_at = notification.alert, notification.ends_at
        return {
            "status": notification.status,
            "ends_ms": None if ends_at is None else to_ms(ends_at),
            "received_ms": self._at_ms,
            "severity": alert.severity,
            "labels": dict(alert.labels),
            "annotations": dict(alert.annotations),
        }

    def _next(self, table: str) -> int:
        """Return a number that was never given: the transaction is the only writer."""
        self._last[table] += 1
        return self._last[table]
