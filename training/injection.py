"""Artificial anomalies, the same for champion and challenger, to see what a detector still finds.

A threshold so high that nothing pages stays within every budget. Shifts of known size in normal data show
what that silence costs. They are a check on training, not a measure of real incidents.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from features.frame import Frame
from training.splits import LabelledAnomaly

if TYPE_CHECKING:
    from numpy.typing import NDArray

N_SHIFTS = 200
SHIFT_TICKS = 5
LEAST_SIZE, LARGEST_SIZE = 5.0, 100.0
"""Range of a shift's height, log-uniform, in mean absolute residuals of its series at that time."""


def inject_shifts(
    frame: Frame, residuals: NDArray[np.float64], *, seed: int
) -> tuple[Frame, tuple[LabelledAnomaly, ...]]:
    """Raise at most 200 runs of five ticks, at most one per item and 20 ticks.

    Parameters
    ----------
    frame
        Normal signals.
    residuals
        Expected mean absolute residuals, in the shape of the frame's values; where one is 0, nothing is
        shifted.
    seed
        Seed for the places and heights.

    Returns
    -------
    The frame with the shifts, and where they are.
    """
    rng = np.random.default_rng(seed)
    values = frame.values.astype(np.float64)
    starts = np.arange(SHIFT_TICKS, frame.n_ticks - SHIFT_TICKS, 4 * SHIFT_TICKS)
    labels: dict[tuple[str, int], LabelledAnomaly] = {}
    if len(starts) and len(frame.keys):
        columns, ticks = rng.integers(len(frame.keys), size=N_SHIFTS), rng.choice(starts, N_SHIFTS)
        sizes = np.exp(rng.uniform(np.log(LEAST_SIZE), np.log(LARGEST_SIZE), N_SHIFTS))
        for column, tick, size in zip(columns, ticks, sizes, strict=True):
            item = frame.keys[column].item
            height = size * residuals[tick, column]
            if (item, tick) in labels or np.isnan(values[tick, column]) or not height > 0:
                continue
            values[tick : tick + SHIFT_TICKS, column] += height
            start_ms = frame.start_ms + int(tick) * frame.step_ms
            labels[item, tick] = LabelledAnomaly(item, start_ms, start_ms + SHIFT_TICKS * frame.step_ms)
    return Frame(frame.start_ms, frame.step_ms, frame.keys, values), tuple(labels.values())
