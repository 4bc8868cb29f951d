"""How often each series would page, counted at every threshold: the record that a bundle carries."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models.page_record import GRID, PageCount, PageRecord, count_by_series

if TYPE_CHECKING:
    from collections.abc import Callable

    from training.trial import Part, Trial

N_STEPS = 8
"""Into so many steps the thresholds are cut, so that there is something to tell on the way."""


def page_record(trial: Trial, *, progress: Callable[[float], None] = lambda _: None) -> PageRecord:
    """Count the pages of the time that calibrates and of the time held back.

    ``progress`` is told the share that is done.
    """
    return PageRecord(
        GRID,
        _counted(trial.calibrate, lambda share: progress(share / 2)),
        _counted(trial.held_back, lambda share: progress((1 + share) / 2)),
    )


def _counted(part: Part, progress: Callable[[float], None]) -> PageCount:
    counts = []
    for thresholds in np.array_split(GRID, N_STEPS):
        counts.append(
            count_by_series(part.calm, part.frame.times_ms, step_ms=part.frame.step_ms, thresholds=thresholds)
        )
        progress(len(counts) / N_STEPS)
    return PageCount(np.concatenate([each.pages for each in counts]), counts[0].weeks)
