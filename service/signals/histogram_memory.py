"""Histograms from scrape to scrape: their running totals, and what each tick's observations were like.

A histogram only counts; what it says about now is its rise. Each tick's mean and quantiles are those of all
observations since the last scrape of the tick before. They are gone for one tick after a restart of the
service, which does not store the buckets themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from features.counters import LOOK_BACK_MS
from features.histograms import described, plus, rise
from telemetry.histograms import Buckets, HistogramPoint
from telemetry.metric_names import with_suffix

if TYPE_CHECKING:
    from collections.abc import Iterator

    from telemetry.batches import SeriesKey

    Row = tuple[str, str, int, float]

MAX_HISTOGRAMS = 20_000
MAX_BUCKETS_HELD = 1_000_000
"""Of all histograms together: some 300 MB at worst."""


@dataclass(slots=True)
class _Held:
    """The newest histogram of a series, and the last one of an earlier tick."""

    latest: HistogramPoint
    anchor: HistogramPoint

    @property
    def n_buckets(self) -> int:
        """Buckets that are held for it."""
        found = (self.latest.buckets, self.anchor.buckets)
        return sum(len(each.counts) for each in found if each is not None)


class HistogramMemory:
    """The newest histogram of each series; not safe to use from several threads at once.

    Parameters
    ----------
    max_histograms
        Most series it holds. One that has sent nothing for ten minutes makes room for another; without room,
        a further one gives no means and quantiles.
    max_buckets
        Most buckets of all of them; one that would need more is forgotten.
    """

    def __init__(self, *, max_histograms: int = MAX_HISTOGRAMS, max_buckets: int = MAX_BUCKETS_HELD) -> None:
        self._max_histograms = max_histograms
        self._max_buckets = max_buckets
        self._n_buckets = 0
        self._held: dict[SeriesKey, _Held] = {}
        self._searched_ms = 0
        self.n_over_limit = 0

    def observe(self, point: HistogramPoint, *, step_ms: int, has_count: bool) -> Iterator[Row]:
        """Take in a histogram, and return the samples that follow: item, metric, time and value.

        One that is not newer than its series' newest changes nothing.

        Parameters
        ----------
        step_ms
            Spacing of the ticks.
        has_count
            Whether the number of observations is stored already, as a series of its own.
        """
        held = self._held.get(point.whole)
        n_before = 0 if held is None else held.n_buckets
        if held is None:
            held = self._begin(point, step_ms)
            if held is None:
                return
        elif point.time_ms <= held.latest.time_ms:
            return
        else:
            _advance(held, point, step_ms)
        self._n_buckets += held.n_buckets - n_before
        if self._n_buckets > self._max_buckets:
            self._forget(point.whole)
            self.n_over_limit += 1
            return
        if not has_count:
            (item, metric), latest = point.whole, held.latest
            yield item, with_suffix(metric, "_count_total"), latest.time_ms, latest.n_observed
        yield from _rows(held)

    def _begin(self, point: HistogramPoint, step_ms: int) -> _Held | None:
        if len(self._held) >= self._max_histograms and point.time_ms >= self._searched_ms + step_ms:
            self._searched_ms = point.time_ms
            self._forget_silent(point.time_ms - LOOK_BACK_MS)
        if len(self._held) >= self._max_histograms:
            self.n_over_limit += 1
            return None
        start = (
            _zero(point) if point.is_delta or 0 < point.time_ms - point.start_ms <= LOOK_BACK_MS else point
        )
        held = self._held[point.whole] = _Held(point._replace(is_delta=False), start)
        return held

    def _forget_silent(self, since_ms: int) -> None:
        for whole in [each for each, held in self._held.items() if held.latest.time_ms < since_ms]:
            self._forget(whole)

    def _forget(self, whole: SeriesKey) -> None:
        self._n_buckets -= self._held.pop(whole).n_buckets


def _advance(held: _Held, point: HistogramPoint, step_ms: int) -> None:
    """Make a histogram the newest of its series."""
    if held.latest.time_ms // step_ms < point.time_ms // step_ms:
        held.anchor = held.latest
    if point.is_delta:
        held.latest = plus(held.latest, point)
        return
    if rise(held.latest, point) is None or point.start_ms > held.latest.time_ms:  # it was reset
        held.anchor = _zero(point) if point.start_ms >= held.latest.time_ms else point
    held.latest = point


def _rows(held: _Held) -> Iterator[Row]:
    (item, metric), time_ms = held.latest.whole, held.latest.time_ms
    if 0 < time_ms - held.anchor.time_ms <= LOOK_BACK_MS:
        risen = rise(held.anchor, held.latest)
        for ending, value in described(risen).items() if risen is not None else ():
            yield item, with_suffix(metric, f"_{ending}"), time_ms, value


def _zero(point: HistogramPoint) -> HistogramPoint:
    """The same histogram when it began to count."""
    buckets = (
        None
        if point.buckets is None
        else Buckets(dict.fromkeys(point.buckets.counts, 0.0), point.buckets.is_exponential)
    )
    return point._replace(time_ms=point.start_ms, n_observed=0.0, total=0.0, buckets=buckets, is_delta=False)
