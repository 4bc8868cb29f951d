"""A random order: what every other ranker must be compared with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from models.rankers.ranking import Ranking, ranking_of

if TYPE_CHECKING:
    from models.cases.case import Case


@dataclass(frozen=True)
class RandomGuess:
    """Holds every item to be equally likely; figures count a tie as chance would break it."""

    name: str = "random"

    def rank(self, case: Case) -> Ranking:
        """Rank every item of the case alike."""
        return ranking_of(case, self.name, np.ones(len(case.items)))
