"""Series on a regular tick grid."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from features.combining import Combination, combined
from features.counters import put_rates
from features.role_columns import RoleColumns
from telemetry.batches import are_ends

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from features.golden import Role
    from features.role_columns import Layer
    from telemetry.batches import Samples, SeriesKey


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
    known_columns
        The `role_columns` of another frame with the same series, if there is one.
    """

    start_ms: int
    step_ms: int
    keys: tuple[SeriesKey, ...]
    values: NDArray[np.floating]
    known_columns: RoleColumns | None = field(default=None, repr=False, compare=False)

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
    def role_columns(self) -> RoleColumns:
        """Which columns hold which role of which item."""
        return self.known_columns or RoleColumns(self.keys)

    @cached_property
    def items(self) -> tuple[str, ...]:
        """The items that have a series, sorted."""
        return tuple(sorted({key.item for key in self.keys}))

    def between(self, start_ms: int, end_ms: int) -> Frame:
        """Ticks that lie entirely within ``[start_ms, end_ms)``; empty if there are none."""
        first = max(0, -((self.start_ms - start_ms) // self.step_ms))
        last = min(self.n_ticks, (end_ms - self.start_ms) // self.step_ms)
        first, last = min(first, self.n_ticks), max(last, 0)
        values = self.values[first : max(first, last)]
        return Frame(self.start_ms + first * self.step_ms, self.step_ms, self.keys, values, self.role_columns)

    def role(
        self, role: Role, items: Sequence[str], *, ticks: NDArray[np.int64] | None = None
    ) -> NDArray[np.float64]:
        """Values of one role in its canonical unit, shape ``(n_ticks, len(items))``; ``nan`` where missing.

        ``ticks`` selects the ticks, by default all. If an item has several metrics of one role, in the same
        or different units, the first by name that has a value counts, tick by tick; after all golden names
        that is what a rule makes of other metrics (`features.role_rules`).
        """
        return self._read(self.role_columns.layers(role, items), len(items), ticks)

    def roles(
        self, items: Sequence[str], *, ticks: NDArray[np.int64] | None = None
    ) -> dict[Role, NDArray[np.float64]]:
        """Values of every role for which any of the items has a series, each as from `role`."""
        layers_of = self.role_columns.all_layers(items)
        return {role: self._read(layers, len(items), ticks) for role, layers in layers_of.items() if layers}

    def _read(
        self, layers: Sequence[Layer | Combination], n_items: int, ticks: NDArray[np.int64] | None
    ) -> NDArray[np.float64]:
        """Values of the layers; each item's ticks are adjacent in memory, since they are read together."""
        rows = slice(None) if ticks is None else ticks[:, None]
        n_ticks = self.n_ticks if ticks is None else len(ticks)
        values = np.full((n_items, n_ticks), np.nan)
        for depth, layer in enumerate(layers):
            read = self._read_layer(layer, rows)
            if depth:
                before = values[layer.places]
                read = np.where(np.isnan(before), read, before)
            values[layer.places] = read
        return values.T

    def _read_layer(self, layer: Layer | Combination, rows: NDArray[np.int64] | slice) -> NDArray[np.float64]:
        if isinstance(layer, Combination):
            ticks = rows if isinstance(rows, slice) else rows.ravel()
            return combined(self.values, layer, rows=ticks, step_ms=self.step_ms)
        read = np.array(self.values[rows, layer.columns].T, dtype=np.float64, order="C")
        read *= layer.scale[:, None]
        read += layer.offset[:, None]
        return read


def frame_of(samples: Samples, *, step_ms: int, start_ms: int, end_ms: int) -> Frame:
    """Put samples on the grid of ``[start_ms, end_ms)``; of several in one tick the last one sent counts.

    Counters become rates (`features.counters`). Samples outside the interval and series without a value
    inside it are left out. ``nan`` and infinite values count as missing; the end of a series leaves its
    tick without a value.
    """
    n_ticks = max(0, -((start_ms - end_ms) // step_ms))
    tick = (samples.time_ms - start_ms) // step_ms
    inside = (tick >= 0) & (tick < n_ticks)
    has_value = inside & np.isfinite(samples.values)
    used = np.unique(samples.series[has_value])
    column = np.full(len(samples.keys), -1, dtype=np.int64)
    column[used] = np.arange(len(used))
    inside = has_value | (inside & are_ends(samples.values) & (column[samples.series] >= 0))
    values = np.full((n_ticks, len(used)), np.nan)
    values[tick[inside], column[samples.series[inside]]] = samples.values[inside]
    keys = tuple(samples.keys[index] for index in used)
    put_rates(values, keys, step_ms=step_ms)
    return Frame(start_ms, step_ms, keys, values)
