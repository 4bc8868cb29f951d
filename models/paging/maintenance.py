"""Maintenance windows, between instants or in session phases, in which items do not page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from features.calendar import Phase

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

EVERY_PHASE = frozenset(Phase)


@dataclass(frozen=True)
class Maintenance:
    """A window of maintenance.

    Attributes
    ----------
    items, teams
        What is under maintenance; an item is covered by its own name or by its team.
    start_ms, end_ms
        The half-open window; with ``phases``, only those phases within it count.
    phases
        Phases of the exchange day: work "after the close" has no fixed hour, because its start depends on
        the trading calendar.
    """

    items: frozenset[str]
    teams: frozenset[str]
    start_ms: int
    end_ms: int
    phases: frozenset[Phase] = EVERY_PHASE

    def is_on(self, at_ms: int, phase: Phase) -> bool:
        """Whether the window covers an instant in a phase."""
        return self.start_ms <= at_ms < self.end_ms and phase in self.phases

    def covers(self, item: str, team: str) -> bool:
        """Whether an item of a team is under maintenance."""
        return item in self.items or team in self.teams


def muted_items(
    windows: Iterable[Maintenance], teams: Mapping[str, str], *, at_ms: int, phase: Phase
) -> frozenset[str]:
    """Items that some window covers at an instant; ``teams`` gives the team of each item."""
    on = [each for each in windows if each.is_on(at_ms, phase)]
    if not on:
        return frozenset()
    return frozenset(item for item, team in teams.items() if any(each.covers(item, team) for each in on))
