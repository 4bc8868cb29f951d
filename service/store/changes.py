"""Recorded change events, each id once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from sqlalchemy.dialects.sqlite import insert

from cmdb.items import ChangeEvent
from service.store.tables import changes
from telemetry.instants import from_ms, to_ms

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from service.store.database import Database


class ChangeStore:
    """The change events of all items."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.n_added = 0
        """Events stored since the start: whoever looked at fewer may see more now."""

    def add(self, events: Sequence[ChangeEvent], *, at: datetime) -> int:
        """Store the events whose ids are new, and return their number."""
        rows = [
            {
                "id": each.id,
                "item": each.item,
                "at_ms": to_ms(each.at),
                "kind": each.kind,
                "summary": each.summary,
                "received_ms": to_ms(at),
            }
            for each in events
        ]
        with self._database.writing() as connection:
            n_new = sum(
                connection.execute(insert(changes).values(row).on_conflict_do_nothing()).rowcount
                for row in rows
            )
        self.n_added += n_new
        return n_new

    def between(self, start: datetime, end: datetime) -> list[ChangeEvent]:
        """Return the events in ``[start, end)``, oldest first."""
        query = (
            select(changes)
            .where(changes.c.at_ms >= to_ms(start), changes.c.at_ms < to_ms(end))
            .order_by(changes.c.at_ms, changes.c.id)
        )
        with self._database.reading() as connection:
            return _events(connection.execute(query))

    def newest(self, *, limit: int, item: str | None = None) -> list[ChangeEvent]:
        """Return the latest events, of one item if one is named, newest first."""
        query = select(changes).order_by(changes.c.at_ms.desc(), changes.c.id).limit(limit)
        if item is not None:
            query = query.where(changes.c.item == item)
        with self._database.reading() as connection:
            return _events(connection.execute(query))


def _events(rows: Iterable[Any]) -> list[ChangeEvent]:
    return [ChangeEvent(row.id, row.item, from_ms(row.at_ms), row.kind, row.summary) for row in rows]
