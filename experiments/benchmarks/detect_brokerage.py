"""Whether the page budget holds in quiet weeks of the built-in brokerage.

Data: per seed, 28 simulated days without faults: twenty market opens, lunches, weekends. The first week is
for fitting, the second for calibration, the last two for judgement: every page in them is false. Recall is
measured on artificial shifts injected into the judged weeks. The simulator checks the pipeline; its figures
are never headline figures. The same weeks judge the detectors of service rows, in
`experiments.benchmarks.detect_services`.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from experiments.benchmarks.detect_services import service_table, services_over_seeds
from experiments.brokerage.simulate import simulate
from features.calendar import CLOCKS, DAY_MS
from models.detectors.baseline import fit_baseline, usual_residuals
from models.detectors.first_stage import initial_state, score
from models.paging.thresholds import pages_of, series_weeks, threshold_for_budget
from training.evaluate import page_figures, recall_figures
from training.injection import inject_shifts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    from experiments.benchmarks.detect_rows import Row
    from experiments.peers.river import StreamScorer
    from features.frame import Frame

FIRST_DAY = date(2026, 3, 2)
N_DAYS, FIT_DAYS, CALIBRATE_DAYS = 28, 7, 7
BUDGETS = (1.0, 0.5, 2.0, 4.0)


def bench_brokerage(
    seeds: Iterable[int],
    *,
    river: StreamScorer | None = None,
    on_progress: Callable[[str], None] = lambda _: None,
) -> list[Row]:
    """Judge each seed's last weeks: one row per seed and budget or detector, with a random score."""
    rows: list[Row] = []
    services: list[Row] = []
    for seed in seeds:
        on_progress(f"brokerage {seed}")
        frame = simulate(FIRST_DAY, n_days=N_DAYS, seed=seed).frame
        rows += _rows_of(frame, seed)
        on_progress(f"services of brokerage {seed}")
        services += service_table(frame, seed, river=river)
    return [*_over_all(rows), *rows, *services_over_seeds(services), *services]


def _rows_of(frame: Frame, seed: int) -> list[Row]:
    clock = CLOCKS["XSHG"]
    fit_end, judge = (frame.start_ms + days * DAY_MS for days in (FIT_DAYS, FIT_DAYS + CALIBRATE_DAYS))
    baseline = fit_baseline(frame.between(frame.start_ms, fit_end), clock)
    state, _ = score(frame.between(frame.start_ms, fit_end), baseline, clock, initial_state(baseline, clock))
    calibrate, judged = frame.between(fit_end, judge), frame.between(judge, frame.end_ms)
    state, calibrated = score(calibrate, baseline, clock, state)
    shifted, shifts = inject_shifts(judged, usual_residuals(judged, baseline, clock), seed=seed)
    quiet, with_shifts = (score(each, baseline, clock, state)[1].values for each in (judged, shifted))
    noise = np.random.default_rng(seed)
    made_up = [noise.exponential(size=each.values.shape) for each in (calibrate, judged)]
    scores: dict[str, tuple[NDArray[np.floating], NDArray[np.floating], NDArray[np.floating]]] = {
        "sunspot": (calibrated.values, quiet, with_shifts),
        "random": (made_up[0], made_up[1], made_up[1]),
    }
    rows: list[Row] = []
    for method, (before, after, faulty) in scores.items():
        for budget in BUDGETS if method == "sunspot" else BUDGETS[:1]:
            threshold = threshold_for_budget(
                before,
                calibrate.times_ms,
                step_ms=frame.step_ms,
                budget_per_week=budget,
                is_sparse=baseline.is_sparse,
            )
            pages, found = (
                pages_of(each, judged.times_ms, threshold=threshold, is_sparse=baseline.is_sparse)
                for each in (after, faulty)
            )
            weeks = series_weeks(after, frame.step_ms)
            name = method if budget == BUDGETS[0] else f"{method}_budget_{budget:g}"
            row: Row = {"part": f"seed_{seed}", "method": name, "n": len(shifts)}
            row |= page_figures(pages, weeks)
            row["false_pages_per_week_worst"] = float(pages.sum(axis=0).max()) / (weeks / pages.shape[1])
            row["budget_per_week"] = budget
            row |= recall_figures(found, judged.times_ms, [key.item for key in frame.keys], shifts)
            rows.append(row)
    return rows


def _over_all(rows: list[Row]) -> list[Row]:
    """Mean over the seeds, with the smallest and largest as the interval."""
    summary: list[Row] = []
    for method in dict.fromkeys(str(row["method"]) for row in rows):
        own = [row for row in rows if row["method"] == method]
        rates = [float(row["false_pages_per_week"]) for row in own]
        found = [float(row.get("recall_events", 0.0)) for row in own]
        summary.append(
            {
                "part": "all",
                "method": method,
                "n": sum(int(row["n"]) for row in own),
                "false_pages_per_week": float(np.mean(rates)),
                "false_pages_per_week_low": min(rates),
                "false_pages_per_week_high": max(rates),
                "false_pages_per_week_worst": max(float(row["false_pages_per_week_worst"]) for row in own),
                "budget_per_week": own[0]["budget_per_week"],
                "recall_events": float(np.mean(found)),
            }
        )
    return summary
