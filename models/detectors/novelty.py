"""Value novelty: how far a value is from every value a series has ever had.

A second channel beside the distance from the expected value: a level never seen before is remarkable even
in a restless series, and a level often seen is not. The unit is how far new values of the series usually were
from all others, so that one threshold fits series with light and with heavy tails.

Seen values are stored as one bit per bin of a tenth to a fifth of a standard deviation around the first
value. As a series becomes more restless, its bins are merged in pairs. Beyond the last bin only the lowest
and the highest value are known, and everything between them and the bins counts as seen. Memory is 112 bytes
a series.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from models.detectors.baseline import is_plausible
from models.detectors.learning import CLIP, WARM_UP_VALUES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

N_BINS = 512
HALF = N_BINS // 2
NARROWEST_BIN = np.float32(0.1)
"""In standard deviations; a merged bin is narrower than twice this."""

RUNNING_SHARE = np.float32(0.5)
"""The standard deviation used is at least this share of that of all values so far."""

QUIET_POINTS = 100
LARGEST_OFF = np.float32(1e15)
RELATIVE_FLOOR, ABSOLUTE_FLOOR = np.float32(1e-6), np.float32(1e-12)
MERGED_AT_ONCE = 4096
BIT_OF = np.array([128, 64, 32, 16, 8, 4, 2, 1], dtype=np.uint8)
BITS = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1)
FIRST_OF, LAST_OF = BITS.argmax(axis=1), 7 - BITS[:, ::-1].argmax(axis=1)
"""Positions of the first and the last set bit of a byte that is not 0."""


class Novelty(NamedTuple):
    """The memory of novelty; every array has shape ``(n_series,)``, float32, except ``visited``.

    Attributes
    ----------
    n
        Values seen so far.
    origin
        First value, which is the border between the two middle bins.
    mean, squares
        Mean of all values minus the first, and sum of their squared distances from it.
    first_deviation
        Standard deviation of the first values.
    width
        Width of a bin, in the unit of the series.
    lowest, highest
        Least and largest value minus the first.
    peak, peak_n
        Novelty of the last novel value in standard deviations, and its number in the series.
    usual, n_novel
        Mean novelty of such values, and their number; both start with one novelty of a standard deviation.
    visited
        Shape ``(n_series, N_BINS / 8)``, uint8: a bit for each bin that a value fell in.
    """

    n: NDArray[np.float32]
    origin: NDArray[np.float32]
    mean: NDArray[np.float32]
    squares: NDArray[np.float32]
    first_deviation: NDArray[np.float32]
    width: NDArray[np.float32]
    lowest: NDArray[np.float32]
    highest: NDArray[np.float32]
    peak: NDArray[np.float32]
    peak_n: NDArray[np.float32]
    usual: NDArray[np.float32]
    n_novel: NDArray[np.float32]
    visited: NDArray[np.uint8]


def initial_novelty(n_series: int) -> Novelty:
    """Return the memory before the first tick."""
    nothing, one = np.zeros(n_series, dtype=np.float32), np.ones(n_series, dtype=np.float32)
    visited = np.zeros((n_series, N_BINS // 8), dtype=np.uint8)
    numbers = {name: nothing for name in Novelty._fields if name != "visited"}
    return Novelty(**numbers | {"usual": one, "n_novel": one}, visited=visited)


def novelty_step(
    memory: Novelty, values: NDArray[np.floating], *, n_first: NDArray[np.integer] | int
) -> tuple[Novelty, NDArray[np.float32]]:
    """Distance of each value from the nearest one ever seen, relative to that of earlier new values.

    Parameters
    ----------
    memory
        The memory before the tick; it is not changed.
    values
        Shape ``(n_series,)``; an implausible value is missing and does not change its series' memory.
    n_first
        Number of values that give the first standard deviation, for all series or one per series.

    Returns
    -------
    The memory after the tick, and novelty of shape ``(n_series,)``: 0 where one of the last hundred values
    was as novel, ``nan`` while warming up and for a missing value.
    """
    is_seen = is_plausible(values)
    with np.errstate(over="ignore"):
        return _advance(memory, np.where(is_seen, values, 0.0).astype(np.float32), is_seen, n_first)


def _advance(
    memory: Novelty,
    values: NDArray[np.float32],
    is_seen: NDArray[np.bool_],
    n_first: NDArray[np.integer] | int,
) -> tuple[Novelty, NDArray[np.float32]]:
    n = memory.n + is_seen
    is_warm = memory.n >= n_first
    origin = np.where(memory.n == 0, values, memory.origin)
    off = values - origin
    from_mean = np.clip(off - memory.mean, -LARGEST_OFF, LARGEST_OFF)
    np.copyto(from_mean, np.float32(0.0), where=~is_seen)
    share = from_mean / np.maximum(n, np.float32(1.0))
    mean = memory.mean + share
    squares = memory.squares + from_mean * (from_mean - share)
    learning = is_seen & ~is_warm
    running = np.sqrt(squares / np.maximum(n, np.float32(1.0)))
    first_deviation = np.where(learning, running, memory.first_deviation)
    width = np.where(memory.n == 0, RELATIVE_FLOOR * np.abs(origin) + ABSOLUTE_FLOOR, memory.width)
    moved = memory._replace(
        n=n,
        origin=origin,
        mean=mean,
        squares=squares,
        first_deviation=first_deviation,
        width=width,
        lowest=np.where(is_seen, np.minimum(memory.lowest, off), memory.lowest),
        highest=np.where(is_seen, np.maximum(memory.highest, off), memory.highest),
    )
    deviation = _deviation(moved)
    moved = _merged(moved, deviation)

    place = np.floor(off / moved.width)
    is_inside = is_seen & (place >= -HALF) & (place < HALF)
    bins = np.where(is_inside, place, 0.0).astype(np.int32) + HALF
    bit = BIT_OF.take(bins & 7)
    byte = np.arange(0, moved.visited.size, N_BINS // 8) + (bins >> 3)
    is_known = moved.visited.reshape(-1).take(byte) & bit > 0
    fresh = np.flatnonzero(is_inside & ~is_known)
    novelty = np.zeros(len(n), dtype=np.float32)
    outside = np.flatnonzero(is_seen & ~is_inside)
    beyond = np.maximum(off[outside] - memory.highest[outside], memory.lowest[outside] - off[outside])
    novelty[outside] = np.maximum(beyond, np.float32(0.0)) / deviation[outside]
    if len(fresh):
        for few in _pieces(fresh):
            distance = _distance(off[few], bins[few], moved.visited[few], moved.width[few])
            novelty[few] = distance / deviation[few]
        visited = moved.visited.copy()
        visited[fresh, bins[fresh] >> 3] |= bit[fresh]
        moved = moved._replace(visited=visited)
    is_newest = (novelty > 0) & (memory.n >= WARM_UP_VALUES)
    is_newest &= (novelty > memory.peak) | (n - memory.peak_n > QUIET_POINTS)
    scored = np.where(is_newest, novelty / memory.usual, np.float32(0.0))
    if is_newest.any():
        n_novel = memory.n_novel + is_newest
        learned = np.minimum(novelty, CLIP) - memory.usual
        moved = moved._replace(
            peak=np.where(is_newest, novelty, memory.peak),
            peak_n=np.where(is_newest, n, memory.peak_n),
            usual=np.where(is_newest, memory.usual + learned / n_novel, memory.usual),
            n_novel=n_novel,
        )
    is_scored = is_seen & is_warm
    return moved, scored if is_scored.all() else np.where(is_scored, scored, np.float32(np.nan))


def _deviation(memory: Novelty) -> NDArray[np.float32]:
    """Standard deviation that novelty is measured in."""
    running = np.sqrt(memory.squares / np.maximum(memory.n, np.float32(1.0)))
    running *= RUNNING_SHARE
    deviation: NDArray[np.float32] = np.maximum(running, memory.first_deviation)
    return np.maximum(deviation, memory.width)


def _merged(memory: Novelty, deviation: NDArray[np.float32]) -> Novelty:
    """Double the bin width of series that have become too restless for it, as often as necessary."""
    too_narrow = np.flatnonzero(memory.width < NARROWEST_BIN * deviation)
    if not len(too_narrow):
        return memory
    visited, width = memory.visited.copy(), memory.width.copy()
    for few in _pieces(too_narrow):
        times = np.ceil(np.log2(NARROWEST_BIN * deviation[few] / width[few])).astype(np.int32)
        width[few] = np.ldexp(width[few], times)
        was = visited[few]
        row, byte = np.nonzero(was)
        held, bit = np.nonzero(BITS[was[row, byte]])
        row, place = row[held], byte[held] * 8 + bit
        place = ((place - HALF) >> np.minimum(times[row], 31)) + HALF
        now = np.zeros_like(was)
        np.bitwise_or.at(now, (row, place >> 3), BIT_OF[place & 7])
        visited[few] = now
    return memory._replace(visited=visited, width=width)


def _distance(
    off: NDArray[np.float32],
    bins: NDArray[np.int32],
    visited: NDArray[np.uint8],
    width: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Distance to the middle of the nearest visited bin, in the unit of the series; 0 where there is none.

    Searches byte by byte on both sides of the value's own bin, which was not visited.
    """
    rows, places = np.arange(len(off)), np.arange(visited.shape[1])
    own, bit = (bins >> 3)[:, None], bins & 7
    below, above = visited.copy(), visited.copy()
    below[rows, own[:, 0]] &= (0xFF00 >> bit).astype(np.uint8)
    above[rows, own[:, 0]] &= (0xFF >> bit).astype(np.uint8)
    is_below, is_above = (below > 0) & (places <= own), (above > 0) & (places >= own)
    last, first = len(places) - 1 - is_below[:, ::-1].argmax(axis=1), is_above.argmax(axis=1)
    nearest = np.full(len(off), np.inf, dtype=np.float32)
    for is_there, place in (
        (is_below[rows, last], last * 8 + LAST_OF[below[rows, last]]),
        (is_above[rows, first], first * 8 + FIRST_OF[above[rows, first]]),
    ):
        middle = (place - HALF + 0.5).astype(np.float32) * width
        nearest = np.where(is_there, np.minimum(nearest, np.abs(off - middle)), nearest)
    return np.where(np.isfinite(nearest), nearest, np.float32(0.0))


def _pieces(rows: NDArray[np.integer]) -> Iterator[NDArray[np.integer]]:
    """Cut rows into pieces whose bins fit into a few megabytes."""
    for start in range(0, len(rows), MERGED_AT_ONCE):
        yield rows[start : start + MERGED_AT_ONCE]
