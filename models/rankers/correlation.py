"""The peer that was best on PetShop: rank items by how their signals move with the alert's.

After the "ranked correlation" baseline of Hardt et al., "The PetShop Dataset", CLeaR 2024.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from features.golden import Role
from models.rankers.ranking import Ranking, ranking_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.cases.case import Case

MIN_SHARED_TICKS = 3
"""A correlation over fewer ticks is meaningless."""


@dataclass(frozen=True)
class RankedCorrelation:
    """Ranks by the absolute correlation with the alerting item; the item itself comes last."""

    name: str = "ranked_correlation"

    def rank(self, case: Case) -> Ranking:
        """Rank every item of the case, best first."""
        alerting = case.items.index(case.alert.item)
        scores = correlation_with(case, alerting)
        scores[alerting] = 0.0
        return ranking_of(case, self.name, scores)


def correlation_with(case: Case, item: int) -> NDArray[np.float64]:
    """Absolute correlation of each item with one item, over the incident and the ticks just before.

    The role is the alert's if it is known; otherwise the larger correlation of latency and errors counts.
    Shape ``(n_items,)``; ticks that either item lacks are left out, and too few shared ticks give 0.
    """
    roles = [case.alert.role] if case.alert.role else [Role.LATENCY, Role.ERRORS]
    best = np.zeros(len(case.items))
    for role in roles:
        values = np.concatenate([part.of(role, len(case.items)) for part in (case.before, case.window)])
        best = np.maximum(best, _absolute_correlation(values, values[:, item]))
    return best


def _absolute_correlation(values: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """Absolute Pearson correlation of each column with one series, over their shared ticks."""
    shared = np.isfinite(values) & np.isfinite(other)[:, None]
    n_shared = np.maximum(shared.sum(axis=0), 1)
    left = np.where(shared, values, 0.0)
    right = np.where(shared, other[:, None], 0.0)
    left = np.where(shared, left - left.sum(axis=0) / n_shared, 0.0)
    right = np.where(shared, right - right.sum(axis=0) / n_shared, 0.0)
    size = np.sqrt((left**2).sum(axis=0) * (right**2).sum(axis=0))
    usable = (shared.sum(axis=0) >= MIN_SHARED_TICKS) & (size > 0)
    correlation: NDArray[np.float64] = np.zeros(values.shape[1])
    np.divide(np.abs((left * right).sum(axis=0)), size, out=correlation, where=usable)
    return correlation
