"""The least change of a golden signal that means anything to a person on call.

An error share that rises from 0.0001 to 0.001 is many standard deviations of a calm night and no
incident; a count of requests cannot be steadier than chance. Metrics without a role are taken as they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from features.golden import Role, meaning_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from telemetry.batches import SeriesKey

LEAST_SHARE: dict[Role, float] = {
    Role.ERRORS: 0.002,
    Role.LOSS: 0.002,
    Role.CPU: 0.005,
    Role.MEMORY: 0.005,
    Role.SATURATION: 0.005,
}
"""Standard deviation, as a share, below which no share is believed to be steady."""

LEAST_LATENCY = 0.02
"""The same for latency, as a part of the typical latency."""


def least_scale(keys: Sequence[SeriesKey], profile: NDArray[np.float64]) -> NDArray[np.float64]:
    """Least standard deviation of every series in every slot, in the unit of the series.

    Parameters
    ----------
    keys
        The series.
    profile
        Shape ``(n_slots, n_series)``: typical values, in the unit of the series.

    Returns
    -------
    The shape of ``profile``; 0 for a metric that plays no role.
    """
    least = np.zeros_like(profile)
    for column, key in enumerate(keys):
        meaning = meaning_of(key.metric)
        if meaning is None:
            continue
        if meaning.role is Role.REQUESTS:
            least[:, column] = np.sqrt(np.maximum(profile[:, column], 1.0))  # a Poisson count's own noise
        elif meaning.role is Role.LATENCY:
            least[:, column] = LEAST_LATENCY * np.abs(profile[:, column])
        else:
            least[:, column] = LEAST_SHARE[meaning.role] / abs(meaning.scale)
    return least
