"""Aligns a frame's series with the order that a fitted model expects."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from features.frame import Frame

if TYPE_CHECKING:
    from collections.abc import Sequence

    from telemetry.batches import SeriesKey


def aligned(frame: Frame, keys: Sequence[SeriesKey]) -> Frame:
    """Return the frame with exactly these series in this order; an absent series is ``nan`` throughout."""
    if frame.keys == tuple(keys):
        return frame
    columns = np.array([frame.column_of.get(key, -1) for key in keys], dtype=np.int64)
    values = np.full((frame.n_ticks, len(keys)), np.nan, dtype=frame.values.dtype)
    values[:, columns >= 0] = frame.values[:, columns[columns >= 0]]
    return Frame(frame.start_ms, frame.step_ms, tuple(keys), values)
