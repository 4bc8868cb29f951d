"""Noise like that of operations data: heavy-tailed and autocorrelated."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.signal import lfilter

if TYPE_CHECKING:
    from numpy.typing import NDArray


LARGEST_SHOCK = 8.0
"""Limit in standard deviations; more would be a fault, and faults are injected separately."""


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
        Degrees of freedom of the shocks, above 2; fewer give heavier tails.
    """
    unit = np.sqrt((freedom - 2.0) / freedom)
    shocks = np.clip(rng.standard_t(freedom, shape) * unit, -LARGEST_SHOCK, LARGEST_SHOCK)
    shocks *= np.sqrt(1.0 - memory**2)
    shocks[:, 0] /= np.sqrt(1.0 - memory**2)  # start in the steady state
    noise: NDArray[np.float64] = np.exp(spread * lfilter([1.0], [1.0, -memory], shocks, axis=1))
    return noise


class Layer(NamedTuple):
    """One of the noise layers that together imitate real operations."""

    share: float  # of the variance
    memory: float
    freedom: float


LAYERS: tuple[Layer, ...] = (
    Layer(0.72, 0.998, 6.0),  # hours: mood of the market, other tenants, releases
    Layer(0.10, 0.93, 2.5),  # a quarter of an hour: bursts
    Layer(0.18, 0.2, 3.0),  # a minute
)
"""For ticks of one minute; chosen so that the residuals resemble those of real KPIs (docs/brokerage.md)."""


def layered_noise(rng: np.random.Generator, shape: tuple[int, int], *, spread: float) -> NDArray[np.float64]:
    """Multiplicative noise around 1 with `LAYERS` of short and long memory, shape ``(n_series, n_ticks)``."""
    noise = np.ones(shape)
    for layer in LAYERS:
        noise *= rough_noise(
            rng, shape, spread=spread * layer.share**0.5, memory=layer.memory, freedom=layer.freedom
        )
    return noise
