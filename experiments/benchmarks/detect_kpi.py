"""How many labelled anomalies of real KPIs are found in time, at a fixed page budget.

Data: AIOps-2018 KPIs. Every series streams from its first point; no detector sees a point before scoring it,
except the batch peers, which are fitted on the training half. The threshold of each series is learned from
the training halves of the *other* series (from their 15th day on), whose labels show which pages were false.
The rule is the same for all, and no test half is read beforehand. Then the test half is judged: an anomaly
is found if a page falls within its first seven points, every page on a normal point is a false page, and
nothing is point-adjusted.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from experiments.benchmarks.detect_cold import cold_figures, scores_with_prior
from experiments.benchmarks.detect_peers import isolation_forest_scores, random_scores, with_history
from experiments.benchmarks.detect_rows import (
    Judged,
    counts_at,
    false_pages,
    is_sparse,
    mean_vus,
    normal_weeks,
    page_row,
    threshold_grid,
)
from experiments.benchmarks.side_by_side import side_by_side
from features.calendar import CLOCKS, DAY_MS
from models.detectors.baseline import fit_baseline
from models.detectors.severity import onset_and_severity
from models.paging.page_curve import page_curve

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from experiments.benchmarks.detect_rows import Row
    from experiments.benchmarks.event_figures import EventCounts
    from experiments.datasets.kpi import LabelledSeries
    from experiments.peers.river import StreamScorer

BUDGETS = (1.0, 0.5, 2.0, 4.0)
WARM_UP_DAYS = 14


def bench_kpi(
    series: Sequence[LabelledSeries],
    *,
    river: StreamScorer | None = None,
    on_progress: Callable[[str], None] = lambda _: None,
) -> list[Row]:
    """Run Sunspot, its peers and a random score; one flat row per part and method."""
    on_progress("sunspot")
    started = time.perf_counter()
    onset, severity = sunspot_scores(series)
    costs = {"sunspot": (time.perf_counter() - started) / sum(len(each.values) for each in series) * 1e9}
    methods: dict[str, Sequence[NDArray[np.floating]]] = {"sunspot": onset}
    for name, scores_of in (("pyod_iforest", _forest), ("random", _random)):
        on_progress(name)
        methods[name] = [scores_of(each, index) for index, each in enumerate(series)]
    if river is not None:
        on_progress("river_half_space_trees")
        rows_of = [with_history(each.values, step_ms=each.step_ms) for each in series]
        methods["river_half_space_trees"], river_ns = river(rows_of)
        costs["river_half_space_trees"] = river_ns
    weeks: dict[str, dict[str, Sequence[NDArray[np.floating]]]] = {
        "sunspot": {"event_f1_cold": onset, "event_f1_cold_prior": scores_with_prior(series)},
        "random": {"event_f1_cold": methods["random"]},
    }
    rows: list[Row] = []
    for name, scores in methods.items():
        on_progress(f"judging {name}")
        judged = [_judged(*pair) for pair in zip(series, scores, strict=True)]
        for budget in BUDGETS if name == "sunspot" else BUDGETS[:1]:
            thresholds = held_out_thresholds(judged, budget)
            counts = counts_of(judged, thresholds)
            method = name if budget == BUDGETS[0] else f"{name}_budget_{budget:g}"
            for part, members in _parts(judged).items():
                own = [counts[each] for each in members]
                row = page_row(own, [judged[each].step_ms for each in members], budget)
                if budget == BUDGETS[0]:
                    row |= {"vus_pr": mean_vus([judged[each] for each in members]) or 0.0}
                    row |= {"ns_per_point": costs[name]} if name in costs else {}
                if part == "all" and method in weeks:
                    row |= cold_figures(judged, thresholds, weeks[method])
                rows.append({"part": part, "method": method, **row})
    slow = [_judged(*pair) for pair in zip(series, severity, strict=True)]
    rows.append(
        {"part": "all", "method": "sunspot_severity", "n": len(slow), "vus_pr": mean_vus(slow) or 0.0}
    )
    return sorted(rows, key=lambda row: row["part"] != "all")


def sunspot_scores(
    series: Sequence[LabelledSeries],
) -> tuple[list[NDArray[np.float32]], list[NDArray[np.float32]]]:
    """Onset and severity of every series, streamed from its first point without earlier learning."""
    onset: dict[str, NDArray[np.float32]] = {}
    severity: dict[str, NDArray[np.float32]] = {}
    for own, offsets, frame in side_by_side(series):
        clock = CLOCKS["always"]
        both = onset_and_severity(frame, fit_baseline(frame.between(0, 1), clock), clock)
        for column, (each, offset) in enumerate(zip(own, offsets, strict=True)):
            ticks = slice(offset, offset + len(each.values))
            onset[each.name], severity[each.name] = (scores[ticks, column] for scores in both)
    return [onset[each.name] for each in series], [severity[each.name] for each in series]


def held_out_thresholds(judged: Sequence[Judged], budget_per_week: float) -> list[float]:
    """Threshold of each series, learned from the training halves of all others."""
    train = [_training_part(each) for each in judged]
    grid = threshold_grid([each.scores for each in train])
    pages = np.array([false_pages(each, grid) for each in train])
    weeks = np.array([normal_weeks(each) for each in train])
    found = []
    for index in range(len(judged)):
        is_other = np.arange(len(judged)) != index if len(judged) > 1 else np.ones(1, dtype=bool)
        curve = page_curve(grid, pages[is_other].sum(axis=0), float(weeks[is_other].sum()))
        found.append(curve.threshold_for(budget_per_week))
    return found


def counts_of(judged: Sequence[Judged], thresholds: Sequence[float]) -> list[EventCounts]:
    """Judge each series at its own threshold."""
    return [counts_at(*pair) for pair in zip(judged, thresholds, strict=True)]


def _training_part(judged: Judged) -> Judged:
    part = slice(min(WARM_UP_DAYS * DAY_MS // judged.step_ms, judged.n_train // 2), judged.n_train)
    return replace(
        judged, times_ms=judged.times_ms[part], scores=judged.scores[part], labels=judged.labels[part]
    )


def _judged(series: LabelledSeries, scores: NDArray[np.floating]) -> Judged:
    sparse = is_sparse(series.values[: series.n_train])
    return Judged(
        series.folder, series.step_ms, series.times_ms, scores, series.labels, series.n_train, sparse
    )


def _parts(judged: Sequence[Judged]) -> dict[str, list[int]]:
    parts = {"all": list(range(len(judged)))}
    for index, each in enumerate(judged):
        parts.setdefault(each.part, []).append(index)
    return parts


def _forest(series: LabelledSeries, seed: int) -> NDArray[np.float64]:
    rows = with_history(series.values, step_ms=series.step_ms)
    return isolation_forest_scores(rows[: series.n_train], rows, seed=seed)


def _random(series: LabelledSeries, seed: int) -> NDArray[np.float64]:
    return random_scores(len(series.values), seed=seed)
