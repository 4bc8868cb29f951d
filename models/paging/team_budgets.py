"""Turns the false pages that teams accept into the threshold of every series."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from models.paging.merging import rate_before_merging
from models.paging.rules import Watched

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from numpy.typing import NDArray

    from models.paging.page_record import PageRecord
    from telemetry.batches import SeriesKey


@dataclass(frozen=True)
class TeamBudget:
    """The false pages that a team accepts.

    Attributes
    ----------
    budget_per_week
        False pages a week that the team accepts for all its series together.
    columns
        Indices of its series, at least one.
    """

    team: str
    budget_per_week: float
    columns: NDArray[np.int64]

    @property
    def per_series(self) -> float:
        """False pages a week that each of its series may cost."""
        return self.budget_per_week / len(self.columns)


def team_budgets(
    teams: Sequence[str], budgets: Mapping[str, float], *, default_budget: float
) -> dict[str, TeamBudget]:
    """Budgets of all teams that own series.

    Parameters
    ----------
    teams
        Team of each series.
    budgets
        False pages a week by team; other teams have the default.
    """
    columns: dict[str, list[int]] = {}
    for place, team in enumerate(teams):
        columns.setdefault(team, []).append(place)
    return {
        team: TeamBudget(team, budgets.get(team, default_budget), np.array(own, dtype=np.int64))
        for team, own in sorted(columns.items())
    }


def watched_series(
    keys: Sequence[SeriesKey],
    teams: Sequence[str],
    budgets: Mapping[str, TeamBudget],
    record: PageRecord,
    related: Callable[[str], Collection[str]],
) -> Watched:
    """Divide each team's budget equally among its series, and give every series the threshold of its share.

    Parameters
    ----------
    keys, teams
        Key and team of each series.
    related
        Items that an item depends on or that depend on it, itself included: who is merged with whom.
    """
    curves = record.curves([key.metric for key in keys])
    items = tuple(key.item for key in keys)

    def watched(rates: Mapping[str, float]) -> Watched:
        known: dict[tuple[str, str], float] = {}
        for key, team in zip(keys, teams, strict=True):
            if (key.metric, team) not in known:
                known[key.metric, team] = curves[key.metric].threshold_for(rates[team])
        thresholds = [known[key.metric, team] for key, team in zip(keys, teams, strict=True)]
        return Watched(items, tuple(teams), np.array(thresholds, dtype=np.float64))

    shares = {team: each.per_series for team, each in budgets.items()}
    rate_before = rate_before_merging(
        record.calibrated,
        lambda rate: watched(dict.fromkeys(shares, rate)),
        related,
        largest=max(shares.values(), default=0.0),
    )
    return watched({team: rate_before(share) for team, share in shares.items()})
