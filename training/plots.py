"""Plots of a training, drawn without a display."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models.paging.thresholds import pages_of, series_weeks, threshold_for_budget
from telemetry.instants import from_ms
from training.evaluate import page_figures

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from features.calendar import Clock
    from models.detectors.first_stage import Baseline
    from training.trial import Trial

N_PROFILES = 4
BUDGETS = (0.25, 0.5, 1.0, 2.0, 4.0)
"""Budgets in the calibration plot: false pages per series and week."""

DAY_MS = 86_400_000


def training_plots(
    trial: Trial,
    baseline: Baseline,
    clock: Clock,
    *,
    threshold: float,
    pages: NDArray[np.bool_],
) -> Mapping[str, Figure]:
    """Draw the plots of a first stage: held-back scores, a few profiles, false pages, and calibration.

    Parameters
    ----------
    trial
        The scored trial of the first stage.
    baseline, clock, threshold
        The parameters it scored with.
    pages
        Its false pages on the held-back time, shape ``(n_ticks, n_series)``.
    """
    return {
        "held_back_scores": _score_plot(trial, threshold),
        "profiles": _profile_plot(trial, baseline, clock),
        "false_pages_per_day": _page_plot(trial, pages),
        "calibration": _calibration_plot(trial, baseline),
    }


def _score_plot(trial: Trial, threshold: float) -> Figure:
    figure, (axes,) = new_figure(1)
    times, scores = dates_of(trial.held_back.frame.times_ms), trial.held_back.scores
    for quantile in (0.5, 0.99):
        axes.plot(times, quantile_by_tick(scores, quantile), lw=0.8, label=f"{quantile:.0%} of the series")
    axes.axhline(threshold, color="tab:red", lw=1, label=f"threshold {threshold:.1f}")
    axes.set(ylabel="score (standard deviations)", title="Scores on held-back time", xlabel="UTC")
    axes.legend(loc="upper right")
    return figure


def _profile_plot(trial: Trial, baseline: Baseline, clock: Clock) -> Figure:
    from models.detectors.first_stage import expected_values  # noqa: PLC0415  only needed to draw

    frame = trial.calibrate.frame
    busiest = np.argsort(-baseline.n_seen * (baseline.spread > 0), kind="stable")
    chosen = busiest[: min(N_PROFILES, len(baseline.keys))]
    expected = expected_values(frame, baseline, clock)
    figure, all_axes = new_figure(max(1, len(chosen)))
    for axes, column in zip(all_axes, chosen, strict=False):
        times = dates_of(frame.times_ms)
        axes.plot(times, frame.values[:, column], lw=0.6, color="tab:gray", label="seen")
        axes.plot(times, expected[:, column], lw=1, color="tab:blue", label="expected from the season")
        axes.set_title(f"{baseline.keys[column].item} {baseline.keys[column].metric}", fontsize=8)
    all_axes[0].legend(loc="upper right", fontsize=7)
    return figure


def _page_plot(trial: Trial, pages: NDArray[np.bool_]) -> Figure:
    figure, (axes,) = new_figure(1)
    days, index = np.unique(trial.held_back.frame.times_ms // DAY_MS, return_inverse=True)
    counts = np.bincount(index, weights=pages.sum(axis=1), minlength=len(days))
    names = [from_ms(int(day) * DAY_MS).date().isoformat() for day in days]
    axes.bar(names, counts, color="tab:orange")
    axes.set(ylabel="false pages, all series", title="False pages on held-back time", xlabel="day (UTC)")
    return figure


def _calibration_plot(trial: Trial, baseline: Baseline) -> Figure:
    """Draw the false pages of each calibrated budget on the held-back time."""
    figure, (axes,) = new_figure(1)
    low, achieved, high = np.array([_achieved(trial, baseline, budget) for budget in BUDGETS]).T
    axes.plot(BUDGETS, BUDGETS, color="tab:gray", lw=1, label="as budgeted")
    axes.errorbar(BUDGETS, achieved, yerr=(achieved - low, high - achieved), fmt="o", ms=4, label="achieved")
    axes.set(xscale="log", yscale="symlog", xlabel="budget", title="False pages per series and week")
    axes.legend(loc="upper left")
    return figure


def _achieved(trial: Trial, baseline: Baseline, budget: float) -> tuple[float, float, float]:
    """False pages per series-week at a budget, and the ends of their interval."""
    step_ms, is_sparse = baseline.step_ms, baseline.is_sparse
    calibrate, held_back = trial.calibrate, trial.held_back
    threshold = threshold_for_budget(
        calibrate.normal,
        calibrate.frame.times_ms,
        step_ms=step_ms,
        budget_per_week=budget,
        is_sparse=is_sparse,
    )
    pages = pages_of(held_back.normal, held_back.frame.times_ms, threshold=threshold, is_sparse=is_sparse)
    figures = page_figures(pages, series_weeks(held_back.normal, step_ms))
    rate = "false_pages_per_week"
    return figures.get(f"{rate}_low", 0.0), figures.get(rate, 0.0), figures.get(f"{rate}_high", 0.0)


def new_figure(n_rows: int) -> tuple[Figure, list[Axes]]:
    """An empty figure with some rows, and the axes of each."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415  a second
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(9, 2.4 + 1.6 * (n_rows - 1)), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(n_rows, 1, squeeze=False)[:, 0]
    return figure, list(axes)


def dates_of(times_ms: NDArray[np.int64]) -> NDArray[np.datetime64]:
    """Instants as matplotlib draws them."""
    return times_ms.astype("datetime64[ms]")


def quantile_by_tick(scores: NDArray[np.floating], quantile: float) -> NDArray[np.float64]:
    """Quantile over the scored series of each tick; ``nan`` where none was scored."""
    ordered = np.sort(scores, axis=1)  # nan sorts last
    n = np.count_nonzero(~np.isnan(ordered), axis=1)
    position = np.maximum(np.ceil(quantile * n).astype(np.int64) - 1, 0)
    quantiles: NDArray[np.float64] = ordered[np.arange(len(ordered)), position]
    return quantiles
