"""Recorded change events, each id once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from sqlalchemy.dialects.sqlite import insert

from cmdb.items import ChangeEvent
from service.access.visibility import EVERYTHING
from service.store.audit import RECORD_CHANGES, record
from service.store.seen import is_seen
from service.store.tables import changes
from telemetry.instants import from_ms, to_ms

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from service.access.visibility import View
    from service.store.database import Database


N_AUDITED = 20
"""Ids of one request that its row of the audit lists."""


class ChangeStore:
    """The change events of all items."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, events: Sequence[ChangeEvent], *, at: datetime, who: str) -> int:
        """Store the events whose ids are new, and return their number; the audit has one row for all."""
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
            new = [
                row["id"]
                for row in rows
                if connection.execute(insert(changes).values(row).on_conflict_do_nothing()).rowcount
            ]
            if new:
                listed = {"n": len(new), "first": new[:N_AUDITED]}
                record(
                    connection, at=at, who=who, action=RECORD_CHANGES, subject=str(new[0]), document=listed
                )
        return len(new)

    def between(self, start: datetime, end: datetime) -> list[ChangeEvent]:
        """Return the events in ``[start, end)``, oldest first."""
        query = (
            select(changes)
            .where(changes.c.at_ms >= to_ms(start), changes.c.at_ms < to_ms(end))
            .order_by(changes.c.at_ms, changes.c.id)
        )
        with self._database.reading() as connection:
            return _events(connection.execute(query))

    def newest(self, *, limit: int, item: str | None = None, view: View = EVERYTHING) -> list[ChangeEvent]:
        """Return the latest events that a view shows, of one item if one is named, newest first."""
        query = select(changes).order_by(changes.c.at_ms.desc(), changes.c.id).limit(limit)
        query = query.where(is_seen(changes.c.item, view))
        if item is not None:
            query = query.where(changes.c.item == item)
        with self._database.reading() as connection:
            return _events(connection.execute(query))


def _events(rows: Iterable[Any]) -> list[ChangeEvent]:
    return [ChangeEvent(row.id, row.item, from_ms(row.at_ms), row.kind, row.summary) for row in rows]
