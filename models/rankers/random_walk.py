"""A random walk with restart over the dependencies, attracted to items that move with the alert.

After Kim et al., "Root cause detection in a service-oriented architecture" (MonitorRank), SIGMETRICS 2013,
and Tong et al., "Fast random walk with restart and its applications", ICDM 2006. The walk is a
personalised PageRank computed by networkx.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import networkx as nx
import numpy as np

from models.evidence.calls import calls_of
from models.rankers.correlation import correlation_with
from models.rankers.ranking import Ranking, ranking_of

if TYPE_CHECKING:
    from models.cases.case import Case

LEAST_ATTRACTION = 1e-9
"""Attraction of an item that never moves with the alert."""


@dataclass(frozen=True)
class RandomWalk:
    """Ranks by how often a walker that starts at the alert is found at an item.

    Parameters
    ----------
    restart
        Probability of returning to the alert at each step.
    backward
        Weight of a step from a dependency to its dependent, as a share of the forward step's.
    """

    name: str = "random_walk"
    restart: float = 0.15
    backward: float = 0.1

    def rank(self, case: Case) -> Ranking:
        """Rank every item of the case, best first."""
        alerting = case.items.index(case.alert.item)
        attraction = (correlation_with(case, alerting) + LEAST_ATTRACTION).tolist()
        calls = calls_of(case)
        walk: nx.DiGraph[int] = nx.DiGraph()
        walk.add_nodes_from(range(len(case.items)))
        for caller, callee in zip(calls.callers.tolist(), calls.callees.tolist(), strict=True):
            walk.add_edge(caller, callee, weight=attraction[callee])
        for caller, callee in zip(calls.callers.tolist(), calls.callees.tolist(), strict=True):
            if not walk.has_edge(callee, caller):
                walk.add_edge(callee, caller, weight=self.backward * attraction[caller])
        visits = nx.pagerank(walk, alpha=1 - self.restart, personalization={alerting: 1.0}, max_iter=1_000)
        scores = np.array([visits[item] for item in range(len(case.items))])
        scores[alerting] = 0.0
        return ranking_of(case, self.name, scores)
