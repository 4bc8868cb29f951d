"""Trustworthiness of confidence: the reliability curve and its error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.figure import Figure

N_BINS = 5


@dataclass(frozen=True)
class ReliabilityBin:
    """Answers of similar confidence: how many, how confident, how often right."""

    n: int
    confidence: float
    right: float


def reliability(
    confidence: Sequence[float], is_right: Sequence[float], *, n_bins: int = N_BINS
) -> list[ReliabilityBin]:
    """Non-empty bins of equal width."""
    believed, right = np.asarray(confidence, dtype=float), np.asarray(is_right, dtype=float)
    bins = np.minimum((believed * n_bins).astype(int), n_bins - 1)
    return [
        ReliabilityBin(
            int(np.count_nonzero(bins == each)),
            float(believed[bins == each].mean()),
            float(right[bins == each].mean()),
        )
        for each in np.unique(bins).tolist()
    ]


def calibration_error(
    confidence: Sequence[float], is_right: Sequence[float], *, n_bins: int = N_BINS
) -> float:
    """Mean gap between confidence and accuracy, over bins of equal width weighted by their size.

    The expected calibration error of Naeini et al., "Obtaining well calibrated probabilities using
    Bayesian binning", AAAI 2015.
    """
    bins = reliability(confidence, is_right, n_bins=n_bins)
    n = sum(each.n for each in bins)
    return sum(each.n * abs(each.confidence - each.right) for each in bins) / n if n else 0.0


def reliability_plot(curves: Mapping[str, Sequence[ReliabilityBin]]) -> Figure:
    """Draw accuracy against confidence, one line per name."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415  a second
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(6, 5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color="tab:gray", lw=0.8, ls=":", label="perfectly calibrated")
    for name, bins in curves.items():
        (line,) = axes.plot(
            [each.confidence for each in bins], [each.right for each in bins], lw=1, label=name
        )
        sizes = [10 + 4 * each.n for each in bins]
        axes.scatter(
            [each.confidence for each in bins],
            [each.right for each in bins],
            s=sizes,
            color=line.get_color(),
            alpha=0.6,
        )
    axes.set(
        xlabel="probability of the first candidate",
        ylabel="share that is the cause",
        xlim=(-0.02, 1.02),
        ylim=(-0.02, 1.02),
        title="Reliability (larger dots: more cases)",
    )
    axes.legend(loc="upper left", fontsize=8)
    return figure
