"""Which team owns which series, and the thresholds of its page budget under the bundle and graph in use."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from models.paging.merging import replayed_calls
from models.paging.team_budgets import team_budgets, watched_series
from models.paging.thresholds import WEEK_MS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from cmdb.graph import DependencyGraph
    from models.artifacts.bundle import Bundle
    from models.paging.rules import Watched
    from models.paging.team_budgets import TeamBudget
    from service.settings import Settings


@dataclass(frozen=True)
class Teams:
    """Owners and budgets, as of one bundle and one graph.

    Attributes
    ----------
    of_item
        Team by item, of every item with a series.
    budgets
        By team.
    watched
        The bundle's series with their thresholds.
    replayed
        Pages by team that these thresholds bring in normal time that the bundle did not learn from.
    replayed_weeks
        How long that time is, by team.
    """

    of_item: Mapping[str, str]
    budgets: Mapping[str, TeamBudget]
    watched: Watched
    replayed: Mapping[str, int]
    replayed_weeks: Mapping[str, float]

    def tail(self, team: str, step_ms: int) -> float:
        """Probability that a tick of a normal series of a team pages."""
        return min(1.0, self.budgets[team].per_series * step_ms / WEEK_MS)


def teams_of(
    bundle: Bundle,
    graph: DependencyGraph,
    settings: Settings,
    related: Callable[[str], Collection[str]],
) -> Teams | None:
    """Return the teams, or ``None`` if the bundle has no counts of false pages.

    Parameters
    ----------
    related
        Items that an item depends on or that depend on it, itself included.
    """
    if bundle.pages is None:
        return None
    keys = bundle.baseline.keys
    of_item = {key.item: owner(key.item, graph, settings) for key in keys}
    teams = [of_item[key.item] for key in keys]
    budgets = team_budgets(teams, settings.team_budgets, default_budget=settings.page_budget)
    watched = watched_series(keys, teams, budgets, bundle.pages, related)
    later = bundle.pages.replayed
    pages = Counter(call.team for call in replayed_calls(later, watched, related) if call.is_page)
    weeks = {team: float(later.weeks[each.columns].max()) for team, each in budgets.items()}
    return Teams(of_item, budgets, watched, pages, weeks)


def owner(item: str, graph: DependencyGraph, settings: Settings) -> str:
    """Team of an item; the default one if the CMDB names none."""
    known = graph.items.get(item)
    return known.team if known is not None and known.team else settings.default_team


def budget_of(team: str, settings: Settings) -> float:
    """False pages a week that a team accepts."""
    return settings.team_budgets.get(team, settings.page_budget)
