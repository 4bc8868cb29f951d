"""The tick at which an incident began: a change of level that the signals around the alert share.

Before the change each series lies about its usual level, after it about another one. The likeliest first
tick of the other level has the largest squared sum of standardised values from there on, per tick: the
likelihood ratio where the first level is known (Hinkley, "Inference about the change-point in a sequence of
random variables", Biometrika 1970).
Series that change in one incident change together, so that their sums are added up: a common break is found
where no single series shows it (Bai, "Common breaks in means and variances for panel data", Journal of
Econometrics 2010).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from features.golden import Role
from models.evidence.columns import column_median
from models.evidence.far_off import FAR_OFF, least_spread, spread_about

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Values = Mapping[Role, NDArray[np.float64]]

ROLES = (Role.LATENCY, Role.ERRORS, Role.CPU, Role.MEMORY, Role.SATURATION, Role.LOSS)
"""The roles whose levels are looked at; requests rise and fall for reasons of their own."""

LARGEST = 10.0
"""Values count as so many spreads at most: one series does not outvote all others."""

LEAST_GAIN = 50.0
"""A series has changed if its squared sum is so large: two ticks at five spreads, or one at seven."""


def first_changed_tick(around: Values, usual: Values, candidates: range, end: int) -> int | None:
    """The first tick of the changed level, if any series changed; ``None`` if none did.

    Parameters
    ----------
    around
        For each role, shape ``(n_ticks, n_items)``: values before and in the incident; ``nan`` = missing.
    usual
        The same of ticks that are not the incident's: the usual level and its spread.
    candidates
        Ticks of ``around`` at which the incident may have begun.
    end
        The tick of ``around`` before which the values are looked at.

    Examples
    --------
    >>> slow = np.array([1.0, 1.0, 1.0, 3.0, 3.0])[:, None]
    >>> first_changed_tick({Role.LATENCY: slow}, {Role.LATENCY: np.ones((9, 1))}, range(1, 5), 5)
    3
    """
    gain = np.zeros(len(candidates))
    for role in ROLES:
        if role in around and role in usual and len(candidates):
            gain += _gain(around[role][candidates.start : end], usual[role], len(candidates))
    return candidates[int(np.argmax(gain))] if gain.any() else None


def _gain(values: NDArray[np.float64], usual: NDArray[np.float64], n_candidates: int) -> NDArray[np.float64]:
    """Sum over the changed series of each candidate's gain, shape ``(n_candidates,)``."""
    level = column_median(usual)
    far = np.flatnonzero((np.abs(values - level) > FAR_OFF * least_spread(level)).any(axis=0))
    if not len(far):
        return np.zeros(n_candidates)  # spares the spread of all the others
    level = level[far]
    spread = spread_about(usual[:, far], level)
    z = np.clip((values[:, far] - level) / spread, -LARGEST, LARGEST)
    seen = np.isfinite(z)
    sums = np.cumsum(np.where(seen, z, 0.0)[::-1], axis=0)[::-1][:n_candidates]
    n_seen = np.cumsum(seen[::-1], axis=0)[::-1][:n_candidates]
    gain = sums**2 / np.maximum(n_seen, 1)
    pooled: NDArray[np.float64] = gain[:, gain.max(axis=0) >= LEAST_GAIN].sum(axis=1)
    return pooled
