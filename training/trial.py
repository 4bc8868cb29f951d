"""Trial of a first stage: scores over calibration and held-back time, with and without shifts."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import TYPE_CHECKING

import numpy as np

from features.alignment import aligned
from models.detectors.first_stage import initial_state, score
from models.paging.thresholds import pages_of
from training.evaluate import normal_figures, recall_figures, renamed
from training.splits import labelled_ticks

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from features.calendar import Clock
    from features.frame import Frame
    from models.detectors.first_stage import Baseline
    from models.state import State
    from training.splits import LabelledAnomaly, Split


@dataclass(frozen=True)
class Part:
    """One part of the split, scored.

    Attributes
    ----------
    frame
        The baseline's series over the part.
    scores
        Shape ``(n_ticks, n_series)``; ``nan`` where unscored.
    normal
        The same, also ``nan`` where an incident is labelled.
    """

    frame: Frame
    scores: NDArray[np.floating]
    normal: NDArray[np.floating]

    @property
    def normal_frame(self) -> Frame:
        """The scores without labelled incidents, as a frame."""
        return replace(self.frame, values=self.normal)


@dataclass(frozen=True)
class Trial:
    """The scores of a baseline, part by part, and the cost of a point."""

    fit: Part
    calibrate: Part
    held_back: Part
    shifted: Part
    ns_per_point: float


def run_trial(
    baseline: Baseline,
    clock: Clock,
    split: Split,
    shifted: Frame,
    labels: Sequence[LabelledAnomaly] = (),
    *,
    progress: Callable[[float], None] = lambda _: None,
) -> Trial:
    """Score the three parts in one pass, and the shifted copy of the last from the same state.

    ``progress`` receives the share of the ticks that is done.
    """
    ticks = [each.n_ticks for each in (split.fit, split.calibrate, split.held_back, shifted)]
    done = [n_ticks / sum(ticks) for n_ticks in accumulate(ticks)]
    started = time.perf_counter()
    state, fit = _scored(split.fit, baseline, clock, initial_state(baseline, clock), labels)
    progress(done[0])
    state, calibrate = _scored(split.calibrate, baseline, clock, state, labels)
    progress(done[1])
    elapsed = time.perf_counter() - started
    n_points = fit.scores.size + calibrate.scores.size
    _, held_back = _scored(split.held_back, baseline, clock, state, labels)
    progress(done[2])
    _, with_shifts = _scored(shifted, baseline, clock, state, labels)
    progress(done[3])
    return Trial(fit, calibrate, held_back, with_shifts, elapsed / max(1, n_points) * 1e9)


def trial_figures(
    trial: Trial,
    baseline: Baseline,
    threshold: float,
    *,
    shifts: Sequence[LabelledAnomaly],
    labels: Sequence[LabelledAnomaly] = (),
) -> dict[str, float]:
    """Figures of a first stage at a threshold, on the held-back time only.

    ``recall_events`` is over the artificial shifts, ``known_recall_events`` over the labelled incidents.
    """
    held_back, step_ms = trial.held_back, baseline.step_ms
    times_ms, items = held_back.frame.times_ms, [key.item for key in baseline.keys]
    figures = {"threshold": threshold, "ns_per_point": trial.ns_per_point}
    figures |= normal_figures(
        held_back.normal, times_ms, step_ms=step_ms, threshold=threshold, is_sparse=baseline.is_sparse
    )
    pages = pages_of(trial.shifted.scores, times_ms, threshold=threshold, is_sparse=baseline.is_sparse)
    figures |= recall_figures(pages, times_ms, items, shifts)
    if labels:
        pages = pages_of(held_back.scores, times_ms, threshold=threshold, is_sparse=baseline.is_sparse)
        figures |= renamed(recall_figures(pages, times_ms, items, labels), "known")
    return figures


def _scored(
    frame: Frame, baseline: Baseline, clock: Clock, state: State, labels: Sequence[LabelledAnomaly]
) -> tuple[State, Part]:
    frame = aligned(frame, baseline.keys)
    state, scores = score(frame, baseline, clock, state)
    normal = np.where(labelled_ticks(frame, labels), np.nan, scores.values) if labels else scores.values
    return state, Part(frame, scores.values, normal)
