"""Cells of a window against the same kinds' cells in normal operation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from features.span_sums import Cells

    Floats = NDArray[np.float64]

MIN_NORMAL = 5
"""A kind seen less often in normal operation has no past to compare with."""

MIN_FREEDOM, MAX_FREEDOM = 3.0, 12.0
"""Degrees of freedom of Student's t: the past is short, and its tails are heavier than it shows."""

OUTLIER_SHARE = 0.01
"""So many observations are far off for reasons of their own: a pause, a first call."""

OUTLIER_RISE = 30.0
"""So many times its usual value an outlier may have; one that has k times more is k times rarer."""


@dataclass(frozen=True)
class Comparison:
    """Each kind's window against its past; every array has the shape ``(n_kinds,)``.

    Attributes
    ----------
    n_now, n_then
        Observations in the window and in normal operation.
    mean_now, mean_then
        Their means; ``nan`` where there are none.
    within, between
        Variance of one observation about its bucket's mean, and of the buckets' true means, in the past.
    within_now
        Variance of the window's own observations; 0 where there is only one.
    freedom
        Degrees of freedom of the past's spread.
    """

    n_now: Floats
    n_then: Floats
    mean_now: Floats
    mean_then: Floats
    within: Floats
    between: Floats
    within_now: Floats
    freedom: Floats

    def rise(self, *, floor: float) -> tuple[Floats, Floats]:
        """By how much the mean rose, and its standard error; ``nan`` without window or past.

        Parameters
        ----------
        floor
            Smallest spread of the buckets' true means: nothing is steadier than that.
        """
        known = (self.n_now > 0) & (self.n_then >= MIN_NORMAL)
        one = np.where(known, 1.0, np.nan)
        with np.errstate(invalid="ignore", divide="ignore"):
            variance = np.maximum(self.within, self.within_now) / self.n_now + self.within / self.n_then
            variance += np.maximum(self.between, floor**2)
        return (self.mean_now - self.mean_then) * one, np.sqrt(np.where(known, variance, np.nan))

    def surprise(self, *, floor: float) -> Floats:
        """−ln of the chance of so large a rise, of no more than its observations can show.

        One observation may be an outlier, whatever the others of the past are like: with a share of them
        contaminated (Tukey, "A survey of sampling from contaminated distributions", 1960), n show no more
        than n times −ln of that share. Outliers have a heavy tail of their own: beyond `OUTLIER_RISE` times
        the usual value, their chance falls as one over the factor.
        """
        rise, error = self.rise(floor=floor)
        bound = self.n_now * (np.maximum(rise - np.log(OUTLIER_RISE), 0.0) - np.log(OUTLIER_SHARE))
        surprise: Floats = np.minimum(surprise_of(rise / error, self.freedom), bound)
        return surprise


def compare(now: Cells, then: Cells) -> Comparison:
    """Compare a window with normal operation, kind by kind of the latter.

    The variance of the buckets' true means is estimated by moments (DerSimonian and Laird,
    "Meta-analysis in clinical trials", Controlled Clinical Trials 1986).
    """
    n_kinds = len(then.kinds)
    now = now.of_kinds(then.kinds)

    def summed(kind: NDArray[np.int64], weights: Floats) -> Floats:
        return np.bincount(kind, weights=weights, minlength=n_kinds).astype(np.float64)

    n_now, n_then = summed(now.kind, now.n), summed(then.kind, then.n)
    total_now, total_then = summed(now.kind, now.total), summed(then.kind, then.total)
    n_buckets = summed(then.kind, np.ones(len(then.kind)))
    bucket_mean = then.total / np.maximum(then.n, 1.0)
    scatter = summed(then.kind, np.maximum(then.squares - then.n * bucket_mean**2, 0.0))
    loose = n_then - n_buckets
    mean_now = np.divide(total_now, n_now, out=np.full(n_kinds, np.nan), where=n_now > 0)
    mean_then = np.divide(total_then, n_then, out=np.full(n_kinds, np.nan), where=n_then > 0)
    off = then.n * (bucket_mean - np.nan_to_num(mean_then)[then.kind]) ** 2
    spread = summed(then.kind, off)
    within = np.divide(scatter, loose, out=np.zeros(n_kinds), where=loose > 0)
    within = np.where(loose >= MIN_NORMAL, within, (scatter + spread) / np.maximum(n_then - 1.0, 1.0))
    weight = n_then - summed(then.kind, then.n**2) / np.maximum(n_then, 1.0)
    excess = spread - np.maximum(n_buckets - 1.0, 0.0) * within
    between = np.maximum(np.divide(excess, weight, out=np.zeros(n_kinds), where=weight > 0), 0.0)
    squares_now = summed(now.kind, now.squares)
    loose_now = np.maximum(n_now - 1.0, 1.0)
    within_now = np.maximum(squares_now - total_now**2 / np.maximum(n_now, 1.0), 0.0) / loose_now
    within_now = np.where(n_now > 1.0, within_now, 0.0)
    freedom = np.clip(n_buckets - 1.0, MIN_FREEDOM, MAX_FREEDOM)
    return Comparison(n_now, n_then, mean_now, mean_then, within, between, within_now, freedom)


def surprise_of(z: Floats, freedom: Floats) -> Floats:
    """−ln of the chance that Student's t is at least ``z``; ``nan`` stays.

    >>> surprise_of(np.array([0.0]), np.array([6.0])).round(3)
    array([0.693])
    """
    tail = special.stdtr(freedom, -z)
    surprise: Floats = -np.log(np.maximum(tail, 1e-300))
    return surprise


def largest(items: NDArray[np.int64], surprise: Floats, n_items: int) -> tuple[Floats, NDArray[np.int64]]:
    """Each item's largest surprise less ln of the number it is the largest of, and which one it is.

    Parameters
    ----------
    items
        Shape ``(n_kinds,)``: the item each kind belongs to, −1 for none.
    surprise
        Shape ``(n_kinds,)``; ``nan`` where nothing could be compared.

    Returns
    -------
    Shape ``(n_items,)`` each: from 0 up, ``nan`` without any comparison; index of the kind, −1 without.
    """
    rows = np.flatnonzero((items >= 0) & np.isfinite(surprise))
    tested = np.bincount(items[rows], minlength=n_items)
    best, which = np.full(n_items, np.nan), np.full(n_items, -1, dtype=np.int64)
    order = rows[np.argsort(surprise[rows], kind="stable")]
    which[items[order]] = order
    has = which >= 0
    best[has] = np.maximum(surprise[which[has]] - np.log(tested[has]), 0.0)
    return best, which
