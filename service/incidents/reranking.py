"""Open incidents ranked again: an answer gets better while its evidence comes in.

An incident is ranked when its alerts change and, while its window lasts, once for each tick that closes; once
more when it resolves, also if the service stopped in between. Late samples count: they change no score, but
the next ranking, a tick later at most, sees them.
"""

from __future__ import annotations

import logging
from threading import Lock
from typing import TYPE_CHECKING

from models.cases.case import MAX_WINDOW
from service.errors import StoreUnavailableError
from service.incidents.publishing import Made
from service.incidents.records import FIRING
from telemetry.instants import to_ms

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cmdb.graph import DependencyGraph
    from service.incidents.enrichment import Enricher
    from service.incidents.publishing import RankingPublisher
    from service.incidents.ranking_pace import TimeShare
    from service.incidents.records import StoredAlert
    from service.signals.room import SignalsRoom
    from service.store.incidents import IncidentStore

logger = logging.getLogger(__name__)

MAX_OPEN = 100
"""So many open incidents, the latest, are ranked again with every tick; others wait for an alert."""

NEW_SIGNALS, NEW_ALERT, RESOLVED_NOW = "new signals", "another alert joined", "the incident was resolved"


class Reranker:
    """Ranks open incidents again, in the background.

    Parameters
    ----------
    graph
        Returns the current dependency graph.
    elapsed_s
        A steady clock in seconds.
    budget_s
        How long one round may take; what is left waits for the next.
    time
        The time there is for ranking again; what is left waits until there is more.
    """

    def __init__(
        self,
        incidents: IncidentStore,
        enricher: Enricher,
        publisher: RankingPublisher,
        signals: SignalsRoom,
        *,
        graph: Callable[[], DependencyGraph],
        elapsed_s: Callable[[], float],
        budget_s: float,
        time: TimeShare,
    ) -> None:
        self._incidents = incidents
        self._enricher = enricher
        self._publisher = publisher
        self._signals = signals
        self._graph = graph
        self._elapsed_s = elapsed_s
        self._budget_s = budget_s
        self._time = time
        self._changing = Lock()
        self._waiting: dict[int, str] = {}
        self._evidence: tuple[str, int, int] | None = None
        self._looked_ms = 0
        self._has_resumed = False

    def alerts_changed(self, known: Sequence[StoredAlert]) -> None:
        """Rank the incidents of some alerts that just changed again, soon.

        The lead alert was ranked when it arrived, so only another alert's arrival matters.
        """
        graph = self._graph()
        known = [each for each in known if each.alert.item in graph]  # others are nobody's evidence
        if not known:
            return
        joined: dict[int, list[int]] = {each.incident: [] for each in known}
        for each in known:
            if each.status == FIRING and each.n_received == 1:
                joined[each.incident].append(each.id)
        for number, lead, is_closed in self._incidents.leads_of(joined):
            if is_closed:
                self._wait(number, RESOLVED_NOW)
            elif any(each != lead for each in joined[number]):
                self._wait(number, NEW_ALERT)

    def advance(self) -> int:
        """Rank again what waits, and with new evidence every open incident; return how many were.

        Raises
        ------
        StoreUnavailableError
            If the store is out of reach: what waits goes on waiting.
        """
        self._resume()
        evidence, present = self._evidence_now(), self._signals.present()
        if self._is_due(evidence, to_ms(present)):
            for incident in self._incidents.open_since(present - MAX_WINDOW, limit=MAX_OPEN):
                self._wait(incident.id, NEW_SIGNALS)
            self._evidence, self._looked_ms = evidence, to_ms(present)
        stop_s, n_ranked = self._elapsed_s() + self._budget_s, 0
        while self._elapsed_s() <= stop_s and not self._time.is_spent:
            with self._changing:
                if not self._waiting:
                    break
                incident_id = next(iter(self._waiting))
                reason = self._waiting.pop(incident_id)
            try:
                with self._time.spending():
                    n_ranked += self._rank(incident_id, reason)
            except StoreUnavailableError:
                self._wait(incident_id, reason)
                raise
        return n_ranked

    def _resume(self) -> None:
        """Let incidents wait that were resolved before the service stopped, and not ranked since.

        Without a bundle nothing could be ranked yet.
        """
        if self._has_resumed or self._signals.in_use.bundle is None:
            return
        graph, since = self._graph(), self._signals.present() - MAX_WINDOW
        for number, item in self._incidents.closed_unranked(since):
            if item in graph:
                self._wait(number, RESOLVED_NOW)
        self._has_resumed = True

    def _evidence_now(self) -> tuple[str, int, int]:
        """Return what changes with the evidence: the bundle, the ticks closed, and the late samples."""
        in_use = self._signals.in_use
        version = "" if in_use.bundle is None else in_use.bundle.version
        return version, in_use.window.first_open_tick, in_use.window.n_late

    def _is_due(self, evidence: tuple[str, int, int], present_ms: int) -> bool:
        """Whether evidence is new; late samples alone wait for the next tick that closes, or for its time."""
        if self._evidence is None or evidence[:2] != self._evidence[:2]:
            return True
        waited_ms = abs(present_ms - self._looked_ms)  # a clock may be set back
        return evidence != self._evidence and waited_ms >= self._signals.in_use.window.step_ms

    def _wait(self, incident: int, reason: str) -> None:
        with self._changing:
            if reason == RESOLVED_NOW or incident not in self._waiting:
                self._waiting[incident] = reason

    def _rank(self, incident_id: int, reason: str) -> bool:
        incident, in_use = self._incidents.get(incident_id), self._signals.in_use
        if not self._enricher.sees(incident.lead, in_use):
            return False
        made = self._enricher.enrich(incident.lead, self._graph(), in_use)
        if made.document is None:
            return False  # the earlier ranking stays
        self._publisher.publish([Made(incident.lead, made, reason)])
        return True
