"""Artificial anomalies, the same for champion and challenger, to see what a detector still finds.

A threshold so high that nothing pages keeps every budget. Shifts of known size put into calm data show
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
SIZE = 15.0
"""Height of a shift in the series' own mean absolute residuals; twelve standard deviations."""


def inject_shifts(
    frame: Frame, deviation: NDArray[np.float64], *, seed: int
) -> tuple[Frame, tuple[LabelledAnomaly, ...]]:
    """Raise at most 200 stretches of five ticks, at most one per item and 20 ticks.

    Parameters
    ----------
    frame
        Calm signals.
    deviation
        Shape ``(n_series,)``: mean absolute residual; series where it is 0 are left alone.
    seed
        Chooses where.

    Returns
    -------
    The frame with the shifts, and where they are.
    """
    rng = np.random.default_rng(seed)
    values = frame.values.astype(np.float64)
    starts = np.arange(SHIFT_TICKS, frame.n_ticks - SHIFT_TICKS, 4 * SHIFT_TICKS)
    columns = np.flatnonzero(deviation > 0)
    labels: dict[tuple[str, int], LabelledAnomaly] = {}
    if len(starts) and len(columns):
        for column, tick in zip(rng.choice(columns, N_SHIFTS), rng.choice(starts, N_SHIFTS), strict=True):
            item = frame.keys[column].item
            if (item, tick) in labels or np.isnan(values[tick, column]):
                continue
            values[tick : tick + SHIFT_TICKS, column] += SIZE * deviation[column]
            start_ms = frame.start_ms + int(tick) * frame.step_ms
            labels[item, tick] = LabelledAnomaly(item, start_ms, start_ms + SHIFT_TICKS * frame.step_ms)
    return Frame(frame.start_ms, frame.step_ms, frame.keys, values), tuple(labels.values())
