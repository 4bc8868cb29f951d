"""Where Sunspot's own notices go: the way of every alert, then to the team, with its budget beside."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from datetime import timedelta
from threading import Lock
from typing import TYPE_CHECKING

from service.incidents.records import RESOLVED
from service.store.pages import PageOutcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from cmdb.graph import DependencyGraph
    from service.incidents.alert_handler import AlertHandler, Answer
    from service.incidents.records import Notification
    from service.notify.outbox import Outbox
    from service.paging.notifications import Notice, PageFacts
    from service.store.incidents import IncidentStore
    from service.store.pages import PageStore

WEEK = timedelta(days=7)


class PageDispatcher:
    """Delivers notices in order; one that cannot be delivered is tried again, before those after it.

    Parameters
    ----------
    address
        How people reach the incident pages.
    """

    def __init__(
        self,
        alerts: AlertHandler,
        incidents: IncidentStore,
        pages: PageStore,
        outbox: Outbox,
        *,
        graph: Callable[[], DependencyGraph],
        address: str,
    ) -> None:
        self._alerts = alerts
        self._incidents = incidents
        self._pages = pages
        self._outbox = outbox
        self._graph = graph
        self._address = address
        self._waiting: deque[Notice] = deque()
        self._delivering = Lock()

    def put(self, notices: Iterable[Notice]) -> None:
        """Take notices to be delivered."""
        self._waiting.extend(notices)

    def deliver(self) -> int:
        """Deliver what waits, and return how many notices that were; all of it is on disk then."""
        n_delivered = 0
        with self._delivering:
            while self._waiting:
                self._deliver_one(self._waiting[0])
                self._waiting.popleft()
                n_delivered += 1
        return n_delivered

    def _deliver_one(self, notice: Notice) -> None:
        told = notice.notification
        if told.status == RESOLVED:
            self._resolve(told)
            return
        page, spent = notice.page, 0
        if page is not None:
            spent = 1 + self._spent(page.team, told.alert.starts_at)
            told = _with_budget(told, page, spent)
        (answer,) = self._alerts.receive([told], self._graph())
        if page is None:
            return
        known = answer.known
        is_new = self._pages.add(
            page, alert=known.id, incident=known.incident, at=known.alert.starts_at, spent=spent
        )
        if is_new:
            self._outbox.put(_message(answer, page, spent, self._address))

    def _resolve(self, told: Notification) -> None:
        """Close an alert; what was said of it while it fired stays."""
        known = self._incidents.alert_of(told.alert.fingerprint, told.alert.starts_at)
        if known is not None:
            self._alerts.receive([replace(told, alert=known.alert)], self._graph())

    def _spent(self, team: str, at: datetime) -> int:
        """Pages of a team in the week before an instant that no verdict has called useful."""
        recent = self._pages.between(at - WEEK, at, team=team)
        return sum(each.outcome is not PageOutcome.USEFUL for each in recent)


def _with_budget(told: Notification, page: PageFacts, spent: int) -> Notification:
    """Say in the alert itself what of the budget is spent."""
    budget = (
        f"{spent} of {page.budget_per_week:g} false pages a week that {page.team} accepts, if this is one; "
        "pages that a verdict calls useful do not count"
    )
    return replace(
        told, alert=replace(told.alert, annotations={**told.alert.annotations, "page budget": budget})
    )


def _message(answer: Answer, page: PageFacts, spent: int, address: str) -> dict[str, object]:
    """Return what is sent to the team."""
    known = answer.known
    candidates = [] if answer.ranking is None else answer.ranking["candidates"][:3]
    return {
        "kind": page.kind,
        "team": page.team,
        "item": page.item,
        "severity": page.severity,
        "title": known.title,
        "starts_at": known.alert.starts_at.isoformat(),
        "incident": known.incident,
        "incident_url": f"{address}/incidents/{known.incident}",
        "metric": page.metric,
        "score": page.score,
        "threshold": page.threshold,
        "tail_probability": page.tail,
        "budget_per_week": page.budget_per_week,
        "spent_this_week": spent,
        "likely_causes": [{"item": each["item"], "probability": each["probability"]} for each in candidates],
    }
