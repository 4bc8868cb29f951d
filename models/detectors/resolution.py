"""The least change of a golden signal that means anything to a person on call.

An error share that rises from 0.0001 to 0.001 is many standard deviations of a calm night and no
incident; a count of requests cannot be steadier than chance. Metrics without a role are taken as they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

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


class Resolution(NamedTuple):
    """How the least standard deviation of each series follows from its typical value, shape ``(n_series,)``.

    Attributes
    ----------
    constant
        In the unit of the series.
    share
        Per unit of the typical value.
    is_count
        1 for a count, whose least is its own chance; else 0.
    """

    constant: NDArray[np.float32]
    share: NDArray[np.float32]
    is_count: NDArray[np.float32]

    def least(self, typical: NDArray[np.floating]) -> NDArray[np.floating]:
        """Least standard deviation around typical values, shape ``(..., n_series)``, the same shape."""
        least: NDArray[np.floating] = (
            self.constant
            + self.share * np.abs(typical)
            + self.is_count * np.sqrt(np.maximum(typical, np.float32(1.0)))
        )
        return least


def resolution_of(keys: Sequence[SeriesKey]) -> Resolution:
    """Resolution of every series; all 0 for a metric that plays no role."""
    constant, share, is_count = np.zeros((3, len(keys)), dtype=np.float32)
    for column, key in enumerate(keys):
        meaning = meaning_of(key.metric)
        if meaning is None:
            continue
        if meaning.role is Role.REQUESTS:
            is_count[column] = 1.0
        elif meaning.role is Role.LATENCY:
            share[column] = LEAST_LATENCY
        else:
            constant[column] = LEAST_SHARE[meaning.role] / abs(meaning.scale)
    return Resolution(constant, share, is_count)
