"""Sunspot's own notices delivered: handled like every alert, then sent to the team with its budget."""

from __future__ import annotations

import logging
from collections import deque
from dataclasses import replace
from datetime import timedelta
from threading import Lock
from typing import TYPE_CHECKING

from service.errors import StoreUnavailableError
from service.incidents.publishing import likely_causes
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

logger = logging.getLogger(__name__)

WEEK = timedelta(days=7)


class PageDispatcher:
    """Delivers notices in order.

    While the store is out of reach they wait. A notice that fails for any other reason goes to the dead
    letters, and the team gets a plain message instead, so that it blocks no other.

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

    def submit(self, notices: Iterable[Notice]) -> None:
        """Accept notices for delivery."""
        self._waiting.extend(notices)

    def deliver(self) -> int:
        """Deliver the waiting notices and return how many there were; they are on disk when this returns.

        Raises
        ------
        StoreUnavailableError
            If the store is out of reach: the notices go on waiting.
        """
        n_delivered = 0
        with self._delivering:
            while self._waiting:
                notice = self._waiting[0]
                try:
                    self._deliver_one(notice)
                except StoreUnavailableError:
                    raise
                except Exception as error:
                    logger.exception("notice failed", extra={"alert": notice.notification.alert.name})
                    self._bury(notice, error)
                self._waiting.popleft()
                n_delivered += 1
        return n_delivered

    def _deliver_one(self, notice: Notice) -> None:
        notification = notice.notification
        if notification.status == RESOLVED:
            self._resolve(notification)
            return
        page, spent = notice.page, 0
        if page is not None:
            spent = 1 + self._spent(page.team, notification.alert.starts_at)
            notification = _with_budget(notification, page, spent)
        (answer,) = self._alerts.receive([notification], self._graph(), announce=page is None)
        if page is None:
            return
        known, message = answer.known, _message(answer, page, spent, self._address)
        self._pages.add(  # with its message: a page that is stored alone would never be sent
            page,
            alert=known.id,
            incident=known.incident,
            at=known.alert.starts_at,
            spent=spent,
            messages=[message] if self._outbox.has_target else [],
            sent_at=known.received_at,
        )

    def _resolve(self, notification: Notification) -> None:
        """Resolve an alert; its labels and annotations stay as they were while it fired."""
        known = self._incidents.alert_of(notification.alert.fingerprint, notification.alert.starts_at)
        if known is not None:
            self._alerts.receive([replace(notification, alert=known.alert)], self._graph())

    def _spent(self, team: str, at: datetime) -> int:
        """Pages of a team in the week before an instant that no verdict has called useful."""
        recent = self._pages.between(at - WEEK, at, team=team)
        return sum(each.outcome is not PageOutcome.USEFUL for each in recent)

    def _bury(self, notice: Notice, error: Exception) -> None:
        """Move a notice that cannot be made to the dead letters; a page goes out without its incident."""
        alert, page = notice.notification.alert, notice.page
        plain: dict[str, object] = {
            "kind": alert.name if page is None else page.kind,
            "item": alert.item,
            "severity": alert.severity,
            "title": alert.annotations.get("summary", alert.name),
            "starts_at": alert.starts_at.isoformat(),
        }
        self._outbox.bury(plain, f"the notice could not be made: {type(error).__name__}: {error}")
        if page is not None:
            self._outbox.put({**plain, "team": page.team})


def _with_budget(notification: Notification, page: PageFacts, spent: int) -> Notification:
    """State in the alert itself how much of the budget is spent."""
    budget = (
        f"{spent} of {page.budget_per_week:g} false pages a week that {page.team} accepts, if this is one; "
        "pages that a verdict calls useful do not count"
    )
    annotations = {**notification.alert.annotations, "page budget": budget}
    return replace(notification, alert=replace(notification.alert, annotations=annotations))


def _message(answer: Answer, page: PageFacts, spent: int, address: str) -> dict[str, object]:
    """Return what is sent to the team."""
    known, ranking = answer.known, answer.ranking
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
        "as_of": None if ranking is None else ranking.ranked_at.isoformat(),
        "abstained": "" if ranking is None else ranking.abstained,
        "likely_causes": likely_causes(ranking),
    }
