"""An alert explained: its case built and ranked, or the reason why that was not possible."""

from __future__ import annotations

import logging
from dataclasses import dataclass, fields, is_dataclass, replace
from importlib.metadata import version
from math import isfinite
from typing import TYPE_CHECKING, Any

from models.cases.case import BEFORE, LEAD, build_case, searched_part
from models.rankers.ranking import Candidate
from service.incidents.page_snapshot import snapshot_of
from telemetry.instants import to_ms

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from cmdb.graph import DependencyGraph
    from cmdb.items import ChangeEvent
    from models.cases.case import Alert, Case
    from models.rankers.ranking import Ranking
    from service.logs.intake import LogIntake
    from service.signals.intake import InUse

logger = logging.getLogger(__name__)

N_KEPT = 50
"""Candidates that are kept and told; the rest of a large neighbourhood is only counted."""


@dataclass(frozen=True)
class Enrichment:
    """What could be said of an alert.

    Attributes
    ----------
    document
        The ranking as it is kept; ``None`` if there is none.
    unenriched
        Why there is none; empty if there is one.
    case
        What was ranked, if anything was.
    is_kept
        Whether it was said, and kept, before.
    """

    document: Mapping[str, Any] | None
    unenriched: str = ""
    case: Case | None = None
    is_kept: bool = False

    @property
    def cause(self) -> str:
        """Item of the first candidate; empty if none is named."""
        if self.document is None or self.document["abstained"] or not self.document["candidates"]:
            return ""
        return str(self.document["candidates"][0]["item"])

    @property
    def probability(self) -> float:
        """Probability of the first candidate; 0 if none is named."""
        return float(self.document["candidates"][0]["probability"]) if self.cause and self.document else 0.0


def enrich(
    alert: Alert,
    at: datetime,
    graph: DependencyGraph,
    in_use: InUse,
    changes: Sequence[ChangeEvent],
    *,
    other_alerts: Sequence[Alert],
    logs: LogIntake | None = None,
) -> Enrichment:
    """Rank the candidates for an alert as of an instant; an alert is never lost to an error here."""
    reason = why_not(alert, graph, in_use)
    if reason:
        return Enrichment(None, reason)
    try:
        return _ranked(alert, at, graph, in_use, changes, other_alerts=other_alerts, logs=logs)
    except Exception:  # the alert goes through whatever happens to its ranking
        logger.exception("ranking failed", extra={"item": alert.item, "alert": alert.name})
        return Enrichment(None, "the ranking failed; the service's log has the details")


def why_not(alert: Alert, graph: DependencyGraph, in_use: InUse) -> str:
    """Say why an alert cannot be ranked at all; empty if it can."""
    if not alert.item:
        return "no label of the alert names a configuration item"
    if in_use.bundle is None:
        return "there is no champion yet: train one with `sunspot train detectors`"
    if alert.item not in graph:
        return f"no configuration item has the id {alert.item!r}"
    return ""


def _ranked(
    alert: Alert,
    at: datetime,
    graph: DependencyGraph,
    in_use: InUse,
    changes: Sequence[ChangeEvent],
    *,
    other_alerts: Sequence[Alert],
    logs: LogIntake | None,
) -> Enrichment:
    bundle, window = in_use.bundle, in_use.window
    if bundle is None:
        return Enrichment(None, why_not(alert, graph, in_use))
    searched, since_ms = searched_part(graph, alert.item).items, to_ms(alert.starts_at - LEAD - BEFORE)
    case = build_case(
        alert,
        at,
        graph,
        window.frame(searched, since_ms=since_ms),
        normal=bundle.normal,
        clock=in_use.clock,
        changes=changes,
        other_alerts=other_alerts,
        bundle_version=bundle.version,
        logs=None if logs is None else logs.window(searched, since_ms=since_ms),
        normal_logs=None if logs is None else logs.normal(searched),
    )
    if not case.window.values and not _has_lines(case):
        return Enrichment(
            None, f"no signals of {alert.item!r} or its dependencies are in the incident's window"
        )
    return Enrichment(_document(case, in_use.ranker.rank(case), at), case=case)


def _has_lines(case: Case) -> bool:
    return case.window_logs is not None and bool(case.window_logs.counts.counts.any())


def _document(case: Case, ranking: Ranking, at: datetime) -> dict[str, Any]:
    document: dict[str, Any] = _plain(replace(ranking, candidates=ranking.candidates[:N_KEPT]))
    document["n_candidates"] = len(ranking.candidates)
    document["code_version"] = version("sunspot")
    document["ranked_at"] = at.isoformat()
    document["page_snapshot"] = _plain(snapshot_of(case, ranking))
    return document


def _plain(value: Any) -> Any:
    """Return a value as JSON will give it back: no dataclass or tuple, and ``None`` for what is no number."""
    if is_dataclass(value):
        return {each.name: _plain(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, Candidate):
        return _plain(value._asdict())
    if isinstance(value, dict):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, float) and not isfinite(value):
        return None
    return value
