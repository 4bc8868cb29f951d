"""Common parts of the detection tables: a method's scores, judged at thresholds it did not choose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from experiments.benchmarks.event_figures import count_events, event_f1, f1_interval, rate_interval
from experiments.benchmarks.vus import vus_pr
from models.paging.thresholds import WEEK_MS, pages_of
from training.intervals import wilson_interval

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from experiments.benchmarks.event_figures import EventCounts

Row = dict[str, float | int | str]

N_THRESHOLDS = 40


@dataclass(frozen=True)
class Judged:
    """Scores of one method on one series, and the data to judge them.

    Attributes
    ----------
    part
        Part of the table, in addition to ``all``.
    step_ms
        Spacing of the ticks.
    times_ms
        Shape ``(n_ticks,)``.
    scores
        Shape ``(n_ticks,)``; ``nan`` where unscored.
    labels
        Shape ``(n_ticks,)``.
    n_train
        Number of ticks before the judged ones.
    is_sparse
        Whether one value fills nine tenths of the earlier ticks.
    """

    part: str
    step_ms: int
    times_ms: NDArray[np.int64]
    scores: NDArray[np.floating]
    labels: NDArray[np.bool_]
    n_train: int
    is_sparse: bool


def threshold_grid(scores: Sequence[NDArray[np.floating]]) -> NDArray[np.float64]:
    """Rising thresholds from the upper tail of some series' scores: from quantile .98 to the last points."""
    pooled = np.concatenate([each[np.isfinite(each)] for each in scores]).astype(np.float64)
    shares = np.geomspace(0.02, 3 / max(len(pooled), 150), N_THRESHOLDS)
    return np.unique(np.maximum(np.quantile(pooled, 1 - shares), 1e-12))


def is_sparse(values: NDArray[np.floating], share: float = 0.9) -> bool:
    """Whether the median value fills at least nine tenths of a series."""
    seen = values[np.isfinite(values)]
    return bool(len(seen)) and float(np.mean(seen == np.median(seen))) >= share


def false_pages(judged: Judged, thresholds: NDArray[np.float64]) -> NDArray[np.int64]:
    """Pages on normal points at each threshold, with the governor active."""
    scores, sparse = judged.scores[:, None].astype(np.float64), np.array([judged.is_sparse])
    pages = (
        pages_of(scores, judged.times_ms, threshold=float(each), is_sparse=sparse)[:, 0]
        for each in thresholds
    )
    return np.array([np.count_nonzero(each & ~judged.labels) for each in pages])


def normal_weeks(judged: Judged) -> float:
    """Number of weeks of a series that were scored and normal."""
    return float(np.count_nonzero(np.isfinite(judged.scores) & ~judged.labels)) * judged.step_ms / WEEK_MS


def counts_at(judged: Judged, threshold: float) -> EventCounts:
    """Event counts of paging at a threshold on the judged part, with the governor active."""
    after = slice(judged.n_train, None)
    pages = pages_of(
        judged.scores[after, None].astype(np.float64),
        judged.times_ms[after],
        threshold=threshold,
        is_sparse=np.array([judged.is_sparse]),
    )
    return count_events(pages[:, 0], judged.labels[after], step_ms=judged.step_ms)


def page_row(counts: Sequence[EventCounts], step_ms: Sequence[int], budget_per_week: float) -> Row:
    """Event-F1 and false pages of a method over some series, with intervals over series."""
    found, events = sum(each.found for each in counts), sum(each.events for each in counts)
    weeks = sum(each.weeks for each in counts)
    row: Row = {"n": events, "event_f1": event_f1(counts)}
    row["event_f1_low"], row["event_f1_high"] = f1_interval(counts)
    if events:
        row["recall_events"] = found / events
        row["recall_events_low"], row["recall_events_high"] = wilson_interval(found, events)
    row["pages_per_week"] = sum(each.pages for each in counts) / weeks
    row["false_pages_per_week"] = sum(each.false_pages for each in counts) / weeks
    row["false_pages_per_week_low"], row["false_pages_per_week_high"] = rate_interval(counts)
    row["false_pages_per_week_worst"] = max(each.false_pages / each.weeks for each in counts)
    row["budget_per_week"] = budget_per_week
    delays_s = [
        delay * step / 1000 for each, step in zip(counts, step_ms, strict=True) for delay in each.delays
    ]
    if delays_s:
        row["delay_median"] = float(np.median(delays_s))
    return row


def mean_vus(judged: Sequence[Judged]) -> float | None:
    """Mean VUS-PR over the series with a labelled anomaly in the judged part."""
    volumes = _volumes(judged)
    return float(np.mean(volumes)) if volumes else None


def vus_figures(judged: Sequence[Judged], *, seed: int = 0, n_draws: int = 2000) -> Row:
    """Mean VUS-PR with its 95 % interval from a bootstrap over series; empty without an anomaly."""
    volumes = np.array(_volumes(judged))
    if not len(volumes):
        return {}
    drawn = np.random.default_rng(seed).integers(len(volumes), size=(n_draws, len(volumes)))
    low, high = np.quantile(volumes[drawn].mean(axis=1), [0.025, 0.975])
    return {"vus_pr": float(volumes.mean()), "vus_pr_low": float(low), "vus_pr_high": float(high)}


def _volumes(judged: Sequence[Judged]) -> list[float]:
    return [
        vus_pr(each.scores[each.n_train :], each.labels[each.n_train :])
        for each in judged
        if each.labels[each.n_train :].any()
    ]
