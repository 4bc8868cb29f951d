"""Puts histograms together whose buckets, sum and count are sent as series of their own.

A sender spreads its series over several requests, so a scrape is complete once as many pieces of it have come
as of the scrape before.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

from telemetry.histograms import Buckets, HistogramPoint
from telemetry.metric_names import Piece

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from telemetry.batches import SeriesKey
    from telemetry.decoders.labelled import PartSamples

    Found = dict[tuple[Piece, float], float]

MAX_PENDING = 4
"""Scrapes of one histogram that wait for their missing pieces."""
MAX_PIECES = 1_000
MAX_WHOLES = 20_000
MAX_WAITING = 1_000_000
"""Pieces of all histograms that wait: some 150 MB at worst."""
SILENT_MS = 600_000


class _Whole:
    """The scrapes of one histogram that are not complete.

    Attributes
    ----------
    pending
        Pieces by time, oldest first as they came.
    n_expected
        Pieces of a complete scrape; 0 until a second scrape shows how many the first had.
    complete_ms
        Time of the newest complete scrape.
    """

    __slots__ = ("complete_ms", "n_expected", "newest_ms", "pending")

    def __init__(self) -> None:
        self.pending: dict[int, Found] = {}
        self.n_expected = 0
        self.complete_ms = 0
        self.newest_ms = 0

    @property
    def n_waiting(self) -> int:
        """Number of its pieces that wait for others."""
        return sum(map(len, self.pending.values()))


class HistogramPieces:
    """The scrapes that are not complete yet; not safe to use from several threads at once.

    Parameters
    ----------
    max_wholes
        Most histograms it holds. One that has sent nothing for ten minutes makes room for another; pieces of
        a further one are counted and left out.
    max_waiting
        Most pieces of all of them that wait; a histogram that would need more begins its scrape anew.
    """

    def __init__(self, *, max_wholes: int = MAX_WHOLES, max_waiting: int = MAX_WAITING) -> None:
        self._max_wholes = max_wholes
        self._max_waiting = max_waiting
        self._n_waiting = 0
        self._wholes: dict[SeriesKey, _Whole] = {}
        self._searched_ms = 0
        self.n_over_limit = 0

    def complete(self, sent: PartSamples) -> Iterator[HistogramPoint]:
        """Take in pieces, and return the histograms that are complete now."""
        parts = sent.parts
        for index, time_ms, value in zip(
            sent.part.tolist(), sent.time_ms.tolist(), sent.values.tolist(), strict=True
        ):
            if math.isnan(value):
                continue
            key, piece, bound = parts[index]
            whole = self._wholes.get(key) or self._begin(key, time_ms)
            if whole is None:
                self.n_over_limit += 1
                continue
            n_before = whole.n_waiting
            yield from _put(key, whole, (piece, bound), time_ms, value)
            self._n_waiting += whole.n_waiting - n_before
            if self._n_waiting > self._max_waiting:
                self._n_waiting -= whole.n_waiting
                whole.pending.clear()
                self.n_over_limit += 1

    def _begin(self, key: SeriesKey, time_ms: int) -> _Whole | None:
        if len(self._wholes) >= self._max_wholes:
            if time_ms < self._searched_ms + SILENT_MS // 10:
                return None
            self._searched_ms = time_ms
            since_ms = time_ms - SILENT_MS
            self._wholes = {each: held for each, held in self._wholes.items() if held.newest_ms >= since_ms}
            self._n_waiting = sum(held.n_waiting for held in self._wholes.values())
        if len(self._wholes) >= self._max_wholes:
            return None
        whole = self._wholes[key] = _Whole()
        return whole


def _put(
    key: SeriesKey, whole: _Whole, place: tuple[Piece, float], time_ms: int, value: float
) -> Iterator[HistogramPoint]:
    if time_ms <= whole.complete_ms:
        return
    found = whole.pending.get(time_ms)
    if found is None:
        if not whole.n_expected and whole.pending and time_ms > whole.newest_ms:
            yield _completed(key, whole, whole.newest_ms)
        found = whole.pending[time_ms] = {}
        if len(whole.pending) > MAX_PENDING:  # pieces have gone: fewer make a scrape from now on
            oldest_ms = min(whole.pending)
            whole.n_expected = max(len(each) for each in whole.pending.values())
            del whole.pending[oldest_ms]
        whole.newest_ms = max(whole.newest_ms, time_ms)
    if len(found) < MAX_PIECES:
        found[place] = value
    if whole.n_expected and len(found) >= whole.n_expected:
        yield _completed(key, whole, time_ms)


def _completed(key: SeriesKey, whole: _Whole, time_ms: int) -> HistogramPoint:
    """Make a histogram of a scrape, and forget it and those before it."""
    found = whole.pending[time_ms]
    whole.n_expected = max(len(found), 1)
    whole.complete_ms = time_ms
    whole.pending = {each: pieces for each, pieces in whole.pending.items() if each > time_ms}
    return put_together(key, time_ms, found)


def put_together(key: SeriesKey, time_ms: int, found: Mapping[tuple[Piece, float], float]) -> HistogramPoint:
    """A histogram of its pieces; without buckets it is a summary."""
    below = sorted((bound, value) for (piece, bound), value in found.items() if piece is Piece.BUCKET)
    total = found.get((Piece.SUM, 0.0), math.nan)
    count = found.get((Piece.COUNT, 0.0), below[-1][1] if below else 0.0)
    if not below:
        return HistogramPoint(key, time_ms, count, total, None)
    if math.isfinite(below[-1][0]):
        below.append((math.inf, count))
    counts = {(-math.inf, below[0][0]): below[0][1]}
    for (lower, n_lower), (upper, n_upper) in pairwise(below):
        counts[lower, upper] = max(n_upper - n_lower, 0.0)
    return HistogramPoint(key, time_ms, count, total, Buckets(counts))
