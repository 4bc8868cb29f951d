"""How well the first week of a series is scored, without and with the prior of its siblings.

Data: AIOps-2018 KPIs, the first seven days of each series, streamed from the first point without any earlier
learning. The prior of a series is the typical shape of the *other* series with its step, as learned from
their training halves; nothing is known of the series itself. Its threshold is that of the table's main row,
from the other series' training halves after their 14th day. Judged as in
`experiments.benchmarks.detect_kpi`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from experiments.benchmarks.detect_rows import counts_at
from experiments.benchmarks.event_figures import event_f1, f1_interval
from experiments.benchmarks.side_by_side import side_by_side
from features.calendar import CLOCKS, DAY_MS
from features.frame import Frame
from models.detectors.baseline import fit_baseline
from models.detectors.first_stage import score
from models.detectors.siblings import with_siblings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from experiments.benchmarks.detect_rows import Judged
    from experiments.datasets.kpi import LabelledSeries
    from models.detectors.baseline import Baseline

CLOCK = CLOCKS["always"]
COLD_MS = 7 * DAY_MS


def cold_figures(
    judged: Sequence[Judged],
    thresholds: Sequence[float],
    scores_by_figure: Mapping[str, Sequence[NDArray[np.floating]]],
) -> dict[str, float]:
    """Event-F1 over the first weeks of all series, for each figure's scores at the series' thresholds.

    Scores start with the first week; later ones are ignored.
    """
    figures = {}
    for figure, scores in scores_by_figure.items():
        counts = [
            counts_at(_first_week(each, own), threshold)
            for each, own, threshold in zip(judged, scores, thresholds, strict=True)
        ]
        figures[figure] = event_f1(counts)
        figures[f"{figure}_low"], figures[f"{figure}_high"] = f1_interval(counts)
    return figures


def _first_week(judged: Judged, scores: NDArray[np.floating]) -> Judged:
    week = slice(COLD_MS // judged.step_ms)
    return replace(
        judged, times_ms=judged.times_ms[week], scores=scores[week], labels=judged.labels[week], n_train=0
    )


def scores_with_prior(series: Sequence[LabelledSeries]) -> list[NDArray[np.float32]]:
    """Onset of every series over its first week, starting from the prior of the others."""
    scored: dict[str, NDArray[np.float32]] = {}
    for own, offsets, frame in side_by_side(series):
        n_ticks = [COLD_MS // each.step_ms for each in own]
        weeks = frame.between(frame.start_ms, frame.start_ms + 2 * COLD_MS)
        scores = score(weeks, _prior_of_others(own, offsets, frame), CLOCK)[1].values
        for column, (each, offset) in enumerate(zip(own, offsets, strict=True)):
            scored[each.name] = scores[offset : offset + n_ticks[column], column]
    return [scored[each.name] for each in series]


def _prior_of_others(own: Sequence[LabelledSeries], offsets: Sequence[int], frame: Frame) -> Baseline:
    """The prior of every series, learned only from the training halves of the others."""
    values = frame.values.copy()
    for column, (each, offset) in enumerate(zip(own, offsets, strict=True)):
        values[offset + each.n_train :, column] = np.nan
    learned = fit_baseline(Frame(frame.start_ms, frame.step_ms, frame.keys, values), CLOCK)
    nothing = frame.between(0, 1)
    prior = fit_baseline(nothing, CLOCK)
    for column in range(len(own)):
        n_seen = learned.n_seen.copy()
        n_seen[column] = 0
        of_others = with_siblings(replace(learned, n_seen=n_seen), nothing, CLOCK)
        for name in ("profile", "scale"):
            getattr(prior, name)[:, column] = getattr(of_others, name)[:, column]
    return prior
