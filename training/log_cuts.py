"""Time cut in four for log lines: fit, variation, threshold, and judgement."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from training.errors import ShortHistoryError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from telemetry.logs import Logs

MIN_WINDOWS: Final = 200
"""Fewer windows of history than this cannot be cut in four."""


@dataclass(frozen=True)
class Cuts:
    """Starts of the four parts of the time, and the end of the last one."""

    fit_ms: int
    past_ms: int
    calibrate_ms: int
    held_back_ms: int
    end_ms: int


def cuts_of(starts_ms: NDArray[np.int64], *, step_ms: int, shares: Sequence[float]) -> Cuts:
    """Cut the time of some windows in four; the last part is the rest after the three shares.

    Parameters
    ----------
    starts_ms, step_ms
        Start of each window, rising, and their spacing.

    Raises
    ------
    ShortHistoryError
        If there are fewer than 200 windows.
    """
    if len(starts_ms) < MIN_WINDOWS:
        raise ShortHistoryError(needed=MIN_WINDOWS, got=len(starts_ms))
    start_ms, end_ms = int(starts_ms[0]), int(starts_ms[-1]) + step_ms
    n_windows = (end_ms - start_ms) // step_ms
    past, calibrate, held_back = (
        start_ms + round(n_windows * each) * step_ms for each in np.cumsum(shares).tolist()
    )
    return Cuts(start_ms, past, calibrate, held_back, end_ms)


def since(batches: Iterable[Logs], start_ms: int) -> Iterable[Logs]:
    """The batches that hold a line at or after an instant."""
    return (logs for logs in batches if len(logs) and int(logs.time_ms.max()) >= start_ms)
