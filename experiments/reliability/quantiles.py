"""Quantiles of waiting times, without smoothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Waits:
    """Waiting times in short, in milliseconds; ``nan`` without any.

    Attributes
    ----------
    n
        How many requests were answered.
    p50_ms, p99_ms, longest_ms
        The median, the wait that one in a hundred exceeds, and the longest.
    n_failed
        Requests that were refused or not answered; their waits do not count.
    """

    n: int
    p50_ms: float
    p99_ms: float
    longest_ms: float
    n_failed: int = 0


def waits(elapsed_s: Sequence[float], *, n_failed: int = 0) -> Waits:
    """Sum up waits given in seconds.

    >>> waits([0.1, 0.2, 0.3])
    Waits(n=3, p50_ms=200.0, p99_ms=300.0, longest_ms=300.0, n_failed=0)
    """
    if not elapsed_s:
        return Waits(0, float("nan"), float("nan"), float("nan"), n_failed)
    p50, p99 = np.quantile(elapsed_s, [0.5, 0.99], method="inverted_cdf") * 1000
    return Waits(len(elapsed_s), float(p50), float(p99), max(elapsed_s) * 1000, n_failed)
