"""Series on one regular tick grid."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from features.golden import Role, meaning_of
from telemetry.batches import SeriesKey

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from telemetry.batches import Samples


@dataclass(frozen=True)
class Frame:
    """Series on a regular tick grid.

    Attributes
    ----------
    start_ms
        Start of the first tick; tick ``i`` covers ``[start_ms + i step_ms, start_ms + (i + 1) step_ms)``.
    step_ms
        Spacing of the grid in milliseconds.
    keys
        One key per column.
    values
        Shape ``(n_ticks, n_series)``, float64 or float32; ``nan`` is a missing tick.
    """

    start_ms: int
    step_ms: int
    keys: tuple[SeriesKey, ...]
    values: NDArray[np.floating]

    def __post_init__(self) -> None:
        """Check that the shapes agree."""
        if self.step_ms <= 0:
            raise ValueError(f"step must be positive, got {self.step_ms} ms")
        if self.values.ndim != 2 or self.values.shape[1] != len(self.keys):  # noqa: PLR2004
            raise ValueError(f"values of shape {self.values.shape} do not fit {len(self.keys)} series")

    @property
    def n_ticks(self) -> int:
        """Number of ticks."""
        return len(self.values)

    @property
    def end_ms(self) -> int:
        """End of the last tick, exclusive."""
        return self.start_ms + self.n_ticks * self.step_ms

    @property
    def times_ms(self) -> NDArray[np.int64]:
        """Start of every tick, shape ``(n_ticks,)``."""
        return self.start_ms + self.step_ms * np.arange(self.n_ticks, dtype=np.int64)

    @cached_property
    def column_of(self) -> dict[SeriesKey, int]:
        """Column of each series."""
        return {key: column for column, key in enumerate(self.keys)}

    @cached_property
    def items(self) -> tuple[str, ...]:
        """The items that have a series, sorted."""
        return tuple(sorted({key.item for key in self.keys}))

    def between(self, start_ms: int, end_ms: int) -> Frame:
        """Ticks that lie wholly within ``[start_ms, end_ms)``; empty if there are none."""
        first = max(0, -((self.start_ms - start_ms) // self.step_ms))
        last = min(self.n_ticks, (end_ms - self.start_ms) // self.step_ms)
        first, last = min(first, self.n_ticks), max(last, 0)
        values = self.values[first : max(first, last)]
        return Frame(self.start_ms + first * self.step_ms, self.step_ms, self.keys, values)

    def role(self, role: Role, items: Sequence[str]) -> NDArray[np.float64]:
        """Values of one role in its canonical unit, shape ``(n_ticks, len(items))``; ``nan`` where unseen.

        An item with two metrics of one role is read by the first in name order.
        """
        columns, scales, offsets = self._role_columns(role, items)
        chosen = np.where(columns >= 0, columns, 0)
        if not len(self.keys):
            return np.full((self.n_ticks, len(items)), np.nan)
        values = self.values[:, chosen].astype(np.float64)
        values = values * scales + offsets
        values[:, columns < 0] = np.nan
        return values

    def _role_columns(
        self, role: Role, items: Sequence[str]
    ) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
        position = {item: index for index, item in enumerate(items)}
        columns = np.full(len(items), -1, dtype=np.int64)
        scales, offsets = np.ones(len(items)), np.zeros(len(items))
        for key in sorted(self.keys, reverse=True):  # the first name is written last, and stays
            meaning = meaning_of(key.metric)
            index = position.get(key.item)
            if index is not None and meaning is not None and meaning.role is role:
                columns[index], scales[index], offsets[index] = (
                    self.column_of[key],
                    meaning.scale,
                    meaning.offset,
                )
        return columns, scales, offsets


def frame_of(samples: Samples, *, step_ms: int, start_ms: int, end_ms: int) -> Frame:
    """Put samples on the grid of ``[start_ms, end_ms)``; of several in one tick the latest sent wins.

    Samples outside the interval and series without a sample inside it are left out; ``nan`` and
    infinite values count as not sent.
    """
    n_ticks = max(0, -((start_ms - end_ms) // step_ms))
    tick = (samples.time_ms - start_ms) // step_ms
    inside = (tick >= 0) & (tick < n_ticks) & np.isfinite(samples.values)
    used = np.unique(samples.series[inside])
    column = np.full(len(samples.keys), -1, dtype=np.int64)
    column[used] = np.arange(len(used))
    values = np.full((n_ticks, len(used)), np.nan)
    values[tick[inside], column[samples.series[inside]]] = samples.values[inside]
    return Frame(start_ms, step_ms, tuple(samples.keys[index] for index in used), values)
