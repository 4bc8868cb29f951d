"""What is to be sent out, kept until it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, insert, select, update

from service.store.tables import outbox
from telemetry.instants import to_ms

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from service.store.database import Database


@dataclass(frozen=True, slots=True)
class OutboxMessage:
    """A document that waits to be sent."""

    id: int
    document: Mapping[str, Any]
    n_tries: int


class OutboxStore:
    """All outbox_messages."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, document: Mapping[str, Any], *, at: datetime) -> None:
        """Keep a document to be sent at once; it is on disk when this returns."""
        row = {
            "document": dict(document),
            "created_ms": to_ms(at),
            "due_ms": to_ms(at),
            "n_tries": 0,
            "problem": "",
        }
        with self._database.writing() as connection:
            connection.execute(insert(outbox).values(row))

    def due(self, at: datetime, *, limit: int) -> list[OutboxMessage]:
        """Return outbox_messages that are to be tried now, the oldest first."""
        asked = (
            select(outbox)
            .where(outbox.c.sent_ms.is_(None), outbox.c.due_ms <= to_ms(at))
            .order_by(outbox.c.id)
            .limit(limit)
        )
        with self._database.reading() as connection:
            return [OutboxMessage(row.id, row.document, row.n_tries) for row in connection.execute(asked)]

    def sent(self, message: int, *, at: datetime) -> None:
        """Note that a message arrived."""
        self._update(message, sent_ms=to_ms(at), problem="")

    def failed(self, message: int, problem: str, *, due: datetime) -> None:
        """Note that a message did not arrive, and when to try again."""
        self._update(message, n_tries=outbox.c.n_tries + 1, due_ms=to_ms(due), problem=problem)

    def waiting(self) -> tuple[int, str]:
        """Return how many outbox_messages failed and wait, and why the oldest does; empty if none."""
        failing = select(outbox.c.problem).where(outbox.c.sent_ms.is_(None), outbox.c.n_tries > 0)
        with self._database.reading() as connection:
            count = connection.execute(select(func.count()).select_from(failing.subquery())).scalar_one()
            first = connection.execute(failing.order_by(outbox.c.id).limit(1)).scalar()
        return count, first or ""

    def _update(self, message: int, **changed: Any) -> None:
        with self._database.writing() as connection:
            connection.execute(update(outbox).where(outbox.c.id == message).values(**changed))
