"""Which alerts belong together: those whose items depend on each other and that start close in time."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING, Protocol

from models.cases.case import MAX_ITEMS
from service.incidents.records import Member

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import datetime

    from cmdb.graph import DependencyGraph, Reach
    from service.store.nearest_alerts import Nearest

TOGETHER = timedelta(minutes=30)
"""Alerts that start further apart are not judged to share a cause."""

MILLISECOND = timedelta(milliseconds=1)


class StoredAlerts(Protocol):
    """The alerts on disk, as far as grouping asks for them."""

    def nearest(
        self, items: Collection[str], fingerprint: str, starts_at: datetime, *, within: timedelta
    ) -> Nearest | None:
        """Return the stored alert of some items that starts nearest; without items, of a fingerprint."""
        ...


class Grouping:
    """Finds the incident that a new alert belongs to.

    Parameters
    ----------
    graph
        What depends on what; an item outside it is related to itself only, one in it to the nearest
        `MAX_ITEMS` that it needs and the nearest that need it.
    members
        Alerts and the incidents they are in.
    stored
        Further alerts; ``None`` if there are none.
    """

    def __init__(
        self, graph: DependencyGraph, members: Iterable[Member] = (), *, stored: StoredAlerts | None = None
    ) -> None:
        self._graph = graph
        self._stored = stored
        self._by_item: dict[str, list[Member]] = defaultdict(list)
        self._without_item: dict[str, list[Member]] = defaultdict(list)
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
        related = _related(self._graph, item) if item else frozenset()
        near = [
            (abs(member.starts_at - starts_at), -member.incident)
            for member in self._members(related, fingerprint)
            if abs(member.starts_at - starts_at) <= TOGETHER
        ]
        if self._stored is not None:
            stored = self._stored.nearest(related, fingerprint, starts_at, within=TOGETHER)
            near += [] if stored is None else [(stored.distance_ms * MILLISECOND, -stored.incident)]
        return -min(near)[1] if near else None

    def needs_others(self, item: str) -> bool:
        """Whether an item depends on any other; one that does not never leads."""
        return bool(self._graph.needs.get(item))

    def leads(self, item: str, leader: str) -> bool:
        """Whether an alert on ``item`` sees further than the one that leads its incident so far.

        The item that depends on the other does: what may explain the leader may explain it too.
        """
        reach = _reach(self._graph, item)
        return leader in reach.needs and leader not in reach.needed_by

    def _members(self, related: frozenset[str], fingerprint: str) -> Iterable[Member]:
        if not related:
            return self._without_item[fingerprint]
        return chain.from_iterable(members for other, members in self._by_item.items() if other in related)


@lru_cache(maxsize=32)  # alerts on one item come again, and each entry may hold thousands of names
def _reach(graph: DependencyGraph, item: str) -> Reach:
    return graph.reach(item, max_items=MAX_ITEMS)


@lru_cache(maxsize=32)
def _related(graph: DependencyGraph, item: str) -> frozenset[str]:
    reach = _reach(graph, item)
    return frozenset({item}) | reach.needs | reach.needed_by
