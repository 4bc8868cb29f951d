"""Series of different times aligned side by side, so that many are scored in one pass."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from features.calendar import DAY_MS
from features.frame import Frame
from models.paging.thresholds import WEEK_MS
from telemetry.batches import SeriesKey

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from experiments.datasets.kpi import LabelledSeries

MONDAY_MS = 4 * DAY_MS


def side_by_side(
    series: Sequence[LabelledSeries],
) -> Iterator[tuple[list[LabelledSeries], list[int], Frame]]:
    """Series of one step side by side, each shifted by full weeks to start in the first week.

    Their clock uses only the weekday and the minute, so this affects nothing but speed.

    Yields
    ------
    The series of one step, the tick of the frame at which each starts, and the frame.
    """
    for step_ms in sorted({each.step_ms for each in series}):
        own = [each for each in series if each.step_ms == step_ms]
        offsets = [(each.start_ms - MONDAY_MS) % WEEK_MS // step_ms for each in own]
        n_ticks = max(offset + len(each.values) for offset, each in zip(offsets, own, strict=True))
        values = np.full((n_ticks, len(own)), np.nan)
        for column, (offset, each) in enumerate(zip(offsets, own, strict=True)):
            values[offset : offset + len(each.values), column] = each.values
        keys = tuple(SeriesKey(each.name, "value") for each in own)
        yield own, offsets, Frame(MONDAY_MS, step_ms, keys, values)
