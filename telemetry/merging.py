"""Many batches as one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from telemetry.batches import Samples

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from telemetry.batches import SeriesKey


def merge(batches: Iterable[Samples]) -> Samples:
    """All samples of ``batches``, in their order; a series that several name is there once.

    >>> first, second = (Samples.from_rows([("order", "cpu_ratio", at, 0.5)]) for at in (0, 60_000))
    >>> merge([first, second]).series
    array([0, 0], dtype=int32)
    """
    position: dict[SeriesKey, int] = {}
    renumbered: dict[tuple[SeriesKey, ...], NDArray[np.int32]] = {}  # senders repeat themselves
    columns: list[tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.float64]]] = []
    for batch in batches:
        numbers = renumbered.get(batch.keys)
        if numbers is None:
            numbers = np.array(
                [position.setdefault(key, len(position)) for key in batch.keys], dtype=np.int32
            )
            renumbered[batch.keys] = numbers
        columns.append((numbers[batch.series], batch.time_ms, batch.values))
    if not columns:
        return Samples.from_rows([])
    series, time_ms, values = (np.concatenate(column) for column in zip(*columns, strict=True))
    return Samples(tuple(position), series, time_ms, values)
