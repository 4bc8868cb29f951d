"""Where alerts come in: kept, grouped, explained, and answered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from models.case import BEFORE, LEAD, MAX_WINDOW
from service.clock import to_ms
from service.incidents.enrichment import Enrichment, enrich
from service.incidents.records import FIRING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from cmdb.graph import DependencyGraph
    from models.case import Case
    from service.clock import WallClock
    from service.incidents.records import KnownAlert, Notification
    from service.live import InUse, LiveSignals
    from service.live_logs import LiveLogs
    from service.store.changes import ChangeStore
    from service.store.incidents import IncidentStore

CHANGES_BEFORE = timedelta(hours=24)
"""Changes this long before an alert are shown on its page."""

CHANGE_HISTORY = timedelta(days=7)
"""The ranker sees so much more: how often an item's changes coincide with nothing."""


@dataclass(frozen=True)
class Answer:
    """What is told to the sender of one alert.

    Attributes
    ----------
    ranking
        The ranking's document; ``None`` if there is none.
    unenriched
        Why there is no ranking; empty if there is one.
    """

    notification: Notification
    known: KnownAlert
    ranking: Mapping[str, Any] | None
    unenriched: str


class AlertDesk:
    """Receives webhooks.

    Parameters
    ----------
    elapsed_s
        A steady clock in seconds, for the ranking budget.
    budget_s
        How long the alerts of one webhook may be ranked, taken together.
    max_alerts
        How many alerts of one webhook are ranked; every one is kept.
    on_ranked
        Receives each case that was ranked, with the ranking's document.
    """

    def __init__(
        self,
        incidents: IncidentStore,
        changes: ChangeStore,
        live: LiveSignals,
        logs: LiveLogs,
        clock: WallClock,
        *,
        elapsed_s: Callable[[], float],
        budget_s: float,
        max_alerts: int,
        on_ranked: Callable[[Case, Mapping[str, Any]], None] = lambda _case, _document: None,
    ) -> None:
        self._incidents = incidents
        self._changes = changes
        self._live = live
        self._logs = logs
        self._clock = clock
        self._elapsed_s = elapsed_s
        self._budget_s = budget_s
        self._max_alerts = max_alerts
        self._on_ranked = on_ranked

    def receive(self, notifications: Sequence[Notification], graph: DependencyGraph) -> list[Answer]:
        """Keep and explain the alerts of one webhook; all of it is on disk when this returns."""
        in_use = self._live.in_use  # one bundle throughout, whatever is swapped meanwhile
        known = self._incidents.record(notifications, graph, at=self._clock.now())
        stop_s = self._elapsed_s() + self._budget_s
        explained: dict[int, tuple[Mapping[str, Any] | None, str]] = {}
        for each in known:
            if each.id not in explained:
                obstacle = self._obstacle(len(explained), is_late=self._elapsed_s() > stop_s)
                explained[each.id] = self._explain(each, graph, in_use, obstacle)
        reasons = {alert: reason for alert, (_, reason) in explained.items() if reason}
        if reasons:
            self._incidents.set_unenriched(reasons)
        return [
            Answer(told, kept, *explained[kept.id]) for told, kept in zip(notifications, known, strict=True)
        ]

    def _obstacle(self, n_before: int, *, is_late: bool) -> str:
        """Say why an alert that comes after so many others of its webhook is not ranked; empty if it is."""
        if n_before >= self._max_alerts:
            return f"a webhook's first {self._max_alerts:,} alerts are ranked; this one came after them"
        return "ranking the other alerts of this webhook took all the time there was" if is_late else ""

    def _explain(
        self, known: KnownAlert, graph: DependencyGraph, in_use: InUse, obstacle: str
    ) -> tuple[Mapping[str, Any] | None, str]:
        kept = self._incidents.ranking_of_alert(known.id)
        if kept is not None and (obstacle or known.status != FIRING or not self._sees(known, in_use)):
            return kept.document, ""  # what was said before still holds
        if obstacle:
            return None, obstacle
        made = self._enrich(known, graph, in_use)
        if made.document is None:
            return (kept.document, "") if kept is not None else (None, made.unenriched)
        self._incidents.add_ranking(
            known.id, made.document, cause=made.cause, probability=made.probability, at=self._clock.now()
        )
        if made.case is not None:
            self._on_ranked(made.case, made.document)
        return made.document, ""

    def _sees(self, known: KnownAlert, in_use: InUse) -> bool:
        """Whether a ranking made now would look at all that one made at the alert's start did, or more."""
        starts_at, start_ms = known.alert.starts_at, in_use.window.start_ms
        if start_ms is None or start_ms > to_ms(starts_at - LEAD - BEFORE):
            return False
        return self._live.present() < starts_at + MAX_WINDOW

    def _enrich(self, known: KnownAlert, graph: DependencyGraph, in_use: InUse) -> Enrichment:
        starts_at, at = known.alert.starts_at, self._live.present()
        changes = self._changes.between(starts_at - CHANGE_HISTORY, at)
        others = [
            each.alert
            for each in self._incidents.alerts_of(known.incident)
            if each.status == FIRING and each.id != known.id
        ]
        return enrich(known.alert, at, graph, in_use, changes, other_alerts=others, logs=self._logs)
