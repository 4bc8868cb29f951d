"""Value novelty: how far a value is from every value a series has ever had.

A second channel beside the distance from the expected value: a level never seen before is remarkable even
where the series is restless, and one often seen is not. Memory is bounded: values closer than a tenth of a
standard deviation to a remembered one are not remembered.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque
from dataclasses import dataclass, field
from math import isfinite, sqrt

APART = 0.1
"""Remembered values are at least this many standard deviations apart: bins of a fifth."""

RUNNING_SHARE = 0.5
"""A standard deviation is not less than this share of that of all values so far."""

QUIET_POINTS = 100
LARGEST_VALUE = 1e30


@dataclass
class NoveltyScan:
    """Scores the values of one series in order; it changes with every value.

    Attributes
    ----------
    n_first
        Values that the first standard deviation is taken from; they score 0.
    """

    n_first: int
    n: int = 0
    mean: float = 0.0
    squares: float = 0.0
    first_deviation: float = 0.0
    seen: list[float] = field(default_factory=list)
    recent: deque[float] = field(default_factory=lambda: deque(maxlen=QUIET_POINTS))

    def step(self, value: float) -> float:
        """Distance of a value from the nearest one seen, in standard deviations.

        0 while warming up, for a missing value, and where one of the last hundred points was as novel.
        """
        if not isfinite(value) or abs(value) > LARGEST_VALUE:
            return 0.0
        self.n += 1
        off = value - self.mean
        self.mean += off / self.n
        self.squares += off * (value - self.mean)
        running = sqrt(self.squares / self.n)
        if self.n <= self.n_first:
            self.first_deviation = running
        deviation = max(self.first_deviation, RUNNING_SHARE * running, 1e-9 * abs(self.mean), 1e-12)
        distance = self._distance(value)
        if distance > APART * deviation:
            insort(self.seen, value)
        if self.n <= self.n_first:
            return 0.0
        novelty = distance / deviation
        is_newest = novelty > max(self.recent, default=0.0)
        self.recent.append(novelty)
        return novelty if is_newest else 0.0

    def _distance(self, value: float) -> float:
        place = bisect_left(self.seen, value)
        near = self.seen[max(0, place - 1) : place + 1]
        return min((abs(value - each) for each in near), default=float("inf"))
