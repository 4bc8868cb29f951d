"""Announced windows of maintenance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, insert, select

from features.calendar import Phase
from models.paging.maintenance import Maintenance
from service.errors import UnknownMaintenanceError
from service.store.audit import ANNOUNCE_MAINTENANCE, END_MAINTENANCE, record
from service.store.tables import maintenance

if TYPE_CHECKING:
    from datetime import datetime

    from service.store.database import Database


@dataclass(frozen=True, slots=True)
class Announced:
    """A stored window, with who announced it and why."""

    id: int
    window: Maintenance
    note: str
    who: str


class MaintenanceStore:
    """All windows of maintenance."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, window: Maintenance, *, note: str, who: str, at: datetime) -> Announced:
        """Store a window; it is on disk when this returns."""
        row = {
            "items": sorted(window.items),
            "teams": sorted(window.teams),
            "phases": sorted(int(phase) for phase in window.phases),
            "start_ms": window.start_ms,
            "end_ms": window.end_ms,
            "note": note,
            "who": who,
        }
        with self._database.writing() as connection:
            key = connection.execute(insert(maintenance).values(row)).inserted_primary_key
            number = int(key[0]) if key else 0
            record(connection, at=at, who=who, action=ANNOUNCE_MAINTENANCE, subject=str(number), document=row)
        return Announced(number, window, note, who)

    def get(self, number: int) -> Announced:
        """Return one window.

        Raises
        ------
        UnknownMaintenanceError
            If there is none of that number.
        """
        with self._database.reading() as connection:
            row = connection.execute(select(maintenance).where(maintenance.c.id == number)).first()
        if row is None:
            raise UnknownMaintenanceError(number)
        return _announced(row)

    def ending_after(self, at_ms: int) -> list[Announced]:
        """Return the windows that are not over at an instant, the first to start first."""
        query = select(maintenance).where(maintenance.c.end_ms > at_ms)
        with self._database.reading() as connection:
            rows = connection.execute(query.order_by(maintenance.c.start_ms, maintenance.c.id)).all()
        return [_announced(row) for row in rows]

    def windows(self, at_ms: int) -> list[Maintenance]:
        """Return what is announced for an instant or later."""
        return [each.window for each in self.ending_after(at_ms)]

    def remove(self, number: int, *, who: str, at: datetime) -> Announced:
        """Remove a window and return it.

        Raises
        ------
        UnknownMaintenanceError
            If there is none of that number.
        """
        own = maintenance.c.id == number
        with self._database.writing() as connection:
            row = connection.execute(select(maintenance).where(own)).first()
            if row is None:
                raise UnknownMaintenanceError(number)
            connection.execute(delete(maintenance).where(own))
            record(connection, at=at, who=who, action=END_MAINTENANCE, subject=str(number), document={})
        return _announced(row)


def _announced(row: Any) -> Announced:
    window = Maintenance(
        frozenset(row.items),
        frozenset(row.teams),
        row.start_ms,
        row.end_ms,
        frozenset(Phase(each) for each in row.phases),
    )
    return Announced(row.id, window, row.note, row.who)
