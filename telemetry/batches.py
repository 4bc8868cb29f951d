"""Batches of metric samples as columns, with each series key decoded once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray


ENDED_BITS = 0x7FF0000000000002
"""The one NaN that says that a series ended: Prometheus's stale marker (model/value/value.go)."""

ENDED = float(np.array(ENDED_BITS, dtype=np.uint64).view(np.float64))


class SeriesKey(NamedTuple):
    """The name of a series: a configuration item and one of its metrics.

    Attributes
    ----------
    item
        The id of the configuration item in the CMDB.
    metric
        The metric's name with its unit as a suffix, such as ``latency_s`` or ``cpu_ratio``.
    """

    item: str
    metric: str


def are_ends(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which values say that their series ended, and nothing else."""
    are: NDArray[np.bool_] = np.ascontiguousarray(values, dtype=np.float64).view(np.uint64) == ENDED_BITS
    return are


@dataclass(frozen=True, slots=True)
class Samples:
    """A batch of metric samples as columns.

    Attributes
    ----------
    keys
        The distinct series of the batch.
    series
        Shape ``(n_samples,)``, int32: index into ``keys``.
    time_ms
        Shape ``(n_samples,)``, int64 milliseconds since the epoch, UTC.
    values
        Shape ``(n_samples,)``, float64, in the unit that the metric's name ends in; `ENDED` where the series
        ended, so that its tick holds no value.
    """

    keys: tuple[SeriesKey, ...]
    series: NDArray[np.int32]
    time_ms: NDArray[np.int64]
    values: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.values)

    def where(self, selected: NDArray[np.bool_]) -> Samples:
        """Return the samples where ``selected``, shape ``(n_samples,)``, is true, with all ``keys``."""
        return Samples(self.keys, self.series[selected], self.time_ms[selected], self.values[selected])

    @classmethod
    def from_rows(cls, rows: Iterable[tuple[str, str, int, float]]) -> Samples:
        """Build a batch from ``(item, metric, time_ms, value)`` rows.

        >>> Samples.from_rows([("order", "latency_s", 0, 0.2)]).keys
        (SeriesKey(item='order', metric='latency_s'),)
        """
        position: dict[SeriesKey, int] = {}
        series, time_ms, values = [], [], []
        for item, metric, at_ms, value in rows:
            series.append(position.setdefault(SeriesKey(item, metric), len(position)))
            time_ms.append(at_ms)
            values.append(value)
        return cls(
            tuple(position),
            np.array(series, dtype=np.int32),
            np.array(time_ms, dtype=np.int64),
            np.array(values, dtype=np.float64),
        )

    @classmethod
    def from_columns(
        cls, columns: Iterable[tuple[str, str, NDArray[np.int64], NDArray[np.float64]]]
    ) -> Samples:
        """Build a batch from ``(item, metric, time_ms, values)``, one entry per series."""
        parts = list(columns)
        keys = tuple(SeriesKey(item, metric) for item, metric, _, _ in parts)
        lengths = [len(values) for _, _, _, values in parts]
        return cls(
            keys,
            np.repeat(np.arange(len(keys), dtype=np.int32), lengths),
            np.concatenate([time_ms for _, _, time_ms, _ in parts] or [np.empty(0, dtype=np.int64)]),
            np.concatenate([values for _, _, _, values in parts] or [np.empty(0)]),
        )

    @classmethod
    def concatenated(cls, batches: Sequence[Samples]) -> Samples:
        """Join batches in order; a series that is in several of them becomes one."""
        position: dict[SeriesKey, int] = {}
        series = []
        for batch in batches:
            index = [position.setdefault(key, len(position)) for key in batch.keys]
            series.append(np.array(index, dtype=np.int32)[batch.series])
        return cls(
            tuple(position),
            np.concatenate(series or [np.empty(0, dtype=np.int32)]),
            np.concatenate([batch.time_ms for batch in batches] or [np.empty(0, dtype=np.int64)]),
            np.concatenate([batch.values for batch in batches] or [np.empty(0)]),
        )
