"""Trial of a detector of log windows: its figures on time it has not learned from."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from features.logs.rows import log_rows
from models.detectors.log_windows import persistent
from models.paging.thresholds import pages_of
from training.evaluate import normal_figures, recall_figures
from training.log_injection import inject_log_faults

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from features.logs.rows import LogPast
    from features.logs.sums import LogSums
    from features.logs.traces import TraceVectors
    from models.artifacts.log_bundle import LogBundle
    from models.detectors.log_windows import LogWindowDetector
    from training.log_cuts import Cuts
    from training.mined_logs import MinedLogs
    from training.splits import LabelledAnomaly


@dataclass(frozen=True)
class Scored:
    """Windows of one part, scored.

    Attributes
    ----------
    services, starts_ms, step_ms
        The services, and the windows.
    scores
        Shape ``(n_windows, n_services)``: the second largest surprise of the last three windows.
    ns_per_point
        Processor time per window and service, features included.
    """

    services: tuple[str, ...]
    starts_ms: NDArray[np.int64]
    step_ms: int
    scores: NDArray[np.float64]
    ns_per_point: float

    @property
    def is_sparse(self) -> NDArray[np.bool_]:
        """All false: no service counts as a sparse series."""
        return np.zeros(len(self.services), dtype=bool)

    def pages(self, threshold: float) -> NDArray[np.bool_]:
        """Which windows and services page, the shape of ``scores``."""
        return pages_of(self.scores, self.starts_ms, threshold=threshold, is_sparse=self.is_sparse)


def score_part(
    detector: LogWindowDetector,
    past: LogPast,
    sums: LogSums,
    *,
    traces: TraceVectors,
    changes_ms: Mapping[str, Sequence[int]],
) -> Scored:
    """Score the windows of one part."""
    started = time.process_time()
    rows = log_rows(sums, past, traces=traces, changes_ms=changes_ms)
    step_ms = sums.counts.step_ms
    scores = persistent(detector.score(rows), rows.starts_ms, step_ms=step_ms)
    took = (time.process_time() - started) / max(1, scores.size) * 1e9
    return Scored(rows.services, rows.starts_ms, step_ms, scores, took)


def random_scores(scored: Scored, *, seed: int) -> Scored:
    """The same windows with random scores, each the second largest of three like real scores."""
    drawn = np.random.default_rng(seed).random(scored.scores.shape)
    scores = persistent(drawn, scored.starts_ms, step_ms=scored.step_ms)
    return replace(scored, scores=np.where(np.isnan(scored.scores), np.nan, scores))


def window_figures(
    normal: Scored, faulty: Scored, threshold: float, labels: Mapping[str, Sequence[LabelledAnomaly]]
) -> dict[str, float]:
    """Figures at a threshold: false pages in normal windows, and recall of artificial faults.

    ``recall_events`` is over all faults, ``recall_missing`` and the like over one kind.
    """
    figures = {"threshold": threshold, "ns_per_point": normal.ns_per_point}
    figures |= normal_figures(
        normal.scores,
        normal.starts_ms,
        step_ms=normal.step_ms,
        threshold=threshold,
        is_sparse=normal.is_sparse,
    )
    pages = faulty.pages(threshold)

    def found(faults: Sequence[LabelledAnomaly]) -> dict[str, float]:
        return recall_figures(pages, faulty.starts_ms, faulty.services, faults)

    figures |= found([each for faults in labels.values() for each in faults])
    for kind, faults in labels.items():
        own = found(faults)
        if own:
            figures[f"recall_{kind}"] = own["recall_events"]
    return figures


def figures_of(
    bundle: LogBundle,
    mined: MinedLogs,
    cuts: Cuts,
    *,
    changes_ms: Mapping[str, Sequence[int]],
    seed: int,
) -> dict[str, float]:
    """Figures of a bundle on the held-back time, with and without artificial faults."""
    normal = mined.sums.between(cuts.held_back_ms, cuts.end_ms)
    faulty, labels = inject_log_faults(normal, seed=seed)
    scored = [
        score_part(bundle.detector, bundle.past, sums, traces=mined.traces, changes_ms=changes_ms)
        for sums in (normal, faulty)
    ]
    return window_figures(scored[0], scored[1], bundle.threshold, labels)


def random_figures(bundle: LogBundle, mined: MinedLogs, cuts: Cuts, *, seed: int) -> dict[str, float]:
    """Figures of random scores with as many anomalous held-back windows as the bundle's scores."""
    normal = mined.sums.between(cuts.held_back_ms, cuts.end_ms)
    faulty, labels = inject_log_faults(normal, seed=seed)
    own, other = (
        score_part(bundle.detector, bundle.past, sums, traces=mined.traces, changes_ms={})
        for sums in (normal, faulty)
    )
    share = float(np.mean(own.scores[np.isfinite(own.scores)] > bundle.threshold)) if len(own.scores) else 0.0
    drawn = random_scores(own, seed=seed)
    seen = drawn.scores[np.isfinite(drawn.scores)]
    threshold = float(np.quantile(seen, 1 - share)) if len(seen) else 1.0
    return window_figures(drawn, random_scores(other, seed=seed + 1), threshold, labels)
