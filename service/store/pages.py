"""Pages that Sunspot raised, each with its outcome: useful, false, or unknown."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sqlalchemy import String, cast, func, select
from sqlalchemy.dialects.sqlite import insert

from service.access.visibility import EVERYTHING
from service.paging.notifications import PageFacts
from service.store.audit import VERDICT
from service.store.outbox import insert_messages
from service.store.tables import audit, pages
from telemetry.instants import from_ms, to_ms

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from service.access.visibility import View
    from service.store.database import Database


class PageOutcome(StrEnum):
    """The outcome of a page, by the last verdict on its incident."""

    USEFUL = "useful"
    FALSE = "false"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class StoredPage:
    """A stored page.

    Attributes
    ----------
    facts
        What it is about.
    spent
        Pages of its team in the seven days before it, itself included, that no verdict called useful.
    """

    id: int
    alert: int
    incident: int
    at: datetime
    facts: PageFacts
    spent: int
    outcome: PageOutcome


class PageStore:
    """All pages."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self,
        facts: PageFacts,
        *,
        alert: int,
        incident: int,
        at: datetime,
        spent: int,
        messages: Sequence[Mapping[str, object]] = (),
        sent_at: datetime,
    ) -> bool:
        """Store the page of an alert with its messages, all or nothing; false if it was stored before.

        Parameters
        ----------
        messages
            Documents for the outbox; a page that was stored before stores none.
        sent_at
            From when on they are due.
        """
        row = {
            "alert": alert,
            "incident": incident,
            "at_ms": to_ms(at),
            "team": facts.team,
            "item": facts.item,
            "kind": facts.kind,
            "severity": facts.severity,
            "metric": facts.metric,
            "score": facts.score,
            "threshold": facts.threshold,
            "tail": facts.tail,
            "budget_per_week": facts.budget_per_week,
            "spent": spent,
        }
        with self._database.writing() as connection:
            is_new = bool(connection.execute(insert(pages).values(row).on_conflict_do_nothing()).rowcount)
            insert_messages(connection, messages if is_new else (), at=sent_at)
        return is_new

    def newest(self, *, limit: int, team: str | None = None, view: View = EVERYTHING) -> list[StoredPage]:
        """Return the latest pages to the teams of a view, of one team if one is named, newest first."""
        query = _PAGES.order_by(pages.c.at_ms.desc(), pages.c.id.desc()).limit(limit)
        if view.is_limited:
            query = query.where(pages.c.team.in_(sorted(view.teams)))
        return self._read(query if team is None else query.where(pages.c.team == team))

    def between(self, start: datetime, end: datetime, *, team: str | None = None) -> list[StoredPage]:
        """Return the pages in ``[start, end)``, of one team if one is named, oldest first."""
        query = _PAGES.where(pages.c.at_ms >= to_ms(start), pages.c.at_ms < to_ms(end)).order_by(
            pages.c.at_ms
        )
        return self._read(query if team is None else query.where(pages.c.team == team))

    def of_incident(self, incident: int) -> list[StoredPage]:
        """Return the pages of an incident, oldest first."""
        return self._read(_PAGES.where(pages.c.incident == incident).order_by(pages.c.at_ms))

    def _read(self, query: Any) -> list[StoredPage]:
        with self._database.reading() as connection:
            return [_page(row) for row in connection.execute(query)]


_LAST = (
    select(audit.c.subject, func.max(audit.c.position).label("position"))
    .where(audit.c.action == VERDICT)
    .group_by(audit.c.subject)
    .subquery()
)
_PAGES = select(pages, audit.c.document.label("verdict")).select_from(
    pages.outerjoin(_LAST, _LAST.c.subject == cast(pages.c.incident, String)).outerjoin(
        audit, audit.c.position == _LAST.c.position
    )
)
"""Pages with the last verdict on their incidents."""


def _page(row: Any) -> StoredPage:
    facts = PageFacts(
        row.team,
        row.item,
        row.kind,
        row.severity,
        row.budget_per_week,
        metric=row.metric,
        score=row.score,
        threshold=row.threshold,
        tail=row.tail,
    )
    return StoredPage(
        row.id, row.alert, row.incident, from_ms(row.at_ms), facts, row.spent, _outcome(row.verdict)
    )


def _outcome(verdict: Any) -> PageOutcome:
    if verdict is None:
        return PageOutcome.UNKNOWN
    return PageOutcome.USEFUL if verdict["causes"] else PageOutcome.FALSE
