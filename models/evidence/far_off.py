"""Levels that are far from usual, whatever explains them: what a chart shows at a glance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from features.robust import NORMAL_CONSISTENCY
from models.evidence.columns import column_median

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

FAR_OFF = 5.0
"""A value is far off if it lies so many spreads from the usual level."""

SCALE_FLOOR = 0.05
"""Least spread, as a share of the usual level."""

ABSOLUTE_FLOOR = 1e-3
"""Least spread: a millisecond, or one in a thousand."""


def least_spread(usual: Floats) -> Floats:
    """Smallest spread of series with some usual levels, the shape of ``usual``."""
    least: Floats = np.maximum(SCALE_FLOOR * np.abs(usual), ABSOLUTE_FLOOR)
    return least


def spread_about(values: Floats, usual: Floats) -> Floats:
    """Robust standard deviation of each column about its usual level, and at least `least_spread`."""
    spread: Floats = np.hypot(NORMAL_CONSISTENCY * column_median(np.abs(values - usual)), least_spread(usual))
    return spread


def lasting(far: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which of the ticks, each with the next, are far off; a lone tick stands for itself."""
    return far if len(far) == 1 else far[:-1] & far[1:]


def is_far_off(window: Floats, normal: Floats, usual: Floats) -> NDArray[np.bool_]:
    """Whether a level is far from usual, above or below: two ticks in a row are, or the window's mean.

    Parameters
    ----------
    window, normal
        Shape ``(n_ticks, n_items)``; ``nan`` = missing.
    usual
        Shape ``(n_items,)``: the usual level.

    Returns
    -------
    Shape ``(n_items,)``; false where nothing was seen.

    Examples
    --------
    >>> normal = np.full((30, 2), 0.1)
    >>> is_far_off(np.array([[0.1, 0.1], [0.1, 0.9], [0.1, 0.8]]), normal, np.array([0.1, 0.1]))
    array([False,  True])
    """
    far = np.zeros(window.shape[1], dtype=bool)
    distance = np.abs(window - usual)
    some = np.flatnonzero((distance > FAR_OFF * least_spread(usual)).any(axis=0))
    if not len(some):
        return far  # spares the spread of all the others
    limit = FAR_OFF * spread_about(normal[:, some], usual[some])
    distance = distance[:, some]
    seen = np.isfinite(distance)
    mean = np.where(seen, window[:, some] - usual[some], 0.0).sum(axis=0) / np.maximum(seen.sum(axis=0), 1)
    far[some] = lasting(distance > limit).any(axis=0) | (np.abs(mean) > limit)
    return far
