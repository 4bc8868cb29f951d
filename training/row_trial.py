"""Trial of detectors of service rows: each fitted, given a threshold, and judged on held-back time."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from features.frame import Frame
from features.service_rows import service_rows
from models.detectors import DETECTORS
from models.detectors.baseline import expected_values
from models.paging.thresholds import pages_of, threshold_for_budget
from training.evaluate import normal_figures, recall_figures

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from features.calendar import Clock
    from models.detectors import RowDetector
    from models.detectors.first_stage import Baseline
    from training.splits import LabelledAnomaly
    from training.trial import Part, Trial

MAX_ROWS = 60_000
"""Approximate limit on the rows of each part; a large system keeps every n-th tick."""

LEAST_QUANTILE = 0.99
SIMPLE = "top_scores"
"""The detector that every other must beat."""


@dataclass(frozen=True)
class PartRows:
    """Rows of one part of the split.

    Attributes
    ----------
    items
        The services, one per column of their scores.
    times_ms
        Start of each selected tick, shape ``(n_ticks,)``.
    step_ms
        Spacing of those ticks.
    X
        Shape ``(n_ticks × n_items, n_features)``.
    """

    items: tuple[str, ...]
    times_ms: NDArray[np.int64]
    step_ms: int
    X: NDArray[np.float64]

    def scored_by(self, detector: RowDetector) -> NDArray[np.float64]:
        """Scores of shape ``(n_ticks, n_items)``."""
        return detector.score(self.X).reshape(len(self.times_ms), len(self.items))


@dataclass(frozen=True)
class RowCandidate:
    """A fitted detector, its threshold and its figures."""

    detector: RowDetector
    threshold: float
    figures: dict[str, float]


def second_stage_of(candidates: Mapping[str, RowCandidate], *, budget_per_week: float) -> str:
    """Name of the detector to serve: the plain mean of the largest scores, unless another is better.

    Another is better if it finds more artificial shifts than chance explains, without more false pages than
    the plain one or the budget. Empty if there is no candidate.
    """
    if SIMPLE not in candidates:
        return ""
    simple = candidates[SIMPLE].figures
    chosen, most_found = SIMPLE, simple.get("recall_events_high", 1.0)
    allowed = max(simple.get("false_pages_per_week", 0.0), budget_per_week)
    for name, candidate in candidates.items():
        found = candidate.figures.get("recall_events", 0.0)
        if found > most_found and candidate.figures.get("false_pages_per_week", np.inf) <= allowed:
            chosen, most_found = name, found
    return chosen


def rows_of(part: Part, scores: NDArray[np.floating], baseline: Baseline, clock: Clock) -> PartRows:
    """Feature rows of a part, thinned in time if there are too many."""
    n_items = len(part.frame.items)
    stride = max(1, -(-part.frame.n_ticks * n_items // MAX_ROWS))
    frame, step_ms = part.frame, part.frame.step_ms * stride
    expected = expected_values(frame, baseline, clock)[::stride]
    thinned = Frame(frame.start_ms, step_ms, frame.keys, frame.values[::stride])
    rows = service_rows(thinned, scores[::stride], expected)
    return PartRows(rows.items, thinned.times_ms, step_ms, rows.flat)


def try_row_detectors(
    trial: Trial,
    baseline: Baseline,
    clock: Clock,
    *,
    shifts: Sequence[LabelledAnomaly],
    budget_per_week: float,
    progress: Callable[[float], None] = lambda _: None,
) -> dict[str, RowCandidate]:
    """Fit every detector on the first part, calibrate it on the second, judge it on the last.

    ``progress`` receives the share of the detectors that is done.

    Returns
    -------
    Candidates by name in `models.detectors.DETECTORS`; empty if no item has a golden signal or resource.
    """
    fit, calibrate, held_back = (
        rows_of(part, part.normal, baseline, clock) for part in (trial.fit, trial.calibrate, trial.held_back)
    )
    shifted = rows_of(trial.shifted, trial.shifted.scores, baseline, clock)
    if not fit.items:
        return {}
    candidates = {}
    for name, make in DETECTORS.items():
        detector = make().fit(fit.X)
        threshold = row_threshold(calibrate, calibrate.scored_by(detector), budget_per_week=budget_per_week)
        started = time.perf_counter()
        scores = held_back.scored_by(detector)
        ns_per_point = (time.perf_counter() - started) / scores.size * 1e9
        found_in = shifted.scored_by(detector)
        figures = {"threshold": threshold, "ns_per_point": ns_per_point}
        figures |= row_figures(held_back, scores, found_in, threshold=threshold, shifts=shifts)
        candidates[name] = RowCandidate(detector, threshold, figures)
        progress(len(candidates) / len(DETECTORS))
    return candidates


def row_threshold(rows: PartRows, scores: NDArray[np.float64], *, budget_per_week: float) -> float:
    """Threshold that keeps the budget per service in normal time, scores of shape ``(n_ticks, n_items)``."""
    seen = scores[np.isfinite(scores)]
    return threshold_for_budget(
        scores,
        rows.times_ms,
        step_ms=rows.step_ms,
        budget_per_week=budget_per_week,
        is_sparse=np.zeros(len(rows.items), dtype=bool),
        least=float(np.quantile(seen, LEAST_QUANTILE)) if len(seen) else 1.0,
    )


def row_figures(
    rows: PartRows,
    normal: NDArray[np.float64],
    shifted: NDArray[np.float64],
    *,
    threshold: float,
    shifts: Sequence[LabelledAnomaly],
) -> dict[str, float]:
    """False pages in normal time, and recall of the shifts injected into the same time.

    Parameters
    ----------
    rows
        The services and ticks of the scores.
    normal, shifted
        Scores without and with the shifts, both of shape ``(n_ticks, n_items)``.
    """
    is_sparse = np.zeros(len(rows.items), dtype=bool)
    figures = normal_figures(
        normal, rows.times_ms, step_ms=rows.step_ms, threshold=threshold, is_sparse=is_sparse
    )
    pages = pages_of(shifted, rows.times_ms, threshold=threshold, is_sparse=is_sparse)
    return figures | recall_figures(pages, rows.times_ms, rows.items, shifts)
