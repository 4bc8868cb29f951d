"""Rankers: they order the candidates for an alert, best first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.rankers.correlation import RankedCorrelation
from models.rankers.deviation import NSigma, RobustScore
from models.rankers.graph_peers import MicroRca, RegressionResidual, Traversal
from models.rankers.random_guess import RandomGuess
from models.rankers.random_walk import RandomWalk
from models.rankers.sunspot import SunspotRanker

if TYPE_CHECKING:
    from models.cases.case import Case
    from models.rankers.ranking import Ranker, Ranking

RANKERS: dict[str, Ranker] = {
    ranker.name: ranker
    for ranker in (
        SunspotRanker(),
        NSigma(),
        RobustScore(),
        RankedCorrelation(),
        RandomWalk(),
        MicroRca(),
        Traversal(),
        RegressionResidual(),
        RandomGuess(),
    )
}
"""Every ranker by its name; the first is Sunspot's own."""


def rank(case: Case, *, ranker: str = "sunspot") -> Ranking:
    """Rank the items of a case by how likely each caused the alert."""
    return RANKERS[ranker].rank(case)
