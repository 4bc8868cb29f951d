"""Who did what and when: rows that are added and never altered, each chained to the one before it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from sqlalchemy import Connection, Select, insert, select

from service.errors import BrokenAuditError
from service.store.audit_chain import FIRST, chained
from service.store.tables import audit
from telemetry.instants import from_ms, to_ms

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from service.store.database import Database

VERDICT = "verdict"
IMPORT_CMDB = "import_cmdb"
RECORD_CHANGES = "record_changes"
ANNOUNCE_MAINTENANCE, END_MAINTENANCE = "announce_maintenance", "end_maintenance"
READ_INCIDENT = "read_incident"
CREATE_TOKEN = "create_token"  # noqa: S105  an action's name
REVOKE_TOKEN = "revoke_token"  # noqa: S105
CREATE_USER, GRANT_ROLE, DISABLE_USER = "create_user", "grant_role", "disable_user"
CHANGE_PASSWORD = "change_password"  # noqa: S105
SIGN_IN, SIGN_OUT, END_SESSION = "sign_in", "sign_out", "end_session"

N_AT_ONCE = 1_000
"""Rows that are read into memory at once."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the audit."""

    position: int
    at: datetime
    who: str
    action: str
    subject: str
    document: Mapping[str, Any]


class Head(NamedTuple):
    """The last row of the audit: kept elsewhere, it shows later that no row before it was removed.

    >>> Head.parse(str(Head(7, "ab" * 32))).position
    7
    """

    position: int
    hash: str

    def __str__(self) -> str:
        return f"{self.position}:{self.hash}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the head that a text names.

        Raises
        ------
        ValueError
            If it is not a number, a colon and a hash.
        """
        position, colon, digest = text.strip().partition(":")
        if not colon or not position.isdecimal() or not digest:
            raise ValueError(f"a head is POSITION:HASH, not {text!r}")
        return cls(int(position), digest.lower())


def record(
    connection: Connection, *, at: datetime, who: str, action: str, subject: str, document: Mapping[str, Any]
) -> Entry:
    """Add a row within an open transaction that writes, whose lock keeps the last row the last."""
    last = _head(connection)
    position = max(last.position, _given(connection)) + 1  # what was removed at the end stays a gap
    row: dict[str, Any] = {"position": position, "at_ms": to_ms(at), "who": who, "action": action}
    row |= {"subject": subject, "document": dict(document)}
    connection.execute(insert(audit).values(**row, previous=last.hash, hash=chained(last.hash, **row)))
    return Entry(row["position"], from_ms(row["at_ms"]), who, action, subject, row["document"])


class Audit:
    """All rows of the audit."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, *, at: datetime, who: str, action: str, subject: str, document: Mapping[str, Any]) -> Entry:
        """Add a row; it is on disk when this returns."""
        with self._database.writing() as connection:
            return record(connection, at=at, who=who, action=action, subject=subject, document=document)

    def add_once(self, *, since: datetime, at: datetime, who: str, action: str, subject: str) -> None:
        """Add a row without a document, unless somebody's same action is recorded since an instant."""
        mine = (audit.c.action == action) & (audit.c.subject == subject) & (audit.c.who == who)
        asked = select(audit.c.position).where(mine, audit.c.at_ms >= to_ms(since)).limit(1)
        with self._database.reading() as connection:
            if connection.execute(asked).first() is not None:
                return
        with self._database.writing() as connection:
            if connection.execute(asked).first() is None:
                record(connection, at=at, who=who, action=action, subject=subject, document={})

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

    def newest(self, *, limit: int) -> list[Entry]:
        """Return the latest rows, oldest first."""
        return self._entries(select(audit).order_by(audit.c.position.desc()).limit(limit))[::-1]

    def verify(self, *, anchor: Head | None = None) -> Head:
        """Follow the chain through every row and return its head.

        Parameters
        ----------
        anchor
            A head noted earlier, which must still be a row of the chain.

        Raises
        ------
        BrokenAuditError
            If a row was altered, removed or put in; it names the first that does not fit.
        """
        head, is_anchored = Head(0, FIRST), anchor is None or anchor == (0, FIRST)
        rows = select(audit).order_by(audit.c.position).execution_options(yield_per=N_AT_ONCE)
        with self._database.reading() as connection:
            for row in connection.execute(rows):
                content = {name: getattr(row, name) for name in ("who", "action", "subject", "document")}
                found = chained(row.previous, position=row.position, at_ms=row.at_ms, **content)
                if row.position != head.position + 1 or row.previous != head.hash:
                    raise BrokenAuditError(row.position, "it does not follow the row before it")
                if row.hash != found:
                    raise BrokenAuditError(row.position, "its content is not what was hashed")
                head = Head(row.position, row.hash)
                is_anchored = is_anchored or head == anchor
            given = _given(connection)
        if given > head.position:
            raise BrokenAuditError(head.position + 1, f"it is missing, and so is all up to {given}")
        if anchor is not None and not is_anchored:
            raise BrokenAuditError(anchor.position, "it is not the row that was noted")
        return head

    def _entries(self, query: Select[Any]) -> list[Entry]:
        with self._database.reading() as connection:
            return [
                Entry(row.position, from_ms(row.at_ms), row.who, row.action, row.subject, row.document)
                for row in connection.execute(query)
            ]


def _given(connection: Connection) -> int:
    """Last position that was ever given, by SQLite's own count."""
    given = connection.exec_driver_sql("SELECT seq FROM sqlite_sequence WHERE name = 'audit'").scalar()
    return int(given or 0)


def _head(connection: Connection) -> Head:
    last = select(audit.c.position, audit.c.hash).order_by(audit.c.position.desc()).limit(1)
    row = connection.execute(last).first()
    return Head(0, FIRST) if row is None else Head(row.position, row.hash)
