"""How surprising a value is against its own past: an empirical tail, extended by a generalised Pareto.

Peaks over threshold: Pickands, "Statistical inference using extreme order statistics", Annals of
Statistics 1975. The excesses over a high quantile are fitted by probability-weighted moments (Hosking
and Wallis, "Parameter and quantile estimation for the generalized Pareto distribution", Technometrics
1987), which are stable for the few dozen excesses there are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

TAIL_SHARE = 0.05
"""The share of the past that counts as its tail."""

BEYOND = 10.0
"""A tail is trusted to so many times fewer occurrences than the past had room for, and no further."""

MAX_SHAPE = 0.5
"""Largest tail shape; beyond it the variance of the excesses is infinite."""


def surprise(
    value: NDArray[np.float64], past: NDArray[np.float64], *, floor: NDArray[np.float64] | float = 0.0
) -> NDArray[np.float64]:
    """Return −ln of the probability that the past gives a value at least this large.

    Parameters
    ----------
    value
        Shape ``(n_series,)``.
    past
        Shape ``(n_past, n_series)``; ``nan`` is left out. The past itself is never modified.
    floor
        Smallest scale of the fitted tail, in the unit of ``value``: a past that never moved must not
        make the least move infinitely surprising.

    Returns
    -------
    Shape ``(n_series,)``, from 0 up to ``ln(BEYOND × (n_past + 1))``.

    Examples
    --------
    >>> past = np.arange(99.0)[:, None]
    >>> surprise(np.array([49.0]), past).round(2)  # half of the past is larger
    array([0.67])
    """
    if np.isnan(past).any():
        return _surprise_by_length(value, past, np.broadcast_to(floor, value.shape))
    n_past = len(past)
    if not n_past:
        return np.zeros_like(value)
    at_least = (past >= value).sum(axis=0)
    empirical = -np.log((at_least + 1.0) / (n_past + 1.0))
    n_tail = int(n_past * TAIL_SHARE)
    if n_tail < 2:  # noqa: PLR2004  one excess has no spread
        return np.asarray(empirical, dtype=np.float64)
    upper = np.sort(past, axis=0)[n_past - n_tail - 1 :]
    threshold = upper[0]
    shape, scale = _fit_tail(upper[1:] - threshold)
    scale = np.maximum(scale, floor)
    over = np.maximum(value - threshold, 0.0)
    ratio = np.divide(over, scale, out=np.zeros_like(over), where=scale > 0)
    curved = np.log1p(shape * ratio) / np.where(shape > 0, shape, 1.0)
    beyond = -np.log(n_tail / n_past) + np.where(shape > 0, curved, ratio)
    fitted = (value > threshold) & (scale > 0)
    cap = np.log(BEYOND * (n_past + 1.0))
    surprised: NDArray[np.float64] = np.where(fitted, np.minimum(beyond, cap), np.minimum(empirical, cap))
    return surprised


def _surprise_by_length(
    value: NDArray[np.float64], past: NDArray[np.float64], floor: NDArray[np.float64]
) -> NDArray[np.float64]:
    """`surprise` of series whose pasts have missing values: together those that have equally many."""
    n_seen = (~np.isnan(past)).sum(axis=0)
    ordered = np.sort(past, axis=0)  # missing values come last
    surprised = np.zeros_like(value)
    for length in np.unique(n_seen).tolist():
        alike = n_seen == length
        surprised[alike] = surprise(value[alike], ordered[:length, alike], floor=floor[alike])
    return surprised


def past_surprise(past: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return −ln of the share of each series' past that is at least as large as each of its own values.

    Parameters
    ----------
    past
        Shape ``(n_past, n_series)``; ``nan`` is a missing value.

    Returns
    -------
    The shape of ``past``, 0 and up, ``nan`` where that is; equal values are equally surprising.

    Examples
    --------
    >>> past_surprise(np.array([[0.0], [3.0], [0.0], [1.0]])).round(2).T
    array([[0.  , 1.39, 0.  , 0.69]])
    """
    n_past = len(past)
    order = np.argsort(past, axis=0)
    ordered = np.take_along_axis(past, order, axis=0)
    n_below = np.zeros(past.shape, dtype=np.int64)
    n_below[1:] = np.where(ordered[1:] > ordered[:-1], np.arange(1, n_past)[:, None], 0)
    np.maximum.accumulate(n_below, axis=0, out=n_below)
    n_seen = (~np.isnan(past)).sum(axis=0)
    surprised = np.empty_like(past)
    shares = np.where(np.isnan(ordered), np.nan, n_seen / np.maximum(n_seen - n_below, 1))
    np.put_along_axis(surprised, order, np.log(shares), axis=0)
    return surprised


def _fit_tail(excess: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Shape and scale of each series' sorted excesses ``(n_tail, n_series)``, both ``(n_series,)``."""
    n_tail = len(excess)
    mean = excess.mean(axis=0)
    below = (np.arange(n_tail, dtype=np.float64)[::-1] + 0.35) / n_tail  # chance of being exceeded
    weighted = (excess * below[:, None]).mean(axis=0)
    spread = mean - 2.0 * weighted
    shape = np.divide(mean, spread, out=np.full_like(mean, 2.0), where=spread > 0)
    shape = np.clip(2.0 - shape, 0.0, MAX_SHAPE)
    return shape, mean * (1.0 - shape)
