"""Pictures of a training on log lines, drawn without a display."""

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


def log_plots(calm: Scored, surprises: NDArray[np.float64], threshold: float) -> dict[str, Figure]:
    """Draw scores and false pages of the time held back, and which feature is behind high scores.

    Parameters
    ----------
    calm
        The windows held back.
    surprises
        Shape ``(n_windows, n_services, n_features)``: −ln p of each feature there.
    threshold
        Above which a service is anomalous.
    """
    return {
        "held_back_scores": _score_plot(calm, threshold),
        "features_over_threshold": _feature_plot(surprises, threshold),
        "false_pages_per_day": _page_plot(calm, threshold),
    }


def _score_plot(calm: Scored, threshold: float) -> Figure:
    figure, (axes,) = new_figure(1)
    for quantile in (0.5, 0.99):
        level = quantile_by_tick(calm.scores, quantile)
        axes.plot(dates_of(calm.starts_ms), level, lw=0.8, label=f"{quantile:.0%} of the services")
    axes.axhline(threshold, color="tab:red", lw=1, label=f"threshold {threshold:.1f}")
    axes.set(ylabel="score (−ln p)", title="Scores on the time held back", xlabel="UTC")
    axes.legend(loc="upper right")
    return figure


def _feature_plot(surprises: NDArray[np.float64], threshold: float) -> Figure:
    figure, (axes,) = new_figure(1)
    over = np.count_nonzero(surprises > threshold, axis=(0, 1))
    axes.bar(list(ROW_FEATURES), over, color="tab:blue")
    axes.set(ylabel="windows", title="Single windows over the threshold on the time held back")
    return figure


def _page_plot(calm: Scored, threshold: float) -> Figure:
    figure, (axes,) = new_figure(1)
    days, index = np.unique(calm.starts_ms // DAY_MS, return_inverse=True)
    pages = np.bincount(index.ravel(), weights=calm.pages(threshold).sum(axis=1), minlength=len(days))
    names = [from_ms(int(day) * DAY_MS).date().isoformat() for day in days]
    axes.bar(names, pages, color="tab:orange")
    axes.set(ylabel="false pages", title="False pages on the time held back", xlabel="day (UTC)")
    return figure
