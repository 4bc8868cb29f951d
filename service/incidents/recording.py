"""Alerts recorded: stored in their incidents, a few at a time, so that no other writer waits for long."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from service.incidents.grouping import Grouping
from service.incidents.records import Member

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from cmdb.graph import DependencyGraph
    from models.cases.case import Alert
    from service.incidents.records import Notification, StoredAlert
    from service.store.alert_changes import AlertChanges
    from service.store.incidents import IncidentStore

MAX_ALERTS, MAX_S = 100, 0.05
"""Alerts in one transaction, and seconds after which it takes no further one."""


def record(
    store: IncidentStore,
    notifications: Sequence[Notification],
    graph: DependencyGraph,
    *,
    at: datetime,
    elapsed_s: Callable[[], float],
    why_not: Callable[[Alert], str],
) -> list[StoredAlert]:
    """Store alerts, each in its incident; all are on disk when this returns.

    An alert known by fingerprint and start is updated, never stored twice: after a failure in between, the
    same alerts may be sent again. One without a start is the latest of its fingerprint that still fires. A
    new one joins the incident of a related alert that starts near it, or opens an incident. An incident
    closes when the last of its alerts is resolved.

    Parameters
    ----------
    elapsed_s
        A steady clock in seconds.
    why_not
        Returns why a new alert cannot be ranked; empty if it may be.
    """
    known: list[StoredAlert] = []
    while len(known) < len(notifications):
        some = notifications[len(known) : len(known) + MAX_ALERTS]
        work = partial(_record, some, graph, elapsed_s=elapsed_s, why_not=why_not)
        known += store.change(work, at=at)
    return known


def _record(
    notifications: Sequence[Notification],
    graph: DependencyGraph,
    changes: AlertChanges,
    *,
    elapsed_s: Callable[[], float],
    why_not: Callable[[Alert], str],
) -> list[StoredAlert]:
    """Store the first of some alerts, at least one of them, until the time is up."""
    stop_s = elapsed_s() + MAX_S
    grouping, numbers = Grouping(graph, stored=changes), []
    changes.look_up(notifications)
    for each in notifications:
        numbers.append(_record_one(changes, each, grouping, why_not(each.alert)))
        if elapsed_s() > stop_s:
            break
    stored = changes.finish(set(numbers))
    return [stored[each] for each in numbers]


def _record_one(
    changes: AlertChanges, notification: Notification, grouping: Grouping, unenriched: str
) -> int:
    known = changes.find(notification)
    if known is not None:
        changes.update_alert(known, notification)
        return known
    alert = notification.alert
    joined = grouping.incident_for(alert.item, alert.starts_at, fingerprint=alert.fingerprint)
    incident = changes.open_incident(alert.starts_at) if joined is None else joined
    leads = joined is None or (
        grouping.needs_others(alert.item) and grouping.leads(alert.item, changes.lead_item(joined))
    )
    grouping.add(Member(alert.item, alert.starts_at, incident, alert.fingerprint))
    return changes.add_alert(notification, incident, leads=leads, unenriched=unenriched)
