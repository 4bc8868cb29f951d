"""Recorded change events, each id once."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, func, select
from sqlalchemy.dialects.sqlite import insert

from cmdb.items import ChangeEvent
from service.access.visibility import EVERYTHING
from service.store.audit import RECORD_CHANGES, record
from service.store.seen import is_seen
from service.store.tables import changes
from telemetry.instants import from_ms, to_ms

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import datetime

    from service.access.visibility import View
    from service.store.database import Database


AT_ONCE, MAX_READ = 500, 10_000
"""Events that one transaction stores, and those that one look-up returns."""

N_AUDITED = 20
"""Ids of one request that a row of the audit lists."""


class ChangeStore:
    """The change events of all items."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.n_added = 0
        """Events stored since the start: whoever looked at fewer may see more now."""

    def add(self, events: Sequence[ChangeEvent], *, at: datetime, who: str) -> int:
        """Store the events whose ids are new, a part at a time, and return their number.

        The audit has a row for each part.
        """
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
        n_new = 0
        for part in (rows[start : start + AT_ONCE] for start in range(0, len(rows), AT_ONCE)):
            n_new += self._database.write(partial(_insert, part, at=at, who=who))
        self.n_added += n_new
        return n_new

    def between(
        self, start: datetime, end: datetime, *, items: Collection[str] | None = None
    ) -> list[ChangeEvent]:
        """Return the events in ``[start, end)``, oldest first; of very many the newest `MAX_READ`.

        Parameters
        ----------
        items
            Only the events of these; by default of all.
        """
        query = select(changes).where(changes.c.at_ms >= to_ms(start), changes.c.at_ms < to_ms(end))
        if items is not None:
            listed = func.json_each(json.dumps(list(items))).table_valued("value")
            query = query.where(changes.c.item.in_(select(listed.c.value)))
        query = query.order_by(changes.c.at_ms.desc(), changes.c.id.desc()).limit(MAX_READ)
        with self._database.reading() as connection:
            return _events(connection.execute(query))[::-1]

    def newest(self, *, limit: int, item: str | None = None, view: View = EVERYTHING) -> list[ChangeEvent]:
        """Return the latest events that a view shows, of one item if one is named, newest first."""
        query = select(changes).order_by(changes.c.at_ms.desc(), changes.c.id).limit(limit)
        query = query.where(is_seen(changes.c.item, view))
        if item is not None:
            query = query.where(changes.c.item == item)
        with self._database.reading() as connection:
            return _events(connection.execute(query))


def _insert(rows: Sequence[Mapping[str, Any]], connection: Connection, *, at: datetime, who: str) -> int:
    listed = func.json_each(json.dumps([row["id"] for row in rows])).table_valued("value")
    known = set(
        connection.execute(select(changes.c.id).where(changes.c.id.in_(select(listed.c.value)))).scalars()
    )
    new = list(dict.fromkeys(row["id"] for row in rows if row["id"] not in known))
    if new:
        connection.execute(insert(changes).on_conflict_do_nothing(), rows)
        summary = {"n": len(new), "first": new[:N_AUDITED]}
        record(connection, at=at, who=who, action=RECORD_CHANGES, subject=str(new[0]), document=summary)
    return len(new)


def _events(rows: Iterable[Any]) -> list[ChangeEvent]:
    return [ChangeEvent(row.id, row.item, from_ms(row.at_ms), row.kind, row.summary) for row in rows]
