"""The weight of new lines soon after a change: a release logs new lines, which is not a fault in itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

HALF_LIFE_MS: Final = 1_800_000
"""Half of the weight is back after 30 minutes, three quarters after an hour."""


def novelty_weight(times_ms: NDArray[np.int64], changes_ms: Iterable[int]) -> NDArray[np.float64]:
    """Weight of novelty at some instants, given when the service was changed.

    Parameters
    ----------
    times_ms
        Shape ``(n,)``: the instants.
    changes_ms
        Instants of change events on the service, in any order; later ones have no effect.

    Returns
    -------
    Shape ``(n,)``: 0 at a change, rising to 1; 1 where no change precedes.

    Examples
    --------
    >>> novelty_weight(np.array([0, 60_000, 1_860_000]), [60_000])
    array([1. , 0. , 0.5])
    """
    changes = np.sort(np.array(list(changes_ms), dtype=np.int64))
    latest = np.searchsorted(changes, times_ms, side="right") - 1
    age_ms = times_ms - changes[latest] if len(changes) else np.zeros(len(times_ms))
    weight: NDArray[np.float64] = np.where(
        latest >= 0, 1.0 - 0.5 ** (np.maximum(age_ms, 0) / HALF_LIFE_MS), 1.0
    )
    return weight
