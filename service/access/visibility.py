"""Which items somebody may see who is limited to some teams."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from cmdb.graph import DependencyGraph


@dataclass(frozen=True, slots=True)
class View:
    """The items and teams that one sender may see.

    Attributes
    ----------
    teams
        Those of the sender; empty for every team.
    named
        Items by which the rest is told: those seen, or those hidden.
    hides_named
        Whether the named items are the hidden ones; every other item, known or not, is then seen.
    """

    teams: frozenset[str] = frozenset()
    named: frozenset[str] = frozenset()
    hides_named: bool = True

    @property
    def is_limited(self) -> bool:
        """Whether anything may be hidden."""
        return bool(self.teams)

    def sees(self, item: str) -> bool:
        """Whether an item is among those seen."""
        return (item in self.named) != self.hides_named

    def sees_team(self, team: str) -> bool:
        """Whether a team is among those seen."""
        return not self.teams or team in self.teams

    def sees_any(self, items: Iterable[str], teams: Iterable[str] = ()) -> bool:
        """Whether at least one of some items and teams is among those seen."""
        return any(map(self.sees, items)) or any(map(self.sees_team, teams))

    def sees_all(self, items: Iterable[str], teams: Iterable[str] = ()) -> bool:
        """Whether all of some items and teams are among those seen."""
        return all(map(self.sees, items)) and all(map(self.sees_team, teams))


EVERYTHING = View()


class Views:
    """The view of each set of teams, under the graph in use.

    An item without a team, or unknown to the graph, is the default team's, as it is in paging.
    """

    def __init__(self, graph: Callable[[], DependencyGraph], *, default_team: str) -> None:
        self._graph = graph
        self._default_team = default_team
        self._made: tuple[DependencyGraph | None, dict[frozenset[str], View]] = (None, {})

    def of(self, teams: frozenset[str]) -> View:
        """Return the view of teams; no team means every team."""
        if not teams:
            return EVERYTHING
        graph, (made_of, views) = self._graph(), self._made
        if graph is not made_of:
            views = {}
            self._made = graph, views
        if teams not in views:
            hides_named = self._default_team in teams
            named = frozenset(
                item.id
                for item in graph.items.values()
                if ((item.team or self._default_team) in teams) != hides_named
            )
            views[teams] = View(teams, named, hides_named)
        return views[teams]
