"""Alert webhooks handled: their alerts are stored, grouped, explained and answered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from service.incidents.enrichment import Enrichment
from service.incidents.grouping import record
from service.incidents.publishing import Made
from service.incidents.records import FIRING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cmdb.graph import DependencyGraph
    from service.clock import WallClock
    from service.incidents.enrichment import Enricher
    from service.incidents.publishing import RankingPublisher
    from service.incidents.ranking_document import StoredRankingDocument
    from service.incidents.records import Notification, StoredAlert
    from service.incidents.reranking import Reranker
    from service.signals.in_use import InUse
    from service.signals.room import SignalsRoom
    from service.store.incidents import IncidentStore

FIRST, AGAIN = "the alert arrived", "the alert was sent again"


@dataclass(frozen=True)
class Answer:
    """The answer to the sender of one alert.

    Attributes
    ----------
    ranking
        The ranking; ``None`` if there is none.
    unenriched
        Why there is no ranking; empty if there is one.
    """

    notification: Notification
    known: StoredAlert
    ranking: StoredRankingDocument | None
    unenriched: str


class AlertHandler:
    """Receives webhooks.

    Parameters
    ----------
    elapsed_s
        A steady clock in seconds, for the ranking budget.
    budget_s
        How long the alerts of one webhook may be ranked, all of them together.
    max_alerts
        How many alerts of one webhook are ranked; every one is stored.
    """

    def __init__(
        self,
        incidents: IncidentStore,
        enricher: Enricher,
        publisher: RankingPublisher,
        reranker: Reranker,
        *,
        signals: SignalsRoom,
        clock: WallClock,
        elapsed_s: Callable[[], float],
        budget_s: float,
        max_alerts: int,
    ) -> None:
        self._incidents = incidents
        self._enricher = enricher
        self._publisher = publisher
        self._reranker = reranker
        self._signals = signals
        self._clock = clock
        self._elapsed_s = elapsed_s
        self._budget_s = budget_s
        self._max_alerts = max_alerts

    def receive(
        self, notifications: Sequence[Notification], graph: DependencyGraph, *, announce: bool = True
    ) -> list[Answer]:
        """Store and explain the alerts of one webhook; all of it is on disk when this returns.

        Parameters
        ----------
        announce
            Whether a new answer is announced; false for a caller that sends a message of its own.
        """
        in_use = self._signals.in_use  # one bundle throughout, whatever is swapped meanwhile
        known = record(self._incidents, notifications, graph, at=self._clock.now())
        stop_s = self._elapsed_s() + self._budget_s
        found: dict[int, Enrichment] = {}
        made: list[Made] = []
        for each in known:
            if each.id not in found:
                obstacle = self._obstacle(len(found), is_late=self._elapsed_s() > stop_s)
                found[each.id] = enrichment = self._explain(each, graph, in_use, obstacle)
                if not enrichment.is_stored:
                    made.append(Made(each, enrichment, FIRST if each.n_received == 1 else AGAIN))
        self._publisher.publish(made, announce=announce)
        self._reranker.alerts_changed(known)
        return [
            Answer(notification, each, found[each.id].document, found[each.id].unenriched)
            for notification, each in zip(notifications, known, strict=True)
        ]

    def _obstacle(self, n_before: int, *, is_late: bool) -> str:
        """Return why an alert after so many others of its webhook is not ranked; empty if it is."""
        if n_before >= self._max_alerts:
            return f"a webhook's first {self._max_alerts:,} alerts are ranked; this one came after them"
        return "ranking the other alerts of this webhook took all the time there was" if is_late else ""

    def _explain(
        self, known: StoredAlert, graph: DependencyGraph, in_use: InUse, obstacle: str
    ) -> Enrichment:
        """Rank an alert now, or else return the stored ranking that still holds."""
        stored = self._incidents.ranking_of_alert(known.id)
        before = None if stored is None else Enrichment(stored.document, is_stored=True)
        if before is not None and (
            obstacle or known.status != FIRING or not self._enricher.sees(known, in_use)
        ):
            return before
        if obstacle:
            return Enrichment(None, obstacle)
        made = self._enricher.enrich(known, graph, in_use)
        return before if before is not None and made.document is None else made
