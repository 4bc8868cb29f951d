"""Series on one regular tick grid."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from features.golden import Meaning, Role, meaning_of
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

    def role(
        self, role: Role, items: Sequence[str], *, ticks: NDArray[np.int64] | None = None
    ) -> NDArray[np.float64]:
        """Values of one role in its canonical unit, shape ``(n_ticks, len(items))``; ``nan`` where unseen.

        Only the chosen ticks, all by default. An item may have several metrics of one role, in one unit
        or in two: tick by tick the first that was seen counts, in name order.
        """
        ticks = np.arange(self.n_ticks) if ticks is None else ticks
        position = {item: index for index, item in enumerate(items)}
        values = np.full((len(ticks), len(items)), np.nan)
        for layer in self._layers_of_role.get(role, []):
            known = [(position[item], column, meaning) for item, column, meaning in layer if item in position]
            if known:
                places, columns, meanings = (list(each) for each in zip(*known, strict=True))
                scales = np.array([meaning.scale for meaning in meanings])
                offsets = np.array([meaning.offset for meaning in meanings])
                read = self.values[ticks[:, None], columns] * scales + offsets
                values[:, places] = np.where(np.isnan(values[:, places]), read, values[:, places])
        return values

    @cached_property
    def _layers_of_role(self) -> dict[Role, list[list[tuple[str, int, Meaning]]]]:
        """For each role, each item's first metric in name order, then each item's second, and so on."""
        layers: dict[Role, list[list[tuple[str, int, Meaning]]]] = {}
        n_before: Counter[tuple[Role, str]] = Counter()
        for key in sorted(self.keys):
            meaning = meaning_of(key.metric)
            if meaning is not None:
                of_role = layers.setdefault(meaning.role, [])
                depth = n_before[meaning.role, key.item]
                n_before[meaning.role, key.item] += 1
                if depth == len(of_role):
                    of_role.append([])
                of_role[depth].append((key.item, self.column_of[key], meaning))
        return layers


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
