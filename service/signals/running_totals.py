"""Counters that are sent as rises, as the running totals that they are stored as; and when counters began.

A counter is read as a rate between two of its values (`features.counters`). The zero at which it began is one
of them, wherever its sender tells when that was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from features.counters import is_counter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from telemetry.batches import SeriesKey
    from telemetry.decoders.labelled import DeltaPoint

    Row = tuple[str, str, int, float]

MAX_SERIES = 100_000


class RunningTotals:
    """The total of each series that is sent as rises; not safe to use from several threads at once.

    One that is full begins anew: its counters look as if they had been reset.
    """

    def __init__(self, *, max_series: int = MAX_SERIES) -> None:
        self._max_series = max_series
        self._held: dict[SeriesKey, tuple[int, float]] = {}

    def add(self, point: DeltaPoint) -> Iterator[Row]:
        """Take in a rise, and return the samples that follow: item, metric, time and value.

        One that does not end after the series' last one changes nothing: it was sent before.
        """
        before = self._held.get(point.key)
        if before is None and len(self._held) >= self._max_series:
            self._held.clear()
        end_ms, total = before or (0, 0.0)
        if point.time_ms <= end_ms:
            return
        if before is None and 0 < point.start_ms < point.time_ms:
            yield *point.key, point.start_ms, 0.0
        total += point.value
        self._held[point.key] = (point.time_ms, total)
        yield *point.key, point.time_ms, total


class CounterStarts:
    """When each counter that began lately did; not safe to use from several threads at once."""

    def __init__(self, *, max_series: int = MAX_SERIES) -> None:
        self._max_series = max_series
        self._start_ms: dict[SeriesKey, int] = {}

    def add(self, key: SeriesKey, start_ms: int) -> Iterator[Row]:
        """Return the zero of a counter whose start is new."""
        if not is_counter(key.metric) or self._start_ms.get(key) == start_ms:
            return
        if len(self._start_ms) >= self._max_series:
            self._start_ms.clear()
        self._start_ms[key] = start_ms
        yield *key, start_ms, 0.0
