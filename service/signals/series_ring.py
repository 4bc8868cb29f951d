"""Values of many series in a ring of ticks; the caller's lock guards it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from features.counters import is_counter, look_back, rates
from service.signals.series_shares import IDLE_MS, UNKNOWN, SeriesShares

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from telemetry.batches import SeriesKey

FIRST_CAPACITY = 64
NEVER = np.iinfo(np.int64).min
EMPTY = -1
UNSEEN = -2


class SeriesRing:
    """One row per tick, one column per series, anchored at the epoch.

    Parameters
    ----------
    max_series
        Most series it holds. A series with nothing left in the ring makes room for another.
    per_sender
        Most of them that one sender brings; by default all. Its idle series make room for its new ones.

    Attributes
    ----------
    newest_tick
        Number of the newest tick since the epoch; ``None`` before the first sample.
    newest_ms
        Instant of the newest sample of each column, `NEVER` for an unused one.
    late_ticks
        By how many ticks that sample came late; 0 if its tick was still open.
    shares
        Who brought the series.
    """

    def __init__(self, *, step_ms: int, n_ticks: int, max_series: int, per_sender: int | None = None) -> None:
        self.step_ms = step_ms
        self.n_ticks = n_ticks
        self.newest_tick: int | None = None
        self.newest_ms = np.full(FIRST_CAPACITY, NEVER, dtype=np.int64)
        self.late_ticks = np.zeros(FIRST_CAPACITY, dtype=np.int64)
        self.shares = SeriesShares(per_sender=max_series if per_sender is None else per_sender)
        self._max_series = max_series
        self._tidied_ms = NEVER
        self._column: dict[SeriesKey, int] = {}
        self._free: list[int] = []
        self._asked: list[tuple[tuple[SeriesKey, ...], NDArray[np.int64]]] = []
        self._values = np.full((n_ticks, FIRST_CAPACITY), np.nan)
        self._offset_ms = np.full((n_ticks, FIRST_CAPACITY), EMPTY, dtype=np.int64)
        self._is_counter = np.zeros(FIRST_CAPACITY, dtype=bool)

    @property
    def column(self) -> Mapping[SeriesKey, int]:
        """Column of each series held."""
        return self._column

    @property
    def oldest_tick(self) -> int:
        """Number of the oldest tick held, once there is one."""
        return (self.newest_tick or 0) - self.n_ticks + 1

    def advance(self, tick: int) -> None:
        """Make room for a tick; what falls out of the ring is forgotten."""
        if self.newest_tick is None or tick - self.newest_tick >= self.n_ticks:
            self._values[:] = np.nan
            self._offset_ms[:] = EMPTY
        elif tick > self.newest_tick:
            rows = np.arange(self.newest_tick + 1, tick + 1) % self.n_ticks
            self._values[rows] = np.nan
            self._offset_ms[rows] = EMPTY
        self.newest_tick = tick if self.newest_tick is None else max(tick, self.newest_tick)

    def write(
        self, column: NDArray[np.int64], time_ms: NDArray[np.int64], values: NDArray[np.float64]
    ) -> None:
        """Write samples of ticks that are held; of several in one tick the last one wins.

        The end of a series leaves its tick without a value.
        """
        tick = time_ms // self.step_ms
        row = tick % self.n_ticks
        self._values[row, column] = values
        self._offset_ms[row, column] = np.where(np.isnan(values), EMPTY, time_ms - tick * self.step_ms)

    def note_newest(
        self, column: NDArray[np.int64], time_ms: NDArray[np.int64], *, first_open_tick: int
    ) -> None:
        """Note the newest instant of each column, and by how many ticks its sample came late."""
        tick = time_ms // self.step_ms
        is_newer = time_ms > self.newest_ms[column]  # a sample that is sent again does not become late
        np.maximum.at(self.newest_ms, column, time_ms)
        newest = is_newer & (time_ms == self.newest_ms[column])
        late_ticks = np.where(tick < first_open_tick, first_open_tick - tick, 0)
        self.late_ticks[column[newest]] = late_ticks[newest]

    def newest_before(self, column: NDArray[np.int64], time_ms: NDArray[np.int64]) -> NDArray[np.int64]:
        """For each sample the newest instant of its series before it, in the ring or in the batch."""
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
        newest[order] = np.maximum(earlier, self.newest_ms[sorted_column])
        return newest

    def has_instant(self, column: NDArray[np.int64], time_ms: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether the sample that each tick holds is of the same instant."""
        tick = time_ms // self.step_ms
        held: NDArray[np.bool_] = (
            self._offset_ms[tick % self.n_ticks, column] == time_ms - tick * self.step_ms
        )
        return held

    def read(self, first: int, last: int, columns: NDArray[np.int64]) -> NDArray[np.float64]:
        """Values of the ticks from the first to the last, both included and held; counters as rates."""
        values = self._values[np.ix_(np.arange(first, last + 1) % self.n_ticks, columns)]
        counted = self._is_counter[columns]
        if counted.any():
            since = max(first - look_back(self.step_ms), self.oldest_tick)
            counts = self._values[np.ix_(np.arange(since, last + 1) % self.n_ticks, columns[counted])]
            values[:, counted] = rates(counts, step_ms=self.step_ms)[first - since :]
        return values

    def held_ticks(self, columns: NDArray[np.int64]) -> NDArray[np.int64]:
        """Numbers of the ticks in which any of some columns holds a sample, in order."""
        ticks = np.arange(self.oldest_tick, self.oldest_tick + self.n_ticks)
        has_any = (self._offset_ms[np.ix_(ticks % self.n_ticks, columns)] != EMPTY).any(axis=1)
        held: NDArray[np.int64] = ticks[has_any]
        return held

    def columns_asked(self, keys: tuple[SeriesKey, ...]) -> NDArray[np.int64]:
        """Column of each series, −1 for one not held; cached for the two callers that ask at every tick."""
        for asked, columns in self._asked:
            if asked is keys:
                return columns
        columns = np.array([self._column.get(key, -1) for key in keys], dtype=np.int64)
        self._asked = [(keys, columns), *self._asked[:1]]
        return columns

    def columns_for(
        self, keys: tuple[SeriesKey, ...], now_ms: int, *, sender: str = UNKNOWN
    ) -> NDArray[np.int64]:
        """Column of each series, −1 for one without room, when the ring is to reach an instant."""
        self._make_room(keys, now_ms, sender)
        if self.shares.n_unclaimed and sender != UNKNOWN:
            self._claim(keys, sender)
        held = self._column.get
        columns = [held(key, UNSEEN) for key in keys]
        if UNSEEN in columns:
            columns = [self._column_for(key, sender) for key in keys]
        return np.array(columns, dtype=np.int64)

    def has_room_for_any(self, keys: tuple[SeriesKey, ...], now_ms: int, *, sender: str) -> bool:
        """Whether any of some series is held or could be."""
        if not any(key in self._column for key in keys):
            self._make_room(keys, now_ms, sender)
            return self._n_left(sender) > 0
        return True

    def _claim(self, keys: tuple[SeriesKey, ...], sender: str) -> None:
        """Count series read from history to the share of who sends them; forget those beyond it."""
        held = [key for key in dict.fromkeys(keys) if key in self._column]
        unclaimed = [key for key in held if self.shares.is_unclaimed(self._column[key])]
        n_claimed = max(0, self.shares.left(sender))
        claimed = [self._column[key] for key in unclaimed[:n_claimed]]
        self.shares.take(claimed)
        for column in claimed:
            self.shares.give(column, sender)
        self._forget(unclaimed[n_claimed:])

    def _n_left(self, sender: str) -> int:
        """Number of new series of a sender for which there is room."""
        return min(self._max_series - len(self._column), self.shares.left(sender))

    def _make_room(self, keys: tuple[SeriesKey, ...], now_ms: int, sender: str) -> None:
        """Forget silent series if the new ones among some need their room."""
        if len(keys) <= self._n_left(sender) or all(key in self._column for key in keys):
            return
        if len(self._column) + len(keys) > self._max_series:
            self._forget_silent(now_ms - self.n_ticks * self.step_ms)
        if len(keys) > self._n_left(sender) and self._tidied_ms <= now_ms - self.step_ms:
            self._tidied_ms = now_ms  # at most once a tick: it looks at every series
            self._forget_silent(now_ms - IDLE_MS, only_of=sender)

    def _column_for(self, key: SeriesKey, sender: str) -> int:
        column = self._column.get(key)
        if column is not None:
            return column
        if self._n_left(sender) <= 0:
            return -1
        column = self._free.pop() if self._free else len(self._column)
        self._column[key] = column
        self.shares.give(column, sender)
        self._asked = []
        if column >= self._values.shape[1]:
            self._widen(min(2 * self._values.shape[1], max(self._max_series, FIRST_CAPACITY)))
        self._is_counter[column] = is_counter(key.metric)
        return column

    def _forget_silent(self, since_ms: int, *, only_of: str | None = None) -> None:
        """Free the columns of series that have sent nothing since, with the values that are left of them.

        If asked, only of those of one sender, and of those whose sender is not known.
        """
        is_silent = self.newest_ms < since_ms
        self._forget(
            [
                key
                for key, column in self._column.items()
                if is_silent[column] and (only_of is None or self.shares.may_make_room(column, only_of))
            ]
        )

    def _forget(self, keys: list[SeriesKey]) -> None:
        """Free the columns of series."""
        if not keys:
            return
        self._asked = []
        columns = [self._column.pop(key) for key in keys]
        self.shares.take(columns)
        self.newest_ms[columns] = NEVER
        self.late_ticks[columns] = 0
        self._values[:, columns] = np.nan
        self._offset_ms[:, columns] = EMPTY
        self._free += columns

    def _widen(self, n_columns: int) -> None:
        added = n_columns - self._values.shape[1]
        self._values = np.pad(self._values, ((0, 0), (0, added)), constant_values=np.nan)
        self._offset_ms = np.pad(self._offset_ms, ((0, 0), (0, added)), constant_values=EMPTY)
        self.newest_ms = np.pad(self.newest_ms, (0, added), constant_values=NEVER)
        self.late_ticks = np.pad(self.late_ticks, (0, added))
        self._is_counter = np.pad(self._is_counter, (0, added))
