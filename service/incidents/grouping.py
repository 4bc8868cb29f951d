"""Which alerts belong together: those whose items depend on each other and that start close in time."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from cmdb.graph import DependencyGraph

TOGETHER = timedelta(minutes=30)
"""Alerts that start further apart are not judged to share a cause."""


@dataclass(frozen=True, slots=True)
class Member:
    """An alert as far as grouping looks at it.

    Attributes
    ----------
    item
        What the alert is about; empty if none of its labels says so.
    """

    item: str
    starts_at: datetime
    incident: int
    fingerprint: str = ""


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
        self._related = lru_cache(maxsize=None)(self._walk)
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

    def _walk(self, item: str) -> frozenset[str]:
        if item not in self._graph:
            return frozenset({item})
        return frozenset({item} | self._graph.dependencies(item) | self._graph.dependents(item))
