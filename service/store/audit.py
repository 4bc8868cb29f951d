"""Who did what and when: rows that are added and never altered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Select, insert, select

from service.store.tables import audit
from telemetry.instants import from_ms, to_ms

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from service.store.database import Database

VERDICT = "verdict"
IMPORT_CMDB = "import_cmdb"
CREATE_TOKEN = "create_token"  # noqa: S105  an action's name
REVOKE_TOKEN = "revoke_token"  # noqa: S105


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the audit."""

    position: int
    at: datetime
    who: str
    action: str
    subject: str
    document: Mapping[str, Any]


def record(
    connection: Connection, *, at: datetime, who: str, action: str, subject: str, document: Mapping[str, Any]
) -> Entry:
    """Add a row within an open transaction."""
    row = {"at_ms": to_ms(at), "who": who, "action": action, "subject": subject, "document": dict(document)}
    position = connection.execute(insert(audit).values(row)).inserted_primary_key
    number = int(position[0]) if position else 0
    return Entry(number, from_ms(to_ms(at)), who, action, subject, dict(document))


class Audit:
    """All rows of the audit."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, *, at: datetime, who: str, action: str, subject: str, document: Mapping[str, Any]) -> Entry:
        """Add a row; it is on disk when this returns."""
        with self._database.writing() as connection:
            return record(connection, at=at, who=who, action=action, subject=subject, document=document)

    def of(self, action: str, subject: str) -> list[Entry]:
        """Every row about one subject, oldest first."""
        query = (
            select(audit)
            .where(audit.c.action == action, audit.c.subject == subject)
            .order_by(audit.c.position)
        )
        return self._entries(query)

    def since(self, action: str, position: int) -> list[Entry]:
        """Every row of one action after a position, oldest first."""
        query = select(audit).where(audit.c.action == action, audit.c.position > position)
        return self._entries(query.order_by(audit.c.position))

    def _entries(self, query: Select[Any]) -> list[Entry]:
        with self._database.reading() as connection:
            return [
                Entry(row.position, from_ms(row.at_ms), row.who, row.action, row.subject, row.document)
                for row in connection.execute(query)
            ]
