"""Which alerts belong together: those whose items depend on each other and that start close in time."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING

from service.incidents.records import FIRING, Member

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from cmdb.graph import DependencyGraph
    from service.incidents.records import Notification, StoredAlert
    from service.store.incidents import IncidentChanges, IncidentStore

TOGETHER = timedelta(minutes=30)
"""Alerts that start further apart are not judged to share a cause."""


class Grouping:
    """Finds the incident that a new alert belongs to.

    Parameters
    ----------
    graph
        What depends on what; an item outside it is related to itself only.
    members
        Recent alerts and the incidents they are in.
    """

    def __init__(self, graph: DependencyGraph, members: Iterable[Member] = ()) -> None:
        self._graph = graph
        self._by_item: dict[str, list[Member]] = defaultdict(list)
        self._without_item: dict[str, list[Member]] = defaultdict(list)
        self._related = lru_cache(maxsize=None)(graph.related)
        for member in members:
            self.add(member)

    def add(self, member: Member) -> None:
        """Let later alerts join this one."""
        if member.item:
            self._by_item[member.item].append(member)
        else:
            self._without_item[member.fingerprint].append(member)

    def incident_for(self, item: str, starts_at: datetime, *, fingerprint: str = "") -> int | None:
        """Incident of the related alert that starts nearest, or ``None`` if the alert stands alone.

        An alert without an item is related to those of its own fingerprint only.
        """
        near = [
            (abs(member.starts_at - starts_at), -member.incident)
            for member in self._related_to(item, fingerprint)
            if abs(member.starts_at - starts_at) <= TOGETHER
        ]
        return -min(near)[1] if near else None

    def leads(self, item: str, leader: str) -> bool:
        """Whether an alert on ``item`` sees further than the one that leads its incident so far.

        The item that depends on the other does: what may explain the leader may explain it too.
        """
        if item not in self._graph or leader not in self._graph:
            return False
        return leader in self._graph.dependencies(item) and item not in self._graph.dependencies(leader)

    def _related_to(self, item: str, fingerprint: str) -> Iterable[Member]:
        if not item:
            return self._without_item[fingerprint]
        related = self._related(item)
        return chain.from_iterable(members for other, members in self._by_item.items() if other in related)


def record(
    store: IncidentStore, notifications: Sequence[Notification], graph: DependencyGraph, *, at: datetime
) -> list[StoredAlert]:
    """Store the alerts of one webhook, each in its incident; all are on disk when this returns.

    An alert known by fingerprint and start is updated, never stored twice; one without a start is the latest
    of its fingerprint that still fires. A new one joins the incident of a related alert that starts near it,
    or opens an incident. An incident closes when the last of its alerts is resolved.
    """
    if not notifications:
        return []
    starts = [each.alert.starts_at for each in notifications]
    with store.changing() as changes:
        grouping = Grouping(graph, changes.members_between(min(starts) - TOGETHER, max(starts) + TOGETHER))
        numbers = [_record_one(changes, each, grouping, at=at) for each in notifications]
        stored = {each: changes.alert(each) for each in set(numbers)}
        for incident in {each.incident for each in stored.values()}:
            changes.close(incident, closing_time(changes.alerts_of(incident), at=at))
    return [stored[each] for each in numbers]


def closing_time(alerts: Sequence[StoredAlert], *, at: datetime) -> datetime | None:
    """When an incident with these alerts closed; ``None`` while one fires.

    Parameters
    ----------
    at
        Stands in for an end that a sender did not give.
    """
    if any(each.status == FIRING for each in alerts):
        return None
    return max(each.ends_at or at for each in alerts)


def _record_one(
    changes: IncidentChanges, notification: Notification, grouping: Grouping, *, at: datetime
) -> int:
    known = changes.find(notification)
    if known is not None:
        changes.update_alert(known, notification, at=at)
        return known
    alert = notification.alert
    joined = grouping.incident_for(alert.item, alert.starts_at, fingerprint=alert.fingerprint)
    incident = changes.open_incident(alert.starts_at) if joined is None else joined
    leads = joined is None or grouping.leads(alert.item, changes.lead_item(joined))
    number = changes.add_alert(notification, incident, at=at)
    grouping.add(Member(alert.item, alert.starts_at, incident, alert.fingerprint))
    changes.join(incident, number, alert.starts_at, leads=leads)
    return number
