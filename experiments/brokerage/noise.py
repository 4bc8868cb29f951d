"""Noise as operations data have it: heavy-tailed and autocorrelated."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.signal import lfilter

if TYPE_CHECKING:
    from numpy.typing import NDArray


def rough_noise(
    rng: np.random.Generator, shape: tuple[int, int], *, spread: float, memory: float, freedom: float = 4.0
) -> NDArray[np.float64]:
    """Multiplicative noise around 1 whose logarithm is a first-order autoregression with Student shocks.

    Parameters
    ----------
    shape
        ``(n_series, n_ticks)``.
    spread
        Standard deviation of the logarithm.
    memory
        Correlation of neighbouring ticks, in ``[0, 1)``.
    freedom
        Degrees of freedom of the shocks, above 2; fewer make heavier tails.
    """
    shocks = rng.standard_t(freedom, shape) * np.sqrt((freedom - 2.0) / freedom * (1.0 - memory**2))
    shocks[:, 0] /= np.sqrt(1.0 - memory**2)  # begin in the steady state
    noise: NDArray[np.float64] = np.exp(
        np.clip(spread * lfilter([1.0], [1.0, -memory], shocks, axis=1), -2.0, 2.0)
    )
    return noise
