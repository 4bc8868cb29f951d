"""A random order: what every other ranker must be compared with."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from models.rankers.ranking import Ranking, ranking_of

if TYPE_CHECKING:
    from models.case import Case


@dataclass(frozen=True)
class RandomGuess:
    """Ranks by chance; the case's id is part of the seed, so that a replay gives the same order."""

    name: str = "random"
    seed: int = 0

    def rank(self, case: Case) -> Ranking:
        """Rank every item of the case in a random order."""
        rng = np.random.default_rng([self.seed, zlib.crc32(case.id.encode())])
        return ranking_of(case, self.name, rng.random(len(case.items)))
