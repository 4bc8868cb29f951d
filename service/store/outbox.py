"""Messages to be sent: waiting, sent, or given up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Select, case, func, insert, select, update

from service.store.tables import outbox
from telemetry.instants import to_ms

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from service.store.database import Database


@dataclass(frozen=True, slots=True)
class OutboxMessage:
    """A message that waits to be sent."""

    id: int
    document: Mapping[str, Any]
    n_tries: int


class OutboxStore:
    """All messages."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, document: Mapping[str, Any], *, at: datetime) -> None:
        """Store a document to be sent at once; it is on disk when this returns."""
        with self._database.writing() as connection:
            insert_messages(connection, [document], at=at)

    def bury(self, document: Mapping[str, Any], problem: str, *, at: datetime) -> None:
        """Store a document that cannot be sent as a dead letter, with the reason."""
        row = {"created_ms": to_ms(at), "due_ms": to_ms(at), "dead_ms": to_ms(at), "n_tries": 0}
        with self._database.writing() as connection:
            connection.execute(insert(outbox).values(document=dict(document), problem=problem, **row))

    def due(self, at: datetime, *, limit: int) -> list[OutboxMessage]:
        """Return the messages to try now, the oldest first."""
        query = (
            select(outbox).where(*_WAITING, outbox.c.due_ms <= to_ms(at)).order_by(outbox.c.id).limit(limit)
        )
        with self._database.reading() as connection:
            return [OutboxMessage(row.id, row.document, row.n_tries) for row in connection.execute(query)]

    def waiting_since(self, latest_ms: int, waits_ms: Sequence[int]) -> int | None:
        """Return the last instant after ``latest_ms`` at which a message that waits was stored or tried.

        Parameters
        ----------
        waits_ms
            How long a message waits, by the number of its tries.

        Returns
        -------
        ``None`` if there is no such message.
        """
        is_later = outbox.c.due_ms > latest_ms, _since(waits_ms) > latest_ms  # the first has an index
        latest = select(func.max(_since(waits_ms))).where(*_WAITING, *is_later)
        with self._database.reading() as connection:
            since_ms: int | None = connection.execute(latest).scalar()
        return since_ms

    def bring_forward(self, at: datetime, latest_ms: int, waits_ms: Sequence[int]) -> None:
        """Let every message that waits since an instant beyond the latest one be due now."""
        is_later = outbox.c.due_ms > latest_ms, _since(waits_ms) > latest_ms
        chosen = update(outbox).where(*_WAITING, *is_later)
        with self._database.writing() as connection:
            connection.execute(chosen.values(due_ms=to_ms(at)))

    def sent(self, message: int, *, at: datetime) -> None:
        """Record that a message arrived."""
        self._update(message, sent_ms=to_ms(at), problem="")

    def failed(self, message: int, problem: str, *, due: datetime) -> None:
        """Record that a message did not arrive, and when to try it again."""
        self._update(message, n_tries=outbox.c.n_tries + 1, due_ms=to_ms(due), problem=problem)

    def give_up(self, message: int, problem: str, *, at: datetime) -> None:
        """Record that a message did not arrive and will not be tried again: it becomes a dead letter."""
        self._update(message, n_tries=outbox.c.n_tries + 1, dead_ms=to_ms(at), problem=problem)

    def waiting(self) -> tuple[int, str]:
        """Return how many messages failed and wait for another try, and why the oldest failed."""
        return self._counted(select(outbox.c.problem).where(*_WAITING, outbox.c.n_tries > 0), outbox.c.id)

    def dead(self, *, since: datetime) -> tuple[int, str]:
        """Return how many messages were given up since an instant, and why the newest was."""
        given_up = select(outbox.c.problem).where(outbox.c.dead_ms >= to_ms(since))
        return self._counted(given_up, outbox.c.dead_ms.desc())

    def _counted(self, problems: Select[Any], order: ColumnElement[Any]) -> tuple[int, str]:
        with self._database.reading() as connection:
            count = connection.execute(select(func.count()).select_from(problems.subquery())).scalar_one()
            first = connection.execute(problems.order_by(order).limit(1)).scalar()
        return count, first or ""

    def _update(self, message: int, **changed: Any) -> None:
        with self._database.writing() as connection:
            connection.execute(update(outbox).where(outbox.c.id == message).values(**changed))


def insert_messages(
    connection: Connection, documents: Iterable[Mapping[str, object]], *, at: datetime
) -> None:
    """Store documents to be sent at once, within a transaction that is open."""
    shared = {"created_ms": to_ms(at), "due_ms": to_ms(at), "n_tries": 0, "problem": ""}
    for each in documents:
        connection.execute(insert(outbox).values(document=dict(each), **shared))


def _since(waits_ms: Sequence[int]) -> ColumnElement[int]:
    waits = case(dict(enumerate(waits_ms)), value=outbox.c.n_tries, else_=waits_ms[-1])
    return outbox.c.due_ms - waits


_WAITING = outbox.c.sent_ms.is_(None), outbox.c.dead_ms.is_(None)
