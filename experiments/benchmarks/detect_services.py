"""Whether a detector of service rows finds more than the plain mean of a service's three largest scores.

Data: four quiet weeks of the built-in brokerage per seed. Every second-stage detector is fitted on the first
week and gets its threshold on the second, for one false page per service and week. Training's rule chooses
one on the third week. All are judged on the fourth, which none has seen: every page in it is false, and
recall is measured on artificial shifts injected into a copy of it. As in training, only every n-th tick is
used; shifts between these do not count. ``sunspot`` is the chosen detector. River's trees learn from the
second week on, as they score.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from experiments.benchmarks.detect_peers import random_scores
from features.calendar import CLOCKS
from models.detectors.baseline import fit_baseline, usual_residuals
from models.paging.thresholds import WEEK_MS
from training.injection import inject_shifts
from training.intervals import poisson_interval, wilson_interval
from training.row_trial import row_figures, row_threshold, rows_of, second_stage_of, try_row_detectors
from training.splits import Split
from training.trial import run_trial

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from experiments.benchmarks.detect_rows import Row
    from experiments.peers.river import StreamScorer
    from features.frame import Frame
    from training.row_trial import PartRows
    from training.splits import LabelledAnomaly
    from training.trial import Part

BUDGET_PER_WEEK = 1.0
PART = "services"


def service_table(frame: Frame, seed: int, *, river: StreamScorer | None = None) -> list[Row]:
    """Judge every second-stage detector, the chosen one and a random score on four weeks of one seed."""
    clock = CLOCKS["XSHG"]
    calibrate_ms, choose_ms, judge_ms = (frame.start_ms + weeks * WEEK_MS for weeks in (1, 2, 3))
    learned, held_back = frame.between(frame.start_ms, calibrate_ms), frame.between(choose_ms, frame.end_ms)
    split = Split(learned, frame.between(calibrate_ms, choose_ms), held_back)
    baseline = fit_baseline(learned, clock)
    shifted, shifts = inject_shifts(held_back, usual_residuals(held_back, baseline, clock), seed=seed)
    trial = run_trial(baseline, clock, split, shifted)
    choosing = replace(
        trial,
        held_back=_between(trial.held_back, choose_ms, judge_ms),
        shifted=_between(trial.shifted, choose_ms, judge_ms),
    )
    candidates = try_row_detectors(choosing, baseline, clock, shifts=shifts, budget_per_week=BUDGET_PER_WEEK)
    chosen = second_stage_of(candidates, budget_per_week=BUDGET_PER_WEEK)
    before, quiet, faulty = (
        rows_of(part, part.scores, baseline, clock)
        for part in (
            trial.calibrate,
            _between(trial.held_back, judge_ms, frame.end_ms),
            _between(trial.shifted, judge_ms, frame.end_ms),
        )
    )
    figures = {
        name: row_figures(
            quiet,
            quiet.scored_by(each.detector),
            faulty.scored_by(each.detector),
            threshold=each.threshold,
            shifts=shifts,
        )
        | {"ns_per_point": each.figures["ns_per_point"]}
        for name, each in candidates.items()
    }
    noise = random_scores(before.X.shape[0] + quiet.X.shape[0], seed=seed).reshape(-1, len(quiet.items))
    made_up = noise[: len(before.times_ms)], noise[len(before.times_ms) :]
    figures["random"] = _peer_figures(before, quiet, shifts, (*made_up, made_up[1]))
    if river is not None:
        (calibrated, after), ns_per_row = _streamed(river, before, quiet)
        (_, found_in), _ = _streamed(river, before, faulty)
        figures["river_half_space_trees"] = _peer_figures(
            before, quiet, shifts, (calibrated, after, found_in)
        ) | {"ns_per_point": ns_per_row}
    is_seen = [
        each.item in quiet.items
        and bool(((quiet.times_ms >= each.start_ms) & (quiet.times_ms < each.end_ms)).any())
        for each in shifts
    ]
    part: Row = {"part": f"{PART}/seed_{seed}", "n": sum(is_seen), "budget_per_week": BUDGET_PER_WEEK}
    judged = [{**part, "method": name, **each} for name, each in figures.items()]
    return [{**part, "method": "sunspot", "chosen": chosen, **figures[chosen]}, *judged]


def services_over_seeds(rows: Sequence[Row]) -> list[Row]:
    """Pool the shifts and service-weeks of all seeds, with 95 % intervals."""
    summary: list[Row] = []
    for method in dict.fromkeys(str(row["method"]) for row in rows):
        own = [row for row in rows if row["method"] == method]
        n, weeks = sum(int(row["n"]) for row in own), sum(float(row["series_weeks"]) for row in own)
        found = sum(float(row["recall_events"]) * int(row["n"]) for row in own)
        pages = sum(float(row["false_pages_per_week"]) * float(row["series_weeks"]) for row in own)
        row: Row = {"part": PART, "method": method, "n": n, "budget_per_week": BUDGET_PER_WEEK}
        row["recall_events"] = found / n
        row["recall_events_low"], row["recall_events_high"] = wilson_interval(found, n)
        row["false_pages_per_week"] = pages / weeks
        low, high = poisson_interval(round(pages))
        row["false_pages_per_week_low"], row["false_pages_per_week_high"] = low / weeks, high / weeks
        if "ns_per_point" in own[0]:
            row["ns_per_point"] = float(np.median([float(each["ns_per_point"]) for each in own]))
        summary.append(row)
    return summary


def _peer_figures(
    before: PartRows,
    quiet: PartRows,
    shifts: Sequence[LabelledAnomaly],
    scores: tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]],
) -> dict[str, float]:
    """Figures of scores in the calibration, judged and shifted weeks, at the threshold of the first."""
    calibrated, after, found_in = scores
    threshold = row_threshold(before, calibrated, budget_per_week=BUDGET_PER_WEEK)
    return row_figures(quiet, after, found_in, threshold=threshold, shifts=shifts)


def _streamed(
    river: StreamScorer, before: PartRows, after: PartRows
) -> tuple[tuple[NDArray[np.float64], NDArray[np.float64]], float]:
    """Scores of each service streamed through both parts, with 0 for missing values; and the cost per row."""
    n_items, n_before = len(before.items), len(before.times_ms)
    rows = np.nan_to_num(np.vstack([before.X, after.X])).reshape(-1, n_items, before.X.shape[1])
    scores, ns_per_row = river([rows[:, item] for item in range(n_items)])
    both = np.stack(scores, axis=1)
    return (both[:n_before], both[n_before:]), ns_per_row


def _between(part: Part, start_ms: int, end_ms: int) -> Part:
    """The part, restricted to some of its ticks."""
    inside = (part.frame.times_ms >= start_ms) & (part.frame.times_ms < end_ms)
    return replace(
        part,
        frame=part.frame.between(start_ms, end_ms),
        scores=part.scores[inside],
        normal=part.normal[inside],
    )
