"""The least change of a golden signal that matters to a person on call.

An error share that rises from 0.0001 to 0.001 moves by many standard deviations of a quiet night and is no
incident; a count of requests cannot be steadier than chance. Metrics without a role have no such limit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from features.golden import Meaning, Role, meaning_of

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
"""Least standard deviation that a share is believed to have."""

LEAST_LATENCY = 0.02
"""The same for latency, relative to the typical latency."""


class Resolution(NamedTuple):
    """How typical values determine the least standard deviation of each series, shape ``(n_series,)``.

    Attributes
    ----------
    constant
        In the unit of the series.
    share
        Per unit of the typical value.
    is_count
        1 for a count, whose least deviation is that of chance; otherwise 0.
    volumes
        How the error shares among the series depend on the number of requests behind them.
    """

    constant: NDArray[np.float32]
    share: NDArray[np.float32]
    is_count: NDArray[np.float32]
    volumes: Volumes

    def least(self, typical: NDArray[np.floating]) -> NDArray[np.floating]:
        """Least standard deviation around typical values, shape ``(..., n_series)``, the same shape."""
        least: NDArray[np.floating] = (
            self.constant
            + self.share * np.abs(typical)
            + self.is_count * np.sqrt(np.maximum(typical, np.float32(1.0)))
        )
        return least


class Volumes(NamedTuple):
    """Error shares whose item counts its requests too, shape ``(n_shares,)``.

    Attributes
    ----------
    shares, requests
        Column of each share, and of its item's requests.
    scale, offset
        A share is ``offset + scale × value``.
    """

    shares: NDArray[np.int64]
    requests: NDArray[np.int64]
    scale: NDArray[np.float32]
    offset: NDArray[np.float32]

    def least(self, typical: NDArray[np.floating]) -> NDArray[np.floating]:
        """Least standard deviation of the shares, in the unit of each, shape ``(n_shares,)``.

        It combines the chance deviation of a share p of n requests, √(p(1 - p)/n), with one error more or
        less, 1/n: at night one error is a tenth of the requests.

        Parameters
        ----------
        typical
            Typical values of all series, shape ``(n_series,)``.
        """
        n = np.maximum(typical[self.requests], np.float32(1.0))
        p = self.offset + self.scale * typical[self.shares]
        variance = np.maximum(p - p * p, np.float32(0.0))
        variance += 1 / n
        variance /= n
        least: NDArray[np.floating] = np.sqrt(variance) / np.abs(self.scale)
        return least


def resolution_of(keys: Sequence[SeriesKey]) -> Resolution:
    """Resolution of every series; all 0 for a metric that plays no role."""
    constant, share, is_count = np.zeros((3, len(keys)), dtype=np.float32)
    requests_of: dict[str, int] = {}
    errors: dict[int, Meaning] = {}
    for column, key in enumerate(keys):
        meaning = meaning_of(key.metric)
        if meaning is None:
            continue
        if meaning.role is Role.REQUESTS:
            is_count[column] = 1.0
            requests_of[key.item] = column
        elif meaning.role is Role.LATENCY:
            share[column] = LEAST_LATENCY
        else:
            constant[column] = LEAST_SHARE[meaning.role] / abs(meaning.scale)
            if meaning.role is Role.ERRORS:
                errors[column] = meaning
    counted = {column: each for column, each in errors.items() if keys[column].item in requests_of}
    volumes = Volumes(
        np.array(list(counted), dtype=np.int64),
        np.array([requests_of[keys[column].item] for column in counted], dtype=np.int64),
        np.array([each.scale for each in counted.values()], dtype=np.float32),
        np.array([each.offset for each in counted.values()], dtype=np.float32),
    )
    return Resolution(constant, share, is_count, volumes)
