"""An alert explained: its case built and ranked, or the reason why that was not possible."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from models.cases.case import BEFORE, LEAD, MAX_WINDOW, build_case, searched_part
from service.incidents.ranking_document import ranking_document
from service.signals.pulled import Completed
from telemetry.instants import to_ms

if TYPE_CHECKING:
    from collections.abc import Collection, Hashable

    from cmdb.graph import DependencyGraph
    from features.frame import Frame
    from models.cases.case import Alert, Case
    from service.incidents.ranking_document import StoredRankingDocument
    from service.incidents.records import StoredAlert
    from service.logs.evidence import LogEvidence
    from service.signals.in_use import InUse
    from service.signals.pulled import PulledWindows
    from service.signals.room import SignalsRoom
    from service.spans.evidence import SpanEvidence
    from service.store.changes import ChangeStore
    from service.store.incidents import IncidentStore

logger = logging.getLogger(__name__)

CHANGE_HISTORY = timedelta(days=7)
"""Earlier changes that the ranker sees too: they show how often an item's changes coincide with nothing."""

MAX_OTHERS = 500
"""Other alerts of an incident that a ranking looks at, the first to start first."""

ONLY_FIRST_OTHERS = f"Of the incident's other alerts only the first {MAX_OTHERS:,} that fire were looked at."


@dataclass(frozen=True)
class Enrichment:
    """The ranking made for an alert, or why there is none.

    Attributes
    ----------
    document
        The ranking; ``None`` if there is none.
    unenriched
        Why there is none; empty if there is one.
    case
        What was ranked, if anything was.
    is_stored
        Whether it is on disk already, for this alert or for another on the same item of its incident.
    """

    document: StoredRankingDocument | None
    unenriched: str = ""
    case: Case | None = None
    is_stored: bool = False

    @property
    def is_new(self) -> bool:
        """Whether it is a ranking that is to be stored."""
        return self.document is not None and not self.is_stored


class Enricher:
    """Ranks the candidates for an alert by everything that is known at this moment."""

    def __init__(
        self,
        incidents: IncidentStore,
        changes: ChangeStore,
        signals: SignalsRoom,
        logs: LogEvidence,
        spans: SpanEvidence,
        *,
        pulled: PulledWindows | None = None,
    ) -> None:
        self._incidents = incidents
        self._changes = changes
        self._signals = signals
        self._logs = logs
        self._spans = spans
        self._pulled = pulled

    def sees(self, known: StoredAlert, in_use: InUse) -> bool:
        """Whether a ranking made now would look at no less than one made at the alert's start."""
        starts_at, start_ms = known.alert.starts_at, in_use.window.start_ms
        if start_ms is None or start_ms > to_ms(starts_at - LEAD - BEFORE):
            return False
        return self._signals.present() < starts_at + MAX_WINDOW

    def evidence(self, graph: DependencyGraph, in_use: InUse) -> Hashable:
        """Return what differs once a ranking may differ: ranker, bundle, graph, ticks and changes."""
        version = "" if in_use.bundle is None else in_use.bundle.version
        window, present_ms = in_use.window, to_ms(self._signals.present())
        tick = window.first_open_tick, present_ms // window.step_ms
        return in_use.ranker.version, version, graph.version, tick, self._changes.n_added

    def enrich(self, known: StoredAlert, graph: DependencyGraph, in_use: InUse) -> Enrichment:
        """Rank the candidates for an alert as of the present; an alert is never lost to an error here."""
        alert, bundle, at = known.alert, in_use.bundle, self._signals.present()
        reason = why_not(alert, graph, in_use)
        if reason or bundle is None:
            return Enrichment(None, reason)
        items = searched_part(graph, alert.item).items
        changes = self._changes.between(alert.starts_at - CHANGE_HISTORY, at, items=items)
        others = self._incidents.firing_of(known.incident, but=known.id, limit=MAX_OTHERS + 1)
        try:
            since_ms = to_ms(alert.starts_at - LEAD - BEFORE)
            pushed = in_use.window.frame(items, since_ms=since_ms)
            signals = self._completed(pushed, graph, items, since_ms=since_ms, until_ms=to_ms(at))
            spans, normal_spans = self._spans.collect(graph, items, since_ms=since_ms) or (None, None)
            notes = (ONLY_FIRST_OTHERS if len(others) > MAX_OTHERS else "", self._spans.age_sentence(at))
            case = build_case(
                alert,
                at,
                graph,
                signals.frame,
                normal=bundle.normal,
                clock=in_use.clock,
                changes=changes,
                other_alerts=others[:MAX_OTHERS],
                bundle_version=bundle.version,
                logs=self._logs.window(items, since_ms=since_ms),
                normal_logs=self._logs.normal(items),
                spans=spans,
                normal_spans=normal_spans,
                notes=(*filter(None, notes), *signals.notes),
            )
            if not case.window.values and not _has_lines(case) and not _has_spans(case):
                return Enrichment(
                    None, f"no signals of {alert.item!r} or its dependencies are in the incident's window"
                )
            return Enrichment(ranking_document(case, in_use.ranker.rank(case), at), case=case)
        except Exception:  # the alert is accepted even if its ranking fails
            logger.exception("ranking failed", extra={"item": alert.item, "alert": alert.name})
            return Enrichment(None, "the ranking failed; the service's log has the details")

    def _completed(
        self, pushed: Frame, graph: DependencyGraph, items: Collection[str], *, since_ms: int, until_ms: int
    ) -> Completed:
        """Return a window with what was not pushed, where it can be asked for."""
        if self._pulled is None:
            return Completed(pushed)
        book = self._signals.names.book(graph)
        return self._pulled.complete(pushed, items, book, since_ms=since_ms, until_ms=until_ms)


def why_not(alert: Alert, graph: DependencyGraph, in_use: InUse) -> str:
    """Return why an alert cannot be ranked at all; empty if it can."""
    if not alert.item:
        return "no label of the alert names a configuration item"
    if in_use.bundle is None:
        return "there is no champion yet: train one with `sunspot train detectors`"
    if alert.item not in graph:
        return f"no configuration item has the id {alert.item!r}"
    return ""


def _has_lines(case: Case) -> bool:
    return case.window_logs is not None and bool(case.window_logs.counts.counts.any())


def _has_spans(case: Case) -> bool:
    return case.window_spans is not None and bool(len(case.window_spans.own.n))
