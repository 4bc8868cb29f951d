"""Whether one score per machine, from dozens of metrics, points at its labelled anomalies.

Data: SMD and ASD machines. Sunspot streams through training and test part without earlier learning and gives
the mean of the five largest severities of a machine's metrics at each tick (five was chosen after seeing
these machines; three, as planned, is ``sunspot_top3``). River's trees stream through both parts too.
``NAME_on_scores`` is a second-stage detector, fitted on the training part's rows of log(1 + onset), one
feature per metric; the plain mean that it must beat is ``sunspot_onset_top3``. The batch peers are fitted on
the training part. VUS-PR is over the test part, averaged over machines. Pages are judged at the threshold
learned from the training parts of the other machines, for one false page per machine and week; those parts
are unlabelled and assumed normal.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from experiments.benchmarks.detect_kpi import counts_of, held_out_thresholds
from experiments.benchmarks.detect_peers import isolation_forest_scores, pca_scores, random_scores
from experiments.benchmarks.detect_rows import Judged, page_row, vus_figures
from features.calendar import CLOCKS, DAY_MS
from features.frame import Frame
from models.detectors import DETECTORS
from models.detectors.baseline import fit_baseline
from models.detectors.severity import onset_and_severity
from telemetry.batches import SeriesKey
from training.row_trial import SIMPLE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from experiments.benchmarks.detect_rows import Row
    from experiments.datasets.smd import Machine
    from experiments.peers.river import StreamScorer

N_LARGEST = 5
BUDGET_PER_WEEK = 1.0
MONDAY_MS = 4 * DAY_MS
SCORE_CAP = 50.0


def bench_smd(
    machines: Sequence[Machine],
    *,
    river: StreamScorer | None = None,
    on_progress: Callable[[str], None] = lambda _: None,
) -> list[Row]:
    """Run Sunspot, its peers and a random score; one flat row per machine and method, and for all."""
    on_progress("sunspot")
    started = time.perf_counter()
    onset, severity = zip(*(scores_of(each) for each in machines), strict=True)
    n_points = sum(each.size for each in onset)
    ns_per_point = (time.perf_counter() - started) / n_points * 1e9
    methods: dict[str, list[NDArray[np.float64]]] = {
        "sunspot": [top_mean(each) for each in severity],
        "sunspot_top3": [top_mean(each, 3) for each in severity],
        "sunspot_onset_top3": [top_mean(each, 3) for each in onset],
    }
    on_progress("peers")
    both = [np.vstack([each.train, each.test]) for each in machines]
    methods["pca"] = [pca_scores(each.train, rows) for each, rows in zip(machines, both, strict=True)]
    methods["pyod_iforest"] = [
        isolation_forest_scores(each.train, rows, seed=0) for each, rows in zip(machines, both, strict=True)
    ]
    ns_per_row = {"sunspot": ns_per_point}
    if river is not None:
        on_progress("river_half_space_trees")
        methods["river_half_space_trees"], ns_per_row["river_half_space_trees"] = river(both)
    on_progress("detectors of rows of scores")
    for name in DETECTORS:
        if name == SIMPLE:  # the row sunspot_onset_top3
            continue
        started = time.process_time()
        method = f"{name}_on_scores"
        methods[method] = [
            row_detector_scores(name, len(each.train), rows)
            for each, rows in zip(machines, onset, strict=True)
        ]
        ns_per_row[method] = (time.process_time() - started) / sum(len(each) for each in both) * 1e9
    methods["random"] = [random_scores(len(rows), seed=index) for index, rows in enumerate(both)]
    rows: list[Row] = []
    for name, scores in methods.items():
        on_progress(f"judging {name}")
        judged = [_judged(*pair) for pair in zip(machines, scores, strict=True)]
        counts = counts_of(judged, held_out_thresholds(judged, BUDGET_PER_WEEK))
        parts = {"all": list(range(len(judged)))} | {each.part: [at] for at, each in enumerate(judged)}
        for part, members in parts.items():
            row = page_row(
                [counts[each] for each in members],
                [judged[each].step_ms for each in members],
                BUDGET_PER_WEEK,
            )
            row |= vus_figures([judged[each] for each in members])
            row |= {"ns_per_point": ns_per_row[name]} if name in ns_per_row else {}
            rows.append({"part": part, "method": name, **row})
    return sorted(rows, key=lambda row: row["part"] != "all")


def scores_of(machine: Machine) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Onset and severity of every metric over both parts, both of shape ``(n_ticks, n_metrics)``."""
    values = np.vstack([machine.train, machine.test])
    keys = tuple(SeriesKey(machine.name, f"metric_{column:02d}") for column in range(values.shape[1]))
    frame, clock = Frame(MONDAY_MS, machine.step_ms, keys, values), CLOCKS["always"]
    return onset_and_severity(frame, fit_baseline(frame.between(0, 1), clock), clock)


def top_mean(scores: NDArray[np.floating], n_largest: int = N_LARGEST) -> NDArray[np.float64]:
    """Mean of the largest scores at each tick, shape ``(n_ticks,)``; a metric without a score counts 0."""
    largest = np.sort(_filled(scores), axis=1)[:, -n_largest:]
    means: NDArray[np.float64] = largest.mean(axis=1)
    return means


def row_detector_scores(name: str, n_train: int, onset: NDArray[np.floating]) -> NDArray[np.float64]:
    """Positive scores of a second-stage detector, fitted on the first ticks; shape ``(n_ticks,)``."""
    rows = np.log1p(onset.astype(np.float64))
    scores = DETECTORS[name]().fit(rows[:n_train]).score(rows)
    return scores - np.nanmin(scores)


def _filled(scores: NDArray[np.floating]) -> NDArray[np.float64]:
    return np.where(np.isfinite(scores), np.minimum(scores, SCORE_CAP), 0.0).astype(np.float64)


def _judged(machine: Machine, scores: NDArray[np.floating]) -> Judged:
    n_train = len(machine.train)
    times_ms = MONDAY_MS + machine.step_ms * np.arange(len(scores), dtype=np.int64)
    labels = np.concatenate([np.zeros(n_train, dtype=bool), machine.labels])
    return Judged(machine.name, machine.step_ms, times_ms, scores, labels, n_train, is_sparse=False)
