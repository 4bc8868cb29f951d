"""Peers that score each item's own deviation: N-sigma and BARO's robust score."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from features.golden import Role
from models.evidence.columns import column_mean
from models.rankers.ranking import Ranking, ranking_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.cases.case import Case

    Floats = NDArray[np.float64]

MAX_DEVIATION = 1e6
"""Largest deviation of a series that never moved."""


@dataclass(frozen=True)
class NSigma:
    """Ranks by the largest distance of the window's mean from the past's, in standard deviations.

    The rule behind control charts (Shewhart, "Economic Control of Quality of Manufactured Product", 1931),
    and a usual baseline of root-cause papers.
    """

    name: str = "n_sigma"

    def rank(self, case: Case) -> Ranking:
        """Rank every item of the case, best first."""
        return ranking_of(case, self.name, largest_z(case, tuple(Role)))


@dataclass(frozen=True)
class RobustScore:
    """Ranks by the largest distance of any tick from the past's median, in interquartile ranges.

    The robust scorer of Pham, Ha and Zhang, "BARO: Robust root cause analysis for microservices via
    multivariate Bayesian online change point detection", FSE 2024; the alert's time stands for its change
    point.
    """

    name: str = "baro"

    def rank(self, case: Case) -> Ranking:
        """Rank every item of the case, best first."""
        best = np.zeros(len(case.items))
        for role in case.window.values.keys() & case.normal.values.keys():
            now, then = case.window.values[role], case.normal.values[role]
            usable = np.isfinite(now).any(axis=0) & np.isfinite(then).any(axis=0)
            if usable.any():
                low, median, high = np.nanquantile(then[:, usable], [0.25, 0.5, 0.75], axis=0)
                distance = np.nanmax(np.abs(now[:, usable] - median), axis=0)
                best[usable] = np.maximum(best[usable], _ratio(distance, high - low))
        return ranking_of(case, self.name, best)


def largest_z(case: Case, roles: tuple[Role, ...]) -> Floats:
    """Largest distance of the window's mean from the past's over some roles, shape ``(n_items,)``."""
    best = np.zeros(len(case.items))
    for role in roles:
        if role in case.window.values and role in case.normal.values:
            now, then = case.window.values[role], case.normal.values[role]
            mean = column_mean(then)
            deviation = np.sqrt(column_mean((then - mean) ** 2))
            z = _ratio(np.abs(column_mean(now) - mean), deviation)
            best = np.maximum(best, np.where(np.isfinite(z), z, 0.0))
    return best


def _ratio(distance: Floats, spread: Floats) -> Floats:
    least = np.maximum(np.abs(distance) / MAX_DEVIATION, 1e-300)
    ratio: Floats = distance / np.maximum(spread, least)
    return ratio
