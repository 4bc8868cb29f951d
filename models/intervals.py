"""95 % intervals of counts and shares."""

from __future__ import annotations

from math import sqrt

from scipy.special import gammaincinv

Z_95 = 1.959964


def poisson_interval(count: int) -> tuple[float, float]:
    """95 % interval of the mean of a Poisson count (F. Garwood, Biometrika, 1936).

    >>> [round(each, 2) for each in poisson_interval(10)]
    [4.8, 18.39]
    """
    low = float(gammaincinv(count, 0.025)) if count else 0.0
    return low, float(gammaincinv(count + 1, 0.975))


def wilson_interval(hits: float, n: int) -> tuple[float, float]:
    """95 % interval of a share (E. B. Wilson, JASA, 1927); 0 to 1 if there were no trials.

    >>> [round(each, 2) for each in wilson_interval(8, 10)]
    [0.49, 0.94]
    """
    if not n:
        return 0.0, 1.0
    share, z2 = hits / n, Z_95**2
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = Z_95 * sqrt(share * (1 - share) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    return max(0.0, middle - half), min(1.0, middle + half)
