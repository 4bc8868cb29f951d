"""A random walk with restart over the dependencies, drawn to items that move with the alert.

After Kim et al., "Root cause detection in a service-oriented architecture" (MonitorRank), SIGMETRICS 2013,
and Tong et al., "Fast random walk with restart and its applications", ICDM 2006.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from models.evidence.own_excess import calls_of
from models.rankers.correlation import correlation_with
from models.rankers.ranking import Ranking, ranking_of

if TYPE_CHECKING:
    from models.case import Case


@dataclass(frozen=True)
class RandomWalk:
    """Ranks by how often a walker that starts at the alert is found at an item.

    Parameters
    ----------
    restart
        Chance to go back to the alert at each step.
    backward
        Weight of a step from a dependency to its dependent, as a share of the forward step's.
    """

    name: str = "random_walk"
    restart: float = 0.15
    backward: float = 0.1
    n_steps: int = 100

    def rank(self, case: Case) -> Ranking:
        """Rank every item of the case, best first."""
        alerting = case.items.index(case.alert.item)
        attraction = correlation_with(case, alerting) + 1e-9
        edges = calls_of(case)
        calls = edges.matrix(np.ones(len(edges.callers)))
        steps = calls.multiply(attraction[None, :]) + self.backward * calls.T.multiply(attraction[None, :])
        steps = steps.tocsr()
        out = np.asarray(steps.sum(axis=1)).ravel()
        forward = (
            steps.multiply(np.divide(1.0, out, out=np.zeros_like(out), where=out > 0)[:, None]).tocsr().T
        )
        start = np.zeros(len(case.items))
        start[alerting] = 1.0
        place = start
        for _ in range(self.n_steps):
            place = (1 - self.restart) * (forward @ place) + self.restart * start
            place = place / place.sum()
        scores = place.copy()
        scores[alerting] = 0.0
        return ranking_of(case, self.name, scores)
