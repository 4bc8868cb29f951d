"""The last hours of every signal, in memory, on one tick grid."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

from features.counters import is_counter, look_back, rates
from features.frame import Frame

if TYPE_CHECKING:
    from collections.abc import Container

    from numpy.typing import NDArray

    from telemetry.batches import Samples, SeriesKey

FIRST_CAPACITY = 64
NEVER = np.iinfo(np.int64).min
EMPTY = -1


@dataclass(frozen=True, slots=True)
class AddedSamples:
    """What became of the samples of a batch; all counts but ``n_in_window`` are of samples to report.

    Attributes
    ----------
    n_in_window
        Samples now in the window.
    n_duplicate
        Samples of a series and an instant that had one already; the last one wins.
    n_out_of_order
        Samples older than one of their series that came before.
    n_late
        Samples of ticks that were closed: they never change a score.
    n_outside
        Samples older than the window.
    n_over_limit
        Samples of series for which there is no room.
    """

    n_in_window: int = 0
    n_duplicate: int = 0
    n_out_of_order: int = 0
    n_late: int = 0
    n_outside: int = 0
    n_over_limit: int = 0


class RecentWindow:
    """A ring of ticks over all series, anchored at the epoch; safe to use from many threads.

    It holds what was sent, and shows counters as rates (`features.counters`).

    Parameters
    ----------
    step_ms
        Spacing of the ticks.
    length_ms
        How far back it reaches; rounded up to whole ticks.
    max_series
        Most series it holds; samples of further ones are counted and left out. A series with nothing left
        in the window makes room for another.
    """

    def __init__(self, *, step_ms: int, length_ms: int, max_series: int) -> None:
        self.step_ms = step_ms
        self.n_ticks = max(1, -(-length_ms // step_ms))
        self._max_series = max_series
        self._column: dict[SeriesKey, int] = {}
        self._free: list[int] = []
        self._asked: list[tuple[tuple[SeriesKey, ...], NDArray[np.int64]]] = []
        self._values = np.full((self.n_ticks, FIRST_CAPACITY), np.nan)
        self._offset_ms = np.full((self.n_ticks, FIRST_CAPACITY), EMPTY, dtype=np.int64)
        self._newest_ms = np.full(FIRST_CAPACITY, NEVER, dtype=np.int64)
        self._is_counter = np.zeros(FIRST_CAPACITY, dtype=bool)
        self._newest_tick: int | None = None
        self._first_open_tick = NEVER
        self._n_late = 0
        self._lock = Lock()

    @property
    def n_series(self) -> int:
        """Number of series held."""
        return len(self._column)

    @property
    def newest_tick(self) -> int | None:
        """Number of the newest tick since the epoch; ``None`` before the first sample."""
        return self._newest_tick

    @property
    def start_ms(self) -> int | None:
        """Start of the oldest tick that is still held; ``None`` before the first sample."""
        return None if self._newest_tick is None else (self._newest_tick - self.n_ticks + 1) * self.step_ms

    @property
    def end_ms(self) -> int | None:
        """End of the newest tick, exclusive; ``None`` before the first sample."""
        return None if self._newest_tick is None else (self._newest_tick + 1) * self.step_ms

    @property
    def first_open_tick(self) -> int:
        """Number of the first tick that is not closed yet; `NEVER` before one was closed."""
        return self._first_open_tick

    @property
    def n_late(self) -> int:
        """Samples that came after their tick was closed, since the window was made."""
        return self._n_late

    def close_before(self, tick: int) -> None:
        """Count samples of ticks before this one as late from now on."""
        with self._lock:
            self._first_open_tick = max(self._first_open_tick, tick)

    def add(self, samples: Samples) -> AddedSamples:
        """Put samples into their ticks; of several in one tick the last sent wins.

        Values are finite.
        """
        if not len(samples):
            return AddedSamples()
        with self._lock:
            column = self._columns_of(samples.keys, int(samples.time_ms.max()))[samples.series]
            tick = samples.time_ms // self.step_ms
            has_room = column >= 0
            if has_room.any():
                self._advance(int(tick[has_room].max()))
            newest = self._newest_tick if self._newest_tick is not None else 0
            inside = has_room & (tick > newest - self.n_ticks)
            counts = AddedSamples(
                n_in_window=int(inside.sum()),
                n_late=int((inside & (tick < self._first_open_tick)).sum()),
                n_outside=int((has_room & ~inside).sum()),
                n_over_limit=int((~has_room).sum()),
            )
            self._n_late += counts.n_late
            return self._write(column[inside], tick[inside], samples.where(inside), counts)

    def frame(self, items: Container[str] | None = None, *, since_ms: int | None = None) -> Frame:
        """Return a copy of the window: if asked, of some items only, and of the ticks since an instant."""
        with self._lock:
            chosen = [
                (key, column) for key, column in self._column.items() if items is None or key.item in items
            ]
            newest = self._newest_tick
            if newest is None or not chosen:
                return Frame(0, self.step_ms, (), np.empty((0, 0)))
            first = newest - self.n_ticks + 1
            if since_ms is not None:
                first = min(max(first, since_ms // self.step_ms), newest)
            columns = np.fromiter((column for _, column in chosen), dtype=np.int64)
            values = self._read(first, newest, columns)
        return Frame(first * self.step_ms, self.step_ms, tuple(key for key, _ in chosen), values)

    def row(self, tick: int, keys: tuple[SeriesKey, ...]) -> NDArray[np.float64]:
        """Values of some series in one tick, shape ``(len(keys),)``; ``nan`` where there is none."""
        values = np.full(len(keys), np.nan)
        with self._lock:
            newest = self._newest_tick
            if newest is None or not newest - self.n_ticks < tick <= newest:
                return values
            column = self._columns_asked(keys)
            held = column >= 0
            values[held] = self._read(tick, tick, column[held])[0]
        return values

    def _columns_asked(self, keys: tuple[SeriesKey, ...]) -> NDArray[np.int64]:
        """Column of each series, −1 for one not held; kept for the two that ask at every tick."""
        for asked, columns in self._asked:
            if asked is keys:
                return columns
        columns = np.array([self._column.get(key, -1) for key in keys], dtype=np.int64)
        self._asked = [(keys, columns), *self._asked[:1]]
        return columns

    def _read(self, first: int, last: int, columns: NDArray[np.int64]) -> NDArray[np.float64]:
        """Values of the ticks from the first to the last, both included and held; counters as rates."""
        values = self._values[np.ix_(np.arange(first, last + 1) % self.n_ticks, columns)]
        counted = self._is_counter[columns]
        if counted.any():
            oldest = (self._newest_tick or 0) - self.n_ticks + 1
            since = max(first - look_back(self.step_ms), oldest)
            counts = self._values[np.ix_(np.arange(since, last + 1) % self.n_ticks, columns[counted])]
            values[:, counted] = rates(counts, step_ms=self.step_ms)[first - since :]
        return values

    def _write(
        self, column: NDArray[np.int64], tick: NDArray[np.int64], samples: Samples, counts: AddedSamples
    ) -> AddedSamples:
        row, offset_ms = tick % self.n_ticks, samples.time_ms - tick * self.step_ms
        order = np.lexsort((samples.time_ms, column))
        repeated = (np.diff(column[order]) == 0) & (np.diff(samples.time_ms[order]) == 0)
        held = self._offset_ms[row, column] == offset_ms
        first_of_kind = np.ones(len(order), dtype=bool)
        first_of_kind[order[1:]] = ~repeated
        n_duplicate = int(repeated.sum() + (held & first_of_kind).sum())
        n_out_of_order = int((samples.time_ms < self._newest_before(column, samples.time_ms)).sum())
        self._values[row, column] = samples.values
        self._offset_ms[row, column] = offset_ms
        np.maximum.at(self._newest_ms, column, samples.time_ms)
        return AddedSamples(
            n_in_window=counts.n_in_window,
            n_duplicate=n_duplicate,
            n_out_of_order=n_out_of_order,
            n_late=counts.n_late,
            n_outside=counts.n_outside,
            n_over_limit=counts.n_over_limit,
        )

    def _newest_before(self, column: NDArray[np.int64], time_ms: NDArray[np.int64]) -> NDArray[np.int64]:
        """For each sample the newest instant of its series before it, in the window or in the batch."""
        if not len(column):
            return time_ms
        order = np.argsort(column, kind="stable")
        sorted_column, sorted_ms = column[order], time_ms[order]
        starts = np.r_[True, np.diff(sorted_column) != 0]
        group = np.cumsum(starts) - 1
        base = int(sorted_ms.min())
        span = int(sorted_ms.max()) - base + 1
        running = np.maximum.accumulate(sorted_ms - base + group * span) - group * span + base
        earlier = np.where(starts, NEVER, np.r_[NEVER, running[:-1]])
        newest = np.empty(len(column), dtype=np.int64)
        newest[order] = np.maximum(earlier, self._newest_ms[sorted_column])
        return newest

    def _columns_of(self, keys: tuple[SeriesKey, ...], now_ms: int) -> NDArray[np.int64]:
        """Column of each series, −1 for one without room, when the window is to reach an instant."""
        if len(self._column) + len(keys) > self._max_series and any(key not in self._column for key in keys):
            self._forget_silent(now_ms - self.n_ticks * self.step_ms)
        columns: list[int] = [self._column_of(key) for key in keys]
        return np.array(columns, dtype=np.int64)

    def _forget_silent(self, since_ms: int) -> None:
        """Free the columns of series that have sent nothing since, so that nothing of theirs is left."""
        is_silent = self._newest_ms < since_ms
        silent = {key: column for key, column in self._column.items() if is_silent[column]}
        self._asked = []
        for key in silent:
            del self._column[key]
        columns = list(silent.values())
        self._newest_ms[columns] = NEVER
        self._values[:, columns] = np.nan
        self._offset_ms[:, columns] = EMPTY
        self._free += columns

    def _column_of(self, key: SeriesKey) -> int:
        column = self._column.get(key)
        if column is not None:
            return column
        if len(self._column) >= self._max_series:
            return -1
        column = self._free.pop() if self._free else len(self._column)
        self._column[key] = column
        self._asked = []
        if column >= self._values.shape[1]:
            self._widen(min(2 * self._values.shape[1], max(self._max_series, FIRST_CAPACITY)))
        self._is_counter[column] = is_counter(key.metric)
        return column

    def _widen(self, n_columns: int) -> None:
        added = n_columns - self._values.shape[1]
        self._values = np.pad(self._values, ((0, 0), (0, added)), constant_values=np.nan)
        self._offset_ms = np.pad(self._offset_ms, ((0, 0), (0, added)), constant_values=EMPTY)
        self._newest_ms = np.pad(self._newest_ms, (0, added), constant_values=NEVER)
        self._is_counter = np.pad(self._is_counter, (0, added))

    def _advance(self, tick: int) -> None:
        """Make room for a tick: what falls out of the ring is forgotten."""
        if self._newest_tick is None or tick - self._newest_tick >= self.n_ticks:
            self._values[:] = np.nan
            self._offset_ms[:] = EMPTY
        elif tick > self._newest_tick:
            rows = np.arange(self._newest_tick + 1, tick + 1) % self.n_ticks
            self._values[rows] = np.nan
            self._offset_ms[rows] = EMPTY
        self._newest_tick = tick if self._newest_tick is None else max(tick, self._newest_tick)
