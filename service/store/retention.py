"""What is old removed from the store, a little in each transaction, so that no writer waits for long."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from telemetry.instants import from_ms, to_ms

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from service.store.database import Database

AT_ONCE = 500
"""Rows that one transaction removes."""

OLD = """
closed_ms < :before AND NOT EXISTS (
    SELECT 1 FROM audit WHERE action = 'verdict' AND subject = CAST(incidents.id AS TEXT)
)
"""
OLD_INCIDENT = f"SELECT id, lead_alert FROM incidents WHERE {OLD} ORDER BY closed_ms, id LIMIT 1"  # noqa: S608
SOME_ALERTS = "SELECT id FROM alerts WHERE incident = :incident AND id IS NOT :but LIMIT :limit"
OLD_RANKINGS = f"""
DELETE FROM rankings WHERE id IN (
    SELECT rankings.id FROM incidents JOIN rankings ON rankings.incident = incidents.id
    WHERE {OLD} AND rankings.as_of_ms < :before
    AND rankings.id IS NOT (SELECT max(id) FROM rankings WHERE alert = incidents.lead_alert)
    AND rankings.id IS NOT (SELECT max(id) FROM rankings WHERE incident = incidents.id)
    LIMIT :limit
)
"""  # noqa: S608
OLD_GRAPH = """
SELECT version FROM graphs
WHERE (SELECT max(imported_ms) FROM graph_imports WHERE version = graphs.version) < :before
AND version IS NOT (SELECT version FROM graph_imports ORDER BY position DESC LIMIT 1)
AND NOT EXISTS (SELECT 1 FROM rankings WHERE graph_version = graphs.version)
LIMIT 1
"""
OLD_MESSAGES = """
DELETE FROM outbox WHERE id IN (
    SELECT id FROM outbox WHERE due_ms < :before AND (sent_ms < :before OR dead_ms < :before) LIMIT :limit
)
"""


@dataclass
class Removed:
    """How much was removed."""

    n_incidents: int = 0
    n_alerts: int = 0
    n_rankings: int = 0
    n_graphs: int = 0
    n_messages: int = 0


class RetentionStore:
    """Removes what is old. An incident that is open or has a verdict stays, and so does the current graph."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def newest_alert(self) -> datetime | None:
        """Return when the alert that starts last does, by its sender's clock; ``None`` without alerts."""
        with self._database.reading() as connection:
            newest_ms = connection.exec_driver_sql("SELECT max(starts_ms) FROM alerts").scalar()
        return None if newest_ms is None else from_ms(newest_ms)

    def remove_incidents(self, before: datetime, *, limit: int) -> Removed:
        """Remove incidents that closed before an instant, the oldest first, with all that belongs to them.

        Parameters
        ----------
        limit
            Alerts after which no further ones are removed; an incident may be left with fewer of them.
        """
        removed = Removed()
        while removed.n_alerts < limit and self._database.write(partial(_remove_part, before, removed)):
            pass
        return removed

    def remove_rankings(self, before: datetime, *, limit: int) -> int:
        """Remove answers from before an instant, but the last of each incident; return how many.

        They are removed from incidents that closed before that instant.
        """
        return self._remove_rows(OLD_RANKINGS, before, limit)

    def remove_graphs(self, before: datetime, *, limit: int) -> int:
        """Remove versions last imported before an instant that no ranking refers to; return how many."""
        n_removed = 0
        while n_removed < limit and self._database.write(partial(_remove_graph, before)):
            n_removed += 1
        return n_removed

    def remove_messages(self, before: datetime, *, limit: int) -> int:
        """Remove messages that were sent or given up before an instant; return how many."""
        return self._remove_rows(OLD_MESSAGES, before, limit)

    def _remove_rows(self, statement: str, before: datetime, limit: int) -> int:
        work, n_removed, n_last = partial(_remove_some, statement, before), 0, AT_ONCE
        while n_last == AT_ONCE and n_removed < limit:
            n_last = self._database.write(work)
            n_removed += n_last
        return n_removed


def _remove_part(before: datetime, removed: Removed, connection: Connection) -> bool:
    """Remove some alerts of the oldest incident, and itself with the last; false if there is none."""
    incident = connection.exec_driver_sql(OLD_INCIDENT, {"before": to_ms(before)}).first()
    if incident is None:
        return False
    asked = {"incident": incident.id, "but": incident.lead_alert, "limit": AT_ONCE}
    numbers = [row.id for row in connection.exec_driver_sql(SOME_ALERTS, asked)]
    is_last = len(numbers) < AT_ONCE
    if is_last and incident.lead_alert is not None:
        numbers.append(incident.lead_alert)
    for statement in (
        "DELETE FROM rankings WHERE alert = ?",
        "DELETE FROM pages WHERE alert = ?",
        "DELETE FROM alerts WHERE id = ?",
    ):
        if numbers:
            connection.exec_driver_sql(statement, [(each,) for each in numbers])
    left = "UPDATE incidents SET n_alerts = n_alerts - ? WHERE id = ?"
    connection.exec_driver_sql(left, (len(numbers), incident.id))
    if is_last:
        connection.exec_driver_sql("DELETE FROM incidents WHERE id = ?", (incident.id,))
    removed.n_incidents += is_last
    removed.n_alerts += len(numbers)
    return True


def _remove_some(statement: str, before: datetime, connection: Connection) -> int:
    return connection.exec_driver_sql(statement, {"before": to_ms(before), "limit": AT_ONCE}).rowcount


def _remove_graph(before: datetime, connection: Connection) -> bool:
    version = connection.exec_driver_sql(OLD_GRAPH, {"before": to_ms(before)}).scalar()
    if version is None:
        return False
    connection.exec_driver_sql("DELETE FROM graph_imports WHERE version = ?", (version,))
    connection.exec_driver_sql("DELETE FROM graphs WHERE version = ?", (version,))
    return True
