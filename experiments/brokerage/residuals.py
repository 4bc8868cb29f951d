"""Residuals of a series without its season, and the kind of noise they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import rankdata

from features.robust import NORMAL_CONSISTENCY

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Values = NDArray[np.float64]

LAGS = (1, 5, 30, 120)
"""Lags, in ticks."""

LEAST_PER_SLOT = 10
SMALLEST_SCALE = 1e-9


@dataclass(frozen=True)
class Noise:
    """The noise of one series, in robust figures.

    Attributes
    ----------
    beyond_4, beyond_8
        Share of residuals more than 4 and 8 robust standard deviations out; normal noise has 6e-5 and 1e-15.
    jump
        The 99.9 % quantile of the step between neighbouring residuals, over its median; normal noise has 4.9.
    memory
        Rank correlation of residuals `LAGS` ticks apart.
    unchanged
        Share of ticks whose value equals the previous one to the last digit.
    n_values
        Distinct values per thousand ticks.
    missing
        Share of ticks without a value.
    """

    beyond_4: float
    beyond_8: float
    jump: float
    memory: tuple[float, ...]
    unchanged: float
    n_values: float
    missing: float


def residuals(values: Values, slots: NDArray[np.int64]) -> Values:
    """Distance of each tick from its slot's median, in robust standard deviations of that slot.

    Parameters
    ----------
    values
        Shape ``(n_ticks,)``; ``nan`` is skipped and stays ``nan``.
    slots
        Shape ``(n_ticks,)``: which ticks share a season. Slots with fewer than ten values, or of
        which more than half are equal, give ``nan``.
    """
    left = np.full(len(values), np.nan)
    seen = np.flatnonzero(np.isfinite(values))
    order = seen[np.argsort(slots[seen], kind="stable")]
    edges = np.flatnonzero(np.diff(slots[order])) + 1
    for ticks in np.split(order, edges):
        if len(ticks) < LEAST_PER_SLOT:
            continue
        centre = np.median(values[ticks])
        scale = NORMAL_CONSISTENCY * np.median(np.abs(values[ticks] - centre))
        if scale > SMALLEST_SCALE * max(abs(centre), SMALLEST_SCALE):
            left[ticks] = (values[ticks] - centre) / scale
    return left


def noise_of(values: Values, left: Values) -> Noise:
    """Describe a series by its values and residuals, both shape ``(n_ticks,)`` with ``nan`` where missing.

    Raises
    ------
    ValueError
        If there are fewer than a thousand residuals.
    """
    known = left[np.isfinite(left)]
    if len(known) < 1_000:
        raise ValueError(f"needs at least 1000 residuals, got {len(known)}")
    steps = np.abs(np.diff(left))
    steps = steps[np.isfinite(steps)]
    seen = values[np.isfinite(values)]
    pairs = np.diff(values)
    pairs = pairs[np.isfinite(pairs)]
    ranks = ranks_of(left)
    return Noise(
        beyond_4=float(np.mean(np.abs(known) > 4)),
        beyond_8=float(np.mean(np.abs(known) > 8)),
        jump=float(np.quantile(steps, 0.999) / max(float(np.median(steps)), 1e-9)),
        memory=tuple(lagged_correlation(ranks, lag) for lag in LAGS),
        unchanged=float(np.mean(pairs == 0)),
        n_values=1_000.0 * len(np.unique(seen)) / len(seen),
        missing=float(np.mean(~np.isfinite(values))),
    )


def ranks_of(left: Values) -> Values:
    """Rank of each residual, 0 to 1, shape ``(n_ticks,)``; ``nan`` stays ``nan``."""
    ranks = np.full(len(left), np.nan)
    known = np.isfinite(left)
    ranks[known] = rankdata(left[known]) / np.count_nonzero(known)
    return ranks


def lagged_correlation(ranks: Values, lag: int) -> float:
    """Correlation of ranks ``lag`` ticks apart, over pairs with both values known; 0 without any."""
    first, second = ranks[:-lag], ranks[lag:]
    both = np.isfinite(first) & np.isfinite(second)
    if np.count_nonzero(both) < 2:
        return 0.0
    return float(np.corrcoef(first[both], second[both])[0, 1])
