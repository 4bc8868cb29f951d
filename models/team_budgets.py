"""From the false pages that teams accept to the threshold of every series."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from models.paging_rules import Watched

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from models.page_record import PageRecord
    from telemetry.batches import SeriesKey


@dataclass(frozen=True)
class TeamBudget:
    """What a team accepts.

    Attributes
    ----------
    budget_per_week
        False pages the whole team accepts a week.
    columns
        Places of its series, at least one.
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
        False pages a week by team; others have the default.
    """
    columns: dict[str, list[int]] = {}
    for place, team in enumerate(teams):
        columns.setdefault(team, []).append(place)
    return {
        team: TeamBudget(team, budgets.get(team, default_budget), np.array(own, dtype=np.int64))
        for team, own in sorted(columns.items())
    }


def watched_series(
    keys: Sequence[SeriesKey], teams: Sequence[str], budgets: Mapping[str, TeamBudget], record: PageRecord
) -> Watched:
    """Share each team's budget over all its series alike, and give every series the threshold of its share.

    Merging only takes pages away, so a team whose series keep their shares keeps its budget.
    """
    curves = record.curves([key.metric for key in keys])
    known: dict[tuple[str, str], float] = {}
    for key, team in zip(keys, teams, strict=True):
        if (key.metric, team) not in known:
            known[key.metric, team] = curves[key.metric].threshold_for(budgets[team].per_series)
    return Watched(
        tuple(key.item for key in keys),
        tuple(teams),
        np.array([known[key.metric, team] for key, team in zip(keys, teams, strict=True)], dtype=np.float64),
    )
