"""Plots of a training on log lines, drawn without a display."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from features.logs.rows import ROW_FEATURES
from telemetry.instants import from_ms
from training.plots import DAY_MS, dates_of, new_figure, quantile_by_tick

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from training.log_trial import Scored


def log_plots(normal: Scored, surprises: NDArray[np.float64], threshold: float) -> dict[str, Figure]:
    """Draw scores and false pages of the held-back time, and the features behind high scores.

    Parameters
    ----------
    normal
        The held-back windows.
    surprises
        Shape ``(n_windows, n_services, n_features)``: −ln p of each feature there.
    threshold
        The score above which a service is anomalous.
    """
    return {
        "held_back_scores": _score_plot(normal, threshold),
        "features_over_threshold": _feature_plot(surprises, threshold),
        "false_pages_per_day": _page_plot(normal, threshold),
    }


def _score_plot(normal: Scored, threshold: float) -> Figure:
    figure, (axes,) = new_figure(1)
    for quantile in (0.5, 0.99):
        level = quantile_by_tick(normal.scores, quantile)
        axes.plot(dates_of(normal.starts_ms), level, lw=0.8, label=f"{quantile:.0%} of the services")
    axes.axhline(threshold, color="tab:red", lw=1, label=f"threshold {threshold:.1f}")
    axes.set(ylabel="score (−ln p)", title="Scores on held-back time", xlabel="UTC")
    axes.legend(loc="upper right")
    return figure


def _feature_plot(surprises: NDArray[np.float64], threshold: float) -> Figure:
    figure, (axes,) = new_figure(1)
    over = np.count_nonzero(surprises > threshold, axis=(0, 1))
    axes.bar(list(ROW_FEATURES), over, color="tab:blue")
    axes.set(ylabel="windows", title="Single windows over the threshold on held-back time")
    return figure


def _page_plot(normal: Scored, threshold: float) -> Figure:
    figure, (axes,) = new_figure(1)
    days, index = np.unique(normal.starts_ms // DAY_MS, return_inverse=True)
    pages = np.bincount(index.ravel(), weights=normal.pages(threshold).sum(axis=1), minlength=len(days))
    names = [from_ms(int(day) * DAY_MS).date().isoformat() for day in days]
    axes.bar(names, pages, color="tab:orange")
    axes.set(ylabel="false pages", title="False pages on held-back time", xlabel="day (UTC)")
    return figure
