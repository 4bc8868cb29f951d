"""The last hours of every signal, in memory, on one tick grid."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

from features.frame import Frame
from service.signals.item_status import item_status
from service.signals.series_ring import NEVER, SeriesRing
from service.signals.series_shares import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Container, Mapping

    from numpy.typing import NDArray

    from service.signals.item_status import ItemStatus
    from service.signals.series_shares import Refused
    from telemetry.batches import Samples, SeriesKey


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
        Samples older than an earlier sample of their series.
    n_late
        Samples of ticks that were closed: they never change a score.
    n_outside
        Samples older than the window.
    n_over_limit
        Samples of series for which there is no room.
    n_series_refused
        Those series.
    """

    n_in_window: int = 0
    n_duplicate: int = 0
    n_out_of_order: int = 0
    n_late: int = 0
    n_outside: int = 0
    n_over_limit: int = 0
    n_series_refused: int = 0


class RecentWindow:
    """The latest ticks of all series, anchored at the epoch; safe to use from many threads.

    It holds the samples as sent, and returns counters as rates (`features.counters`).

    Parameters
    ----------
    step_ms
        Spacing of the ticks.
    length_ms
        How far back it reaches; rounded up to complete ticks.
    max_series
        Most series it holds; samples of further ones are counted and left out. A series with nothing left
        in the window makes room for another.
    per_sender
        Most of them that one sender brings; by default all.
    """

    def __init__(
        self, *, step_ms: int, length_ms: int, max_series: int, per_sender: int | None = None
    ) -> None:
        self.step_ms = step_ms
        self.n_ticks = max(1, -(-length_ms // step_ms))
        self._ring = SeriesRing(
            step_ms=step_ms, n_ticks=self.n_ticks, max_series=max_series, per_sender=per_sender
        )
        self._first_open_tick = NEVER
        self._n_late = 0
        self._lock = Lock()

    @property
    def n_series(self) -> int:
        """Number of series held."""
        return len(self._ring.column)

    @property
    def newest_tick(self) -> int | None:
        """Number of the newest tick since the epoch; ``None`` before the first sample."""
        return self._ring.newest_tick

    @property
    def start_ms(self) -> int | None:
        """Start of the oldest tick that is still held; ``None`` before the first sample."""
        newest = self.newest_tick
        return None if newest is None else (newest - self.n_ticks + 1) * self.step_ms

    @property
    def end_ms(self) -> int | None:
        """End of the newest tick, exclusive; ``None`` before the first sample."""
        newest = self.newest_tick
        return None if newest is None else (newest + 1) * self.step_ms

    @property
    def first_open_tick(self) -> int:
        """Number of the first tick that is not closed yet; `NEVER` before one was closed."""
        return self._first_open_tick

    @property
    def n_late(self) -> int:
        """Samples that came after their tick was closed, since the window was made."""
        return self._n_late

    @property
    def series_by_sender(self) -> Mapping[str, int]:
        """Number of series that each sender brought."""
        with self._lock:
            return self._ring.shares.held

    @property
    def refused_by_sender(self) -> Mapping[str, Refused]:
        """What each sender was refused for want of room."""
        with self._lock:
            return self._ring.shares.refused

    def has_room_for_any(self, samples: Samples, *, sender: str) -> bool:
        """Whether any of the series of a batch is held or could be."""
        with self._lock:
            return self._ring.has_room_for_any(samples.keys, int(samples.time_ms.max()), sender=sender)

    def close_before(self, tick: int) -> None:
        """Count samples of ticks before this one as late from now on."""
        with self._lock:
            self._first_open_tick = max(self._first_open_tick, tick)

    def add(self, samples: Samples, *, sender: str = UNKNOWN) -> AddedSamples:
        """Put samples into their ticks; of several in one tick the last sent wins.

        Values are finite, or say that the series ended: then its tick holds no value.

        Parameters
        ----------
        sender
            Whose share the series count to.
        """
        if not len(samples):
            return AddedSamples()
        with self._lock:
            columns = self._ring.columns_for(samples.keys, int(samples.time_ms.max()), sender=sender)
            column = columns[samples.series]
            tick = samples.time_ms // self.step_ms
            has_room = column >= 0
            if has_room.any():
                self._ring.advance(int(tick[has_room].max()))
            inside = has_room & (tick >= self._ring.oldest_tick)
            n_late = int((inside & (tick < self._first_open_tick)).sum())
            self._n_late += n_late
            n_duplicate, n_out_of_order = self._write(column[inside], samples.where(inside))
            n_refused = int((columns < 0).sum())
            if n_refused:
                self._ring.shares.refuse(
                    sender,
                    n_series=n_refused,
                    n_samples=int((~has_room).sum()),
                    at_ms=int(samples.time_ms.max()),
                )
        return AddedSamples(
            n_in_window=int(inside.sum()),
            n_duplicate=n_duplicate,
            n_out_of_order=n_out_of_order,
            n_late=n_late,
            n_outside=int((has_room & ~inside).sum()),
            n_over_limit=int((~has_room).sum()),
            n_series_refused=n_refused,
        )

    def frame(self, items: Container[str] | None = None, *, since_ms: int | None = None) -> Frame:
        """Return a copy of the window: if asked, of some items only, and of the ticks since an instant."""
        with self._lock:
            chosen = [
                (key, column)
                for key, column in self._ring.column.items()
                if items is None or key.item in items
            ]
            newest = self.newest_tick
            if newest is None or not chosen:
                return Frame(0, self.step_ms, (), np.empty((0, 0)))
            first = self._ring.oldest_tick
            if since_ms is not None:
                first = min(max(first, since_ms // self.step_ms), newest)
            columns = np.fromiter((column for _, column in chosen), dtype=np.int64)
            values = self._ring.read(first, newest, columns)
        return Frame(first * self.step_ms, self.step_ms, tuple(key for key, _ in chosen), values)

    def row(self, tick: int, keys: tuple[SeriesKey, ...]) -> NDArray[np.float64]:
        """Values of some series in one tick, shape ``(len(keys),)``; ``nan`` where there is none."""
        values = np.full(len(keys), np.nan)
        with self._lock:
            newest = self.newest_tick
            if newest is None or not newest - self.n_ticks < tick <= newest:
                return values
            column = self._ring.columns_asked(keys)
            held = column >= 0
            values[held] = self._ring.read(tick, tick, column[held])[0]
        return values

    def item_status(self, item: str, *, present_ms: int) -> ItemStatus:
        """Return how current the samples of an item are at an instant."""
        with self._lock:
            ring, columns = self._ring, self._seen_columns(item)
            return item_status(
                ring.newest_ms[columns] // self.step_ms,
                ring.late_ticks[columns],
                ring.held_ticks(columns),
                last_closed=None if self._first_open_tick == NEVER else self._first_open_tick - 1,
                present=present_ms // self.step_ms - 1,
            )

    def last_arrival_ms(self, item: str) -> int | None:
        """Return the start of the tick in which the last sample of an item arrived, however late it was.

        ``None`` if nothing of it was ever received.
        """
        with self._lock:
            columns = self._seen_columns(item)
            if not len(columns):
                return None
            ticks = self._ring.newest_ms[columns] // self.step_ms + self._ring.late_ticks[columns]
            return int(ticks.max()) * self.step_ms

    def _seen_columns(self, item: str) -> NDArray[np.int64]:
        """Columns of the series of an item of which something was received."""
        ring = self._ring
        return np.array(
            [
                column
                for key, column in ring.column.items()
                if key.item == item and ring.newest_ms[column] != NEVER
            ],
            dtype=np.int64,
        )

    def _write(self, column: NDArray[np.int64], samples: Samples) -> tuple[int, int]:
        """Write samples; return how many were duplicates, and how many out of order."""
        time_ms, ring = samples.time_ms, self._ring
        order = np.lexsort((time_ms, column))
        repeated = (np.diff(column[order]) == 0) & (np.diff(time_ms[order]) == 0)
        first_of_kind = np.ones(len(order), dtype=bool)
        first_of_kind[order[1:]] = ~repeated
        n_duplicate = int(repeated.sum() + (ring.has_instant(column, time_ms) & first_of_kind).sum())
        n_out_of_order = int((time_ms < ring.newest_before(column, time_ms)).sum())
        ring.write(column, time_ms, samples.values)
        ring.note_newest(column, time_ms, first_open_tick=self._first_open_tick)
        return n_duplicate, n_out_of_order
