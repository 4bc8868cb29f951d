"""Alerts of the firm's existing monitoring: plain rules on symptoms that customers feel."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from experiments.brokerage.alertmanager import alertmanager_payload
from experiments.brokerage.estate import ASSETS_PER_REQUEST, CALLS, COMPONENTS, ENTRY, HIT_RATIOS
from experiments.brokerage.traffic import expected_demand
from features.golden import Role
from telemetry.instants import from_ms

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from experiments.brokerage.simulate import Simulation
    from features.frame import Frame

__all__ = ["AlertEvent", "alertmanager_payload", "firing_alerts", "usual_latency_s"]

USER_FACING = (ENTRY, *sorted({call.callee for call in CALLS if call.caller == ENTRY} - {"session"}))
"""The gateway, and the services that answer the customers' journeys."""

SLOW = 3.0
"""A latency above this multiple of the usual one is too slow."""

FAILING = 0.02
"""A share of failed requests above this is too high."""

BACKLOG = 0.2
"""A queue fuller than this share is too full."""

QUIET, BUSY = 0.4, 1.6
"""Requests below or above these multiples of the business's plan for the minute are too few or too many."""

FEWEST_REQUESTS = 60.0
"""Latency and failures are judged only from this many requests per minute."""

FOR_MINUTES = 3.0
CLEAR_MINUTES = 5.0


class Rule(NamedTuple):
    """A rule of the existing monitoring.

    Attributes
    ----------
    summary_format
        Format of the summary, with ``{item}``, ``{value}`` and ``{threshold}``; of shares also with
        ``{percent}`` and ``{limit_percent}``.
    """

    name: str
    item: str
    severity: str
    summary_format: str


@dataclass(frozen=True)
class AlertEvent:
    """An alert from when it fired until it cleared.

    Attributes
    ----------
    starts_at, ends_at
        UTC; no end while the alert is firing.
    value, threshold
        In the unit of the metric, at the time of firing.
    """

    name: str
    item: str
    severity: str
    team: str
    starts_at: datetime
    ends_at: datetime | None
    value: float
    threshold: float
    summary: str

    def is_firing(self, at: datetime) -> bool:
        """Whether the alert is firing at an instant."""
        return self.starts_at <= at and (self.ends_at is None or at < self.ends_at)


def firing_alerts(
    simulation: Simulation, *, history: Frame | None = None, since: datetime | None = None
) -> list[AlertEvent]:
    """Every alert that the plain rules raise, in order of firing.

    Parameters
    ----------
    simulation
        The simulated days.
    history
        Normal days that define the usual latencies; by default the simulation itself, whose median is not
        moved by a fault of an hour or two.
    since
        Alerts that fired earlier are left out.
    """
    frame = simulation.frame
    requests = frame.role(Role.REQUESTS, USER_FACING)
    latency_s = frame.role(Role.LATENCY, USER_FACING)
    failing = frame.role(Role.ERRORS, USER_FACING)
    usual_s = usual_latency_s(history or frame)
    enough = requests >= FEWEST_REQUESTS * frame.step_ms / 60_000.0
    alerts: list[AlertEvent] = []
    for column, item in enumerate(USER_FACING):
        severity = "critical" if item == ENTRY else "warning"
        slow = Rule(
            "SlowRequests", item, severity, "{item} takes {value:.3f} s a request (limit {threshold:.3f} s)"
        )
        alerts += _episodes(
            slow, frame, np.where(enough, latency_s, np.nan)[:, column], SLOW * usual_s[column]
        )
        failed = Rule(
            "FailingRequests",
            item,
            severity,
            "{percent:.1f} % of the requests to {item} fail (limit {limit_percent:g} %)",
        )
        alerts += _episodes(failed, frame, np.where(enough, failing, np.nan)[:, column], FAILING)
    ratio = requests[:, 0] / _planned(simulation)
    quiet = Rule(
        "FewRequests",
        ENTRY,
        "critical",
        "{item} has {value:.2f} times the planned requests (limit {threshold:.2f})",
    )
    alerts += _episodes(quiet, frame, ratio, QUIET, below=True)
    busy = Rule(
        "ManyRequests",
        ENTRY,
        "warning",
        "{item} has {value:.2f} times the planned requests (limit {threshold:.2f})",
    )
    alerts += _episodes(busy, frame, ratio, BUSY)
    queues = [item for item, component in COMPONENTS.items() if component.kind == "queue"]
    backlog = frame.role(Role.SATURATION, queues)
    for column, queue in enumerate(queues):
        late = Rule(
            "LateMessages", queue, "warning", "{item} is {percent:.0f} % full (limit {limit_percent:g} %)"
        )
        alerts += _episodes(late, frame, backlog[:, column], BACKLOG)
    alerts.sort(key=lambda alert: (alert.starts_at, alert.severity, alert.item, alert.name))
    return [alert for alert in alerts if since is None or alert.starts_at >= since]


def usual_latency_s(history: Frame) -> NDArray[np.float64]:
    """Median latency of each user-facing item over its busy ticks, shape ``(len(USER_FACING),)``."""
    latency_s = history.role(Role.LATENCY, USER_FACING)
    enough = history.role(Role.REQUESTS, USER_FACING) >= FEWEST_REQUESTS * history.step_ms / 60_000.0
    return np.array(
        [
            np.median(values[is_busy & np.isfinite(values)])
            for values, is_busy in zip(latency_s.T, enough.T, strict=True)
        ]
    )


def _planned(simulation: Simulation) -> NDArray[np.float64]:
    """Planned requests to the gateway in each tick, with the market open."""
    conditions = simulation.conditions
    through_cdn = 1.0 + ASSETS_PER_REQUEST * (1.0 - HIT_RATIOS["cdn"])
    planned: NDArray[np.float64] = expected_demand(conditions, as_planned=True) * through_cdn
    return planned * simulation.frame.step_ms / 1000.0


def _episodes(
    rule: Rule, frame: Frame, values: NDArray[np.float64], threshold: float, *, below: bool = False
) -> list[AlertEvent]:
    """Intervals in which a rule fires; a missing tick neither fires nor clears it."""
    needed = max(1, round(FOR_MINUTES * 60_000 / frame.step_ms))
    clears = max(1, round(CLEAR_MINUTES * 60_000 / frame.step_ms))
    seen = np.flatnonzero(np.isfinite(values))
    bad = values[seen] < threshold if below else values[seen] > threshold
    found: list[AlertEvent] = []
    n_bad = n_good = 0
    is_firing = False
    for tick, is_bad in zip(seen.tolist(), bad.tolist(), strict=True):
        n_bad, n_good = (n_bad + 1, 0) if is_bad else (0, n_good + 1)
        end = from_ms(frame.start_ms + (tick + 1) * frame.step_ms)
        if not is_firing and n_bad >= needed:
            found.append(_alert(rule, end, float(values[tick]), threshold))
            is_firing = True
        elif is_firing and n_good >= clears:
            found[-1] = _cleared(found[-1], end)
            is_firing = False
    return found


def _alert(rule: Rule, at: datetime, value: float, threshold: float) -> AlertEvent:
    summary = rule.summary_format.format(
        item=rule.item, value=value, threshold=threshold, percent=value * 100, limit_percent=threshold * 100
    )
    team = COMPONENTS[rule.item].team
    return AlertEvent(rule.name, rule.item, rule.severity, team, at, None, value, threshold, summary)


def _cleared(alert: AlertEvent, at: datetime) -> AlertEvent:
    return replace(alert, ends_at=at)
