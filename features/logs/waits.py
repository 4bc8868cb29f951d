"""By how much the waits between the lines of one trace exceed the usual ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from features.logs.gaps import GapKind, LogGaps

    Floats = NDArray[np.float64]

MIN_NORMAL_GAPS, MIN_GAPS = 20, 5
"""Waits of one kind that are needed in the reference, and in a cell to compare."""

FLOOR: Final = 0.05
"""Smallest spread of ln(waits): nothing is steadier than 5 %."""


@dataclass(frozen=True)
class WaitReference:
    """Usual waits, as ln(1 + milliseconds).

    Attributes
    ----------
    kinds
        The kinds with at least 20 waits.
    mean, within, between
        Shape ``(n_kinds,)``: the mean, the variance of single waits, and the variance of the windows' means
        beyond what their own waits explain.
    """

    kinds: tuple[GapKind, ...]
    mean: Floats
    within: Floats
    between: Floats


def wait_reference(normal: LogGaps) -> WaitReference:
    """Learn usual waits from windows of normal operation."""
    n, total, squares = (
        np.bincount(normal.kind, weights=each, minlength=len(normal.kinds)).astype(np.float64)
        for each in (normal.n, normal.total, normal.squares)
    )
    mean = total / np.maximum(n, 1.0)
    within = np.maximum(squares / np.maximum(n, 1.0) - mean**2, FLOOR**2)
    # variance of the windows' means beyond what their own waits explain, by moments (DerSimonian, Laird 1986)
    off = normal.n * (normal.total / normal.n - mean[normal.kind]) ** 2
    spread = np.bincount(normal.kind, weights=off, minlength=len(n))
    n_windows = np.bincount(normal.kind, minlength=len(n))
    weight = n - np.bincount(normal.kind, weights=normal.n**2, minlength=len(n)) / np.maximum(n, 1.0)
    beyond = spread - np.maximum(n_windows - 1, 0) * within
    between = np.divide(beyond, weight, out=np.zeros(len(n)), where=weight > 0)
    known = np.flatnonzero(n >= MIN_NORMAL_GAPS)
    kinds = tuple(normal.kinds[index] for index in known.tolist())
    return WaitReference(kinds, mean[known], within[known], np.maximum(between[known], FLOOR**2))


def wait_changes(gaps: LogGaps, reference: WaitReference) -> Floats:
    """By how many standard errors the mean of each cell exceeds the usual one.

    Returns
    -------
    Shape ``(n_cells,)``; ``nan`` for unknown kinds, and for cells of fewer than five waits.
    """
    place = {kind: index for index, kind in enumerate(reference.kinds)}
    of_kind = np.array([place.get(kind, -1) for kind in gaps.kinds], dtype=np.int64)
    known = of_kind[gaps.kind] if len(of_kind) else np.zeros(0, dtype=np.int64)
    change = np.full(len(gaps.n), np.nan)
    is_compared = (known >= 0) & (gaps.n >= MIN_GAPS)
    usual, n = known[is_compared], gaps.n[is_compared]
    error = np.sqrt(reference.within[usual] / n + reference.between[usual])
    change[is_compared] = (gaps.total[is_compared] / n - reference.mean[usual]) / error
    return change
