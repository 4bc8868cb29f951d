"""What Sunspot itself has to say: alerts of its own making, and the pages among them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from models.cases.case import Alert
from models.paging.rules import CRITICAL, severity_of
from service.incidents.records import FIRING, RESOLVED, Notification
from telemetry.instants import from_ms

if TYPE_CHECKING:
    from models.paging.rules import Call
    from service.scoring.services import ServiceScore

ANOMALY, SILENT_SOURCE, SCORING_STOPPED = "anomaly", "silent_source", "scoring_stopped"
NAMES = {ANOMALY: "Anomaly", SILENT_SOURCE: "SilentSource", SCORING_STOPPED: "ScoringStopped"}
"""Name of the alert by kind of page."""

TOLD_NOVELTY = 1.0
"""What is less new than new values of its series usually are is not told."""


@dataclass(frozen=True, slots=True)
class PageFacts:
    """What a page is about.

    Attributes
    ----------
    metric, score, threshold, tail
        Series furthest over its threshold, and the probability that a tick of a calm one pages so;
        empty and ``None`` where no score is behind the page.
    budget_per_week
        False pages that the team accepts.
    """

    team: str
    item: str
    kind: str
    severity: str
    budget_per_week: float
    metric: str = ""
    score: float | None = None
    threshold: float | None = None
    tail: float | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """An alert of Sunspot's own, and the page that it is unless it joins one."""

    notification: Notification
    page: PageFacts | None = None


def anomaly_notice(
    call: Call,
    *,
    metric: str,
    novelty: float,
    tail: float,
    budget_per_week: float,
    service_score: ServiceScore | None = None,
) -> Notice:
    """Tell of an anomalous item, whether its value is one never seen, and how odd the item is as a whole.

    ``novelty`` is ``nan``, and ``service_score`` is ``None``, where that is not known.
    """
    severity = severity_of(call)
    summary = (
        f"{metric} of {call.item} is {call.score:.0f} standard deviations from normal; "
        f"its threshold is {call.threshold:.0f}"
    )
    if novelty >= TOLD_NOVELTY:
        summary += f". No value near it was ever seen: it lies {novelty:.1f} times as far off as new ones do"
    if service_score is not None:
        summary += (
            f". {call.item} as a whole scores {service_score.score:.1f} by {service_score.detector}; "
            f"more than {service_score.threshold:.1f} is unusual"
        )
    facts = PageFacts(
        call.team,
        call.item,
        ANOMALY,
        severity,
        budget_per_week,
        metric=metric,
        score=call.score,
        threshold=call.threshold,
        tail=tail,
    )
    told = _notification(
        ANOMALY, call.item, call.since_ms, team=call.team, severity=severity, summary=summary
    )
    return Notice(told, facts if call.is_page else None)


def silence_notice(item: str, since_ms: int, *, team: str, budget_per_week: float, is_page: bool) -> Notice:
    """Tell of a source that stopped sending."""
    summary = f"{item} sends nothing any more: whether it is well cannot be seen"
    told = _notification(SILENT_SOURCE, item, since_ms, team=team, severity=CRITICAL, summary=summary)
    return Notice(told, PageFacts(team, item, SILENT_SOURCE, CRITICAL, budget_per_week) if is_page else None)


def stopped_notice(since_ms: int, *, team: str, budget_per_week: float) -> Notice:
    """Tell that nothing is scored any more: the dead man's page."""
    summary = "No tick is scored any more: no signals arrive, or scoring hangs; anomalies are not seen"
    told = _notification(SCORING_STOPPED, "", since_ms, team=team, severity=CRITICAL, summary=summary)
    return Notice(told, PageFacts(team, "", SCORING_STOPPED, CRITICAL, budget_per_week))


def over_notice(kind: str, item: str, since_ms: int, ended_ms: int) -> Notice:
    """Tell that what was told of an item since an instant is over; what was told then stays as it was."""
    return Notice(_notification(kind, item, since_ms, team="", severity="", summary="", ended_ms=ended_ms))


def _notification(
    kind: str,
    item: str,
    since_ms: int,
    *,
    team: str,
    severity: str,
    summary: str,
    ended_ms: int | None = None,
) -> Notification:
    labels = {"alertname": NAMES[kind], "ci": item, "team": team, "source": "sunspot"}
    alert = Alert(
        item,
        NAMES[kind],
        from_ms(since_ms),
        fingerprint=hashlib.sha256(f"sunspot/{kind}/{item}".encode()).hexdigest()[:16],
        severity=severity,
        labels=labels,
        annotations={"summary": summary} if summary else {},
    )
    if ended_ms is None:
        return Notification(alert, FIRING)
    return Notification(alert, RESOLVED, ends_at=from_ms(ended_ms))
