"""Sunspot's own notices: the alerts that it raises itself, and the pages among them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from models.cases.case import Alert
from models.paging.rules import CRITICAL, severity_of
from service.incidents.records import FIRING, OWN_SOURCE, RESOLVED, Notification
from service.paging.symptom import symptom
from telemetry.instants import from_ms

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.paging.rules import Call
    from service.scoring.tick import ServiceScore

ANOMALY, SILENT_SOURCE, SCORING_STOPPED = "anomaly", "silent_source", "scoring_stopped"
PART_FAILING = "part_failing"
NAMES = {
    ANOMALY: "Anomaly",
    SILENT_SOURCE: "SilentSource",
    SCORING_STOPPED: "ScoringStopped",
    PART_FAILING: "SunspotPartFailing",
}
"""Name of the alert by kind of page."""

SHOWN_NOVELTY = 1.0
"""Novelty below this is not mentioned: new values of the series are usually as far off."""


@dataclass(frozen=True, slots=True)
class PageFacts:
    """What a page is about.

    Attributes
    ----------
    metric, score, threshold, tail
        Series furthest over its threshold, and the probability that a tick of a normal one pages so;
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
    """An alert of Sunspot's own, with its page unless it joins an earlier one."""

    notification: Notification
    page: PageFacts | None = None


def anomaly_notice(
    call: Call,
    *,
    metric: str,
    value: float,
    usual: float,
    novelty: float,
    tail: float,
    budget_per_week: float,
    service_score: ServiceScore | None = None,
) -> Notice:
    """Make the notice of an anomalous item: what is wrong in plain words, and detection's figures beside.

    Parameters
    ----------
    value, usual
        Of the series, in its unit: now, and at this time of the exchange day; ``nan`` where not known.
    novelty
        How far the value is from every earlier one, as a multiple of what new values usually are;
        ``nan`` where not known.
    service_score
        How unusual the item is as a service; ``None`` where not known.
    """
    severity = severity_of(call)
    detection = f"{metric} scores {call.score:.0f}; its threshold is {call.threshold:.0f}"
    if novelty >= SHOWN_NOVELTY:
        detection += (
            f". No value near it was seen before: {novelty:.1f} times as far off as new ones usually are"
        )
    if service_score is not None:
        detection += (
            f". {call.item} as a service scores {service_score.score:.1f} by {service_score.detector}; "
            f"its threshold is {service_score.threshold:.1f}"
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
    notification = _notification(
        ANOMALY,
        call.item,
        call.since_ms,
        team=call.team,
        severity=severity,
        summary=symptom(call.item, metric, value, usual),
        detection=detection,
    )
    return Notice(notification, facts if call.is_page else None)


def silence_notice(item: str, since_ms: int, *, team: str, budget_per_week: float, is_page: bool) -> Notice:
    """Make the notice of a source that stopped sending."""
    summary = f"{item} has stopped sending signals: its health cannot be seen"
    notification = _notification(SILENT_SOURCE, item, since_ms, team=team, severity=CRITICAL, summary=summary)
    facts = PageFacts(team, item, SILENT_SOURCE, CRITICAL, budget_per_week)
    return Notice(notification, facts if is_page else None)


def stopped_notice(since_ms: int, *, team: str, budget_per_week: float) -> Notice:
    """Make the dead man's page: nothing is scored any more."""
    summary = "Scoring has stopped: no signals arrive, or scoring hangs; anomalies are not seen"
    notification = _notification(SCORING_STOPPED, "", since_ms, team=team, severity=CRITICAL, summary=summary)
    return Notice(notification, PageFacts(team, "", SCORING_STOPPED, CRITICAL, budget_per_week))


def failing_notice(since_ms: int, *, problems: Sequence[str], team: str, budget_per_week: float) -> Notice:
    """Make the page that names the parts of Sunspot itself that fail."""
    summary = f"A part of Sunspot has failed: {'; '.join(problems)}"
    notification = _notification(PART_FAILING, "", since_ms, team=team, severity=CRITICAL, summary=summary)
    return Notice(notification, PageFacts(team, "", PART_FAILING, CRITICAL, budget_per_week))


def over_notice(kind: str, item: str, since_ms: int, ended_ms: int) -> Notice:
    """Make the notice that an alert on an item, which began at an instant, is resolved."""
    return Notice(_notification(kind, item, since_ms, team="", severity="", summary="", ended_ms=ended_ms))


def fingerprint_of(kind: str, item: str = "") -> str:
    """Return the fingerprint of Sunspot's alerts of a kind on an item; without one, on Sunspot itself."""
    return hashlib.sha256(f"sunspot/{kind}/{item}".encode()).hexdigest()[:16]


def _notification(
    kind: str,
    item: str,
    since_ms: int,
    *,
    team: str,
    severity: str,
    summary: str,
    detection: str = "",
    ended_ms: int | None = None,
) -> Notification:
    labels = {"alertname": NAMES[kind], "ci": item, "team": team, "source": OWN_SOURCE}
    alert = Alert(
        item,
        NAMES[kind],
        from_ms(since_ms),
        fingerprint=fingerprint_of(kind, item),
        severity=severity,
        labels=labels,
        annotations={name: text for name, text in (("summary", summary), ("detection", detection)) if text},
    )
    if ended_ms is None:
        return Notification(alert, FIRING)
    return Notification(alert, RESOLVED, ends_at=from_ms(ended_ms))
