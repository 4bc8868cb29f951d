"""Whether the signals have drifted from what the champion learned, so that it is time to retrain.

Inputs are compared series by series with the population stability index, Σ (p − q)·ln(p / q) over the deciles
of the training data (Siddiqi, "Credit Risk Scorecards", 2006: below .1 stable, above .25 moved). Scores are
judged by the pages that they would have cost. New and vanished series count too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from features.alignment import aligned
from models.detectors.first_stage import score
from models.paging.thresholds import pages_of, series_weeks
from training.evaluate import page_figures

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from features.calendar import Clock
    from features.frame import Frame
    from models.artifacts.bundle import Bundle

N_BINS = 10
FEWEST_VALUES = 100
"""A series with fewer values than this on either side is not compared."""

LEAST_SHARE = 1e-3
"""An empty bin counts as this share, to keep the logarithm finite."""

MOVED = 0.25
"""Stability index above which a series has moved."""

ACCEPTED_SHARE = 0.1
"""Share of the series that may have moved, appeared or vanished before it is time to retrain."""

ACCEPTED_PAGES = 2.0
"""Pages accepted before it is time to retrain, as a multiple of the page budget."""


@dataclass(frozen=True)
class Drift:
    """How far recent signals are from what a bundle learned.

    Attributes
    ----------
    moved
        Stability index of each series that moved, by its name, largest first.
    n_compared
        Series with enough values on both sides.
    n_new, n_gone
        Series found only in the recent signals, and only in the bundle.
    n_known
        Series of the bundle.
    pages_per_week, pages_low, pages_high
        Pages per series and week at the bundle's threshold, with their interval; incidents included.
    budget_per_week
        The bundle's page budget; 0 if the bundle does not state it.
    """

    moved: dict[str, float]
    n_compared: int
    n_new: int
    n_gone: int
    n_known: int
    pages_per_week: float
    pages_low: float
    pages_high: float
    budget_per_week: float

    @property
    def reasons(self) -> tuple[str, ...]:
        """Reasons to retrain, in sentences; empty if there is none."""
        return tuple(self._reasons())

    def _reasons(self) -> Iterator[str]:
        if len(self.moved) > ACCEPTED_SHARE * self.n_compared:
            yield f"{len(self.moved)} of {self.n_compared} series no longer have the values they had"
        if self.n_new > ACCEPTED_SHARE * self.n_known:
            yield f"{self.n_new} series are new; the champion knows {self.n_known}"
        if self.n_gone > ACCEPTED_SHARE * self.n_known:
            yield f"{self.n_gone} of the {self.n_known} series that the champion knows are gone"
        if self.budget_per_week and self.pages_low > ACCEPTED_PAGES * self.budget_per_week:
            yield (
                f"{self.pages_per_week:.2f} pages per series-week ({self.pages_low:.2f} to "
                f"{self.pages_high:.2f}), the budget is {self.budget_per_week:.2f}"
            )


def drift_of(bundle: Bundle, recent: Frame, clock: Clock) -> Drift:
    """Compare recent signals with what a bundle learned.

    Parameters
    ----------
    recent
        Signals since then, on the bundle's step; full weeks compare best, as they contain the same kinds of
        day.
    clock
        The bundle's clock, with the days listed by an operator.

    Raises
    ------
    ValueError
        If the steps differ.
    """
    if recent.step_ms != bundle.step_ms:
        raise ValueError(f"a step of {recent.step_ms} ms does not compare with one of {bundle.step_ms} ms")
    column = {key: index for index, key in enumerate(recent.keys)}
    indices = {}
    for index, key in enumerate(bundle.normal.keys):
        if key in column:
            moved = stability_index(bundle.normal.values[:, index], recent.values[:, column[key]])
            if np.isfinite(moved):
                indices[f"{key.item} {key.metric}"] = moved
    seen = {key for key, index in column.items() if np.isfinite(recent.values[:, index]).any()}
    known = set(bundle.baseline.keys)
    _, scores = score(aligned(recent, bundle.baseline.keys), bundle.baseline, clock)
    pages = pages_of(
        scores.values, recent.times_ms, threshold=bundle.threshold, is_sparse=bundle.baseline.is_sparse
    )
    figures = page_figures(pages, series_weeks(scores.values, bundle.step_ms))
    rate = "false_pages_per_week"
    largest_first = sorted(indices.items(), key=lambda each: (-each[1], each[0]))
    return Drift(
        moved={name: index for name, index in largest_first if index > MOVED},
        n_compared=len(indices),
        n_new=len(seen - known),
        n_gone=len(known - seen),
        n_known=len(known),
        pages_per_week=figures.get(rate, 0.0),
        pages_low=figures.get(f"{rate}_low", 0.0),
        pages_high=figures.get(f"{rate}_high", 0.0),
        budget_per_week=float(bundle.metadata.get("budget_per_week", 0.0)),
    )


def stability_index(reference: NDArray[np.floating], current: NDArray[np.floating]) -> float:
    """Population stability index of one series, 0 and up; ``nan`` with too few values on either side.

    >>> steady = np.arange(1000.0)
    >>> stability_index(steady, steady), round(stability_index(steady, steady + 500.0), 1)
    (0.0, 3.2)
    """
    reference, current = reference[np.isfinite(reference)], current[np.isfinite(current)]
    if min(len(reference), len(current)) < FEWEST_VALUES:
        return float("nan")
    tenths = np.quantile(reference, np.arange(1, N_BINS) / N_BINS)
    edges = np.unique(
        [tenths, np.nextafter(tenths, np.inf)]
    )  # a value shared by many points gets its own bin
    shares = []
    for values in (reference, current):
        counts = np.bincount(np.searchsorted(edges, values, side="right"), minlength=len(edges) + 1)
        shares.append(np.maximum(counts / len(values), LEAST_SHARE))
    old, new = shares
    return float(np.sum((new - old) * np.log(new / old)))
