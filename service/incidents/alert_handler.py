"""Alert webhooks handled: their alerts are stored, grouped, explained and answered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from service.incidents.enrichment import Enrichment, why_not
from service.incidents.publishing import Made
from service.incidents.recording import record
from service.incidents.records import FIRING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cmdb.graph import DependencyGraph
    from models.cases.case import Alert
    from service.clock import WallClock
    from service.incidents.enrichment import Enricher
    from service.incidents.publishing import RankingPublisher
    from service.incidents.ranking_document import StoredRankingDocument
    from service.incidents.ranking_pace import RankingPace
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


@dataclass
class RankingAllowance:
    """What is left of the ranking that the alerts of one webhook are allowed, all of them together.

    Attributes
    ----------
    n_left
        How many of its alerts may still be ranked; every one is stored.
    stop_s
        When ranking them must be over, on the steady clock.
    """

    n_allowed: int
    n_left: int
    stop_s: float

    def obstacle(self, elapsed_s: float) -> str:
        """Return why no further alert of the webhook is ranked; empty if one may be."""
        if self.n_left <= 0:
            return f"a webhook's first {self.n_allowed:,} alerts are ranked; this one came after them"
        late = elapsed_s > self.stop_s
        return "ranking the other alerts of this webhook took all the time there was" if late else ""


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
    pace
        How often alerts are ranked, whichever webhook they come with.
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
        pace: RankingPace,
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
        self._pace = pace

    def allowance(self) -> RankingAllowance:
        """Return what the alerts of a webhook that begins now are allowed."""
        return RankingAllowance(self._max_alerts, self._max_alerts, self._elapsed_s() + self._budget_s)

    def receive(
        self,
        notifications: Sequence[Notification],
        graph: DependencyGraph,
        *,
        allowance: RankingAllowance | None = None,
        announce: bool = True,
    ) -> list[Answer]:
        """Store and explain alerts; all of it is on disk when this returns.

        Parameters
        ----------
        allowance
            What is left to the webhook that these alerts are a part of; by default they are all of it.
        announce
            Whether a new answer is announced; false for a caller that sends a message of its own.
        """
        in_use = self._signals.in_use  # one bundle throughout, whatever is swapped meanwhile
        allowance = allowance or self.allowance()
        refused = allowance.obstacle(self._elapsed_s())

        def obstacle(alert: Alert) -> str:
            return why_not(alert, graph, in_use) or refused

        known = record(
            self._incidents,
            notifications,
            graph,
            at=self._clock.now(),
            elapsed_s=self._elapsed_s,
            why_not=obstacle,
        )
        found: dict[int, Enrichment] = {}
        made: list[Made] = []
        for each in known:
            if each.id not in found:
                found[each.id] = enrichment = self._explain(each, graph, in_use, allowance)
                allowance.n_left -= 1
                if not enrichment.is_stored or each.unenriched != enrichment.unenriched:
                    made.append(Made(each, enrichment, FIRST if each.n_received == 1 else AGAIN))
        self._publisher.publish(made, announce=announce)
        self._reranker.alerts_changed(known)
        return [
            Answer(notification, each, found[each.id].document, found[each.id].unenriched)
            for notification, each in zip(notifications, known, strict=True)
        ]

    def _explain(
        self, known: StoredAlert, graph: DependencyGraph, in_use: InUse, allowance: RankingAllowance
    ) -> Enrichment:
        """Rank an alert now, or else return the answer that holds for it, or why there is none."""
        if known.n_received == 1 and known.unenriched:
            return Enrichment(None, known.unenriched, is_stored=True)
        stored = None if known.n_received == 1 else self._incidents.ranking_of_alert(known.id)
        before = None if stored is None else Enrichment(stored.document, is_stored=True)
        if before is not None and (known.status != FIRING or not self._enricher.sees(known, in_use)):
            return before
        reason = why_not(known.alert, graph, in_use)
        if not reason:
            reason = allowance.obstacle(self._elapsed_s())
            evidence = self._enricher.evidence(graph, in_use)
            shared = None if reason else self._pace.answer_for(known, evidence)
            if shared is not None:
                return Enrichment(shared, is_stored=True)
            reason = reason or self._pace.obstacle(known.incident)
        if reason:
            return before or Enrichment(None, reason, is_stored=reason == known.unenriched)
        with self._pace.ranking(known.incident):
            made = self._enricher.enrich(known, graph, in_use)
        if made.document is not None:
            self._pace.remember(known, evidence, made.document)
        return before if before is not None and made.document is None else made
