"""A random order, with which every other ranker must be compared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from models.rankers.ranking import Ranking, ranking_of

if TYPE_CHECKING:
    from models.cases.case import Case


@dataclass(frozen=True)
class RandomGuess:
    """Considers every item equally likely; figures count a tie as chance would break it."""

    name: str = "random"

    def rank(self, case: Case) -> Ranking:
        """Rank every item of the case equally."""
        return ranking_of(case, self.name, np.ones(len(case.items)))
