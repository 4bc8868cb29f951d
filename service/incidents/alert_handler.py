"""Where alerts come in: kept, grouped, explained, and answered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from models.cases.case import BEFORE, LEAD, MAX_WINDOW
from service.incidents.enrichment import Enrichment, enrich
from service.incidents.records import FIRING
from telemetry.instants import to_ms

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from cmdb.graph import DependencyGraph
    from models.cases.case import Case
    from service.clock import WallClock
    from service.incidents.records import Notification, StoredAlert
    from service.logs.intake import LogIntake
    from service.signals.intake import InUse, SignalIntake
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
    known: StoredAlert
    ranking: Mapping[str, Any] | None
    unenriched: str


class AlertHandler:
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
        live: SignalIntake,
        logs: LogIntake,
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
        said: dict[int, Enrichment] = {}
        for each in known:
            if each.id not in said:
                obstacle = self._obstacle(len(said), is_late=self._elapsed_s() > stop_s)
                said[each.id] = self._explain(each, graph, in_use, obstacle)
        new = {alert: made for alert, made in said.items() if not made.is_kept}
        self._incidents.add_enrichments(new, at=self._clock.now())
        for made in new.values():
            if made.case is not None and made.document is not None:
                self._on_ranked(made.case, made.document)
        return [
            Answer(told, each, said[each.id].document, said[each.id].unenriched)
            for told, each in zip(notifications, known, strict=True)
        ]

    def _obstacle(self, n_before: int, *, is_late: bool) -> str:
        """Say why an alert that comes after so many others of its webhook is not ranked; empty if it is."""
        if n_before >= self._max_alerts:
            return f"a webhook's first {self._max_alerts:,} alerts are ranked; this one came after them"
        return "ranking the other alerts of this webhook took all the time there was" if is_late else ""

    def _explain(
        self, known: StoredAlert, graph: DependencyGraph, in_use: InUse, obstacle: str
    ) -> Enrichment:
        """What can be said of an alert now, or else what was said before and still holds."""
        kept = self._incidents.ranking_of_alert(known.id)
        before = None if kept is None else Enrichment(kept.document, is_kept=True)
        if before is not None and (obstacle or known.status != FIRING or not self._sees(known, in_use)):
            return before
        if obstacle:
            return Enrichment(None, obstacle)
        made = self._enrich(known, graph, in_use)
        return before if before is not None and made.document is None else made

    def _sees(self, known: StoredAlert, in_use: InUse) -> bool:
        """Whether a ranking made now would look at all that one made at the alert's start did, or more."""
        starts_at, start_ms = known.alert.starts_at, in_use.window.start_ms
        if start_ms is None or start_ms > to_ms(starts_at - LEAD - BEFORE):
            return False
        return self._live.present() < starts_at + MAX_WINDOW

    def _enrich(self, known: StoredAlert, graph: DependencyGraph, in_use: InUse) -> Enrichment:
        starts_at, at = known.alert.starts_at, self._live.present()
        changes = self._changes.between(starts_at - CHANGE_HISTORY, at)
        others = [
            each.alert
            for each in self._incidents.alerts_of(known.incident)
            if each.status == FIRING and each.id != known.id
        ]
        return enrich(known.alert, at, graph, in_use, changes, other_alerts=others, logs=self._logs)
