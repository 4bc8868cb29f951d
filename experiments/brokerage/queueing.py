"""Formulas of waiting: queues, time limits, retries and pools."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.special import ndtr

if TYPE_CHECKING:
    from numpy.typing import NDArray

BUSIEST = 0.97
"""Utilisation at which the steady-state formula is capped; beyond it, the backlog takes over."""

SPREAD = 0.6
"""Log-scale spread of individual requests around their mean."""


def queueing_delay(
    utilisation: NDArray[np.float64], n_servers: float, *, burstiness: float = 1.5
) -> NDArray[np.float64]:
    """Mean wait for one of several servers, as a multiple of the service time.

    Sakasegawa, "An approximation formula Lq ≃ αρ^β/(1−ρ)", Annals of the Institute of Statistical
    Mathematics 1977, eq. 1; times the variability factor of Allen and Cunneen.

    Parameters
    ----------
    utilisation
        Any shape, 0 and up; above `BUSIEST` the delay no longer grows.

    >>> queueing_delay(np.array([0.0, 0.5]), 1.0, burstiness=1.0)
    array([0., 1.])
    """
    busy = np.clip(utilisation, 0.0, BUSIEST)
    delay: NDArray[np.float64] = (
        burstiness * busy ** (np.sqrt(2.0 * (n_servers + 1.0)) - 1.0) / (n_servers * (1.0 - busy))
    )
    return delay


def carry_over(growth: NDArray[np.float64], limit: NDArray[np.float64] | float) -> NDArray[np.float64]:
    """Backlog at the end of each tick when ``growth`` more arrives than can be served.

    ``b[t] = clip(b[t-1] + growth[t], 0, limit[t])``, shape ``(n_ticks,)``. Only overloaded periods are
    computed tick by tick.

    >>> carry_over(np.array([-1.0, 3.0, 4.0, -2.0, -9.0]), 5.0)
    array([0., 3., 5., 3., 0.])
    """
    backlog = np.zeros(len(growth))
    limits = np.broadcast_to(limit, growth.shape)
    overloaded = np.flatnonzero(growth > 0)
    reached = -1
    for tick in overloaded:
        if tick <= reached:
            continue
        at, held = int(tick), 0.0
        while at < len(growth):
            held = min(max(held + float(growth[at]), 0.0), float(limits[at]))
            backlog[at] = held
            reached = at
            at += 1
            if held == 0.0:
                break
    return backlog


class Attempt(NamedTuple):
    """One attempt of a call with a time limit."""

    mean_s: NDArray[np.float64]
    too_late: NDArray[np.float64]


def limited_wait(mean_s: NDArray[np.float64], timeout_s: float) -> Attempt:
    """How long a caller waits, and how often it times out, for answers that take ``mean_s`` on average.

    Individual answers are log-normal around their mean; ``mean_s`` is positive, any shape.
    """
    centre = np.log(mean_s) - SPREAD**2 / 2.0
    limit = (np.log(timeout_s) - centre) / SPREAD
    too_late = ndtr(-limit)
    return Attempt(mean_s * ndtr(limit - SPREAD) + timeout_s * too_late, too_late)


def n_attempts(failure: NDArray[np.float64], retries: int) -> NDArray[np.float64]:
    """Expected attempts of a call that is retried up to ``retries`` times.

    >>> n_attempts(np.array([0.0, 0.5, 1.0]), 2)
    array([1.  , 1.75, 3.  ])
    """
    total = np.ones_like(failure)
    power = np.ones_like(failure)
    for _ in range(retries):
        power = power * failure
        total = total + power
    return total
