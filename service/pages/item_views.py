"""The page of one item: its signals beside their season, their scores, and its neighbours."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from features.golden import meaning_of
from service.dependencies import Cmdb, Graph, Logs, Pager, Scoring, Sees, Signals
from service.pages.rendering import Render
from service.pages.sparklines import Sparkline, sparkline
from service.scoring.latest_scores import latest_scores
from telemetry.instants import to_ms

if TYPE_CHECKING:
    from features.frame import Frame
    from service.paging.pager import Paging
    from service.scoring.series import SeriesScore
    from service.signals.room import SignalsRoom

router = APIRouter()
SHOWN = timedelta(hours=2)
N_NEIGHBOURS = 40


@dataclass(frozen=True, slots=True)
class SeriesView:
    """One series of an item.

    Attributes
    ----------
    scores
        ``None`` if the champion does not know the series.
    pages_over
        The score that it pages over, before the governor raises that; ``None`` where nothing pages.
    """

    metric: str
    line: Sparkline
    scores: SeriesScore | None
    pages_over: float | None


@router.get("/items/{item:path}")
def item_page(
    scoring: Scoring,
    signals: Signals,
    logs: Logs,
    cmdb: Cmdb,
    graph: Graph,
    pager: Pager,
    sees: Sees,
    render: Render,
    item: str,
) -> HTMLResponse:
    """Show an item's signals and scores."""
    scores = latest_scores(item, scoring.first_stage, scoring.second_stage, signals, logs, items=cmdb.graph)
    known = graph.items.get(item)
    needs, needed_by = (
        sorted(filter(sees.sees, each.get(item, ()))) for each in (graph.needs, graph.needed_by)
    )
    return render(
        "item.html",
        item=item,
        known=known,
        needs=needs[:N_NEIGHBOURS],
        n_more_needs=max(0, len(needs) - N_NEIGHBOURS),
        needed_by=needed_by[:N_NEIGHBOURS],
        n_more_needed_by=max(0, len(needed_by) - N_NEIGHBOURS),
        scores=scores,
        series=_series(signals, pager, item, {each.metric: each for each in scores.series}),
        shown=SHOWN,
    )


def _series(
    signals: SignalsRoom, pager: Paging, item: str, scores: dict[str, SeriesScore]
) -> list[SeriesView]:
    """Every series of an item that is in the window or is scored."""
    window = signals.in_use.window
    frame = window.frame({item}, since_ms=to_ms(signals.present() - SHOWN))
    drawn = {key.metric: column for column, key in enumerate(frame.keys)}
    pages_over = _pages_over(signals, pager, item)
    return [
        SeriesView(
            metric,
            _line(frame, drawn.get(metric), metric, scores.get(metric)),
            scores.get(metric),
            pages_over.get(metric),
        )
        for metric in sorted(drawn.keys() | scores.keys())
    ]


def _line(frame: Frame, column: int | None, metric: str, scores: SeriesScore | None) -> Sparkline:
    """Return the values in the unit of the metric's role, and the usual value now; the latest is shaded."""
    meaning = meaning_of(metric)
    scale, offset = (1.0, 0.0) if meaning is None else (meaning.scale, meaning.offset)
    values = [] if column is None else (offset + scale * frame.values[:, column]).tolist()
    expected = None if scores is None else scores.expected
    normal = None if expected is None else offset + scale * expected
    times_ms = frame.times_ms.tolist() if values else []
    seen_ms = [at_ms for at_ms, value in zip(times_ms, values, strict=True) if np.isfinite(value)]
    return sparkline(
        metric if meaning is None else meaning.role,
        values,
        normal,
        times_ms,
        onset_ms=max(seen_ms, default=0),
        step=timedelta(milliseconds=frame.step_ms),
    )


def _pages_over(signals: SignalsRoom, pager: Paging, item: str) -> dict[str, float]:
    """An item's thresholds of paging by metric; none while nothing can be paged."""
    in_use = signals.in_use
    teams = pager.teams()
    if in_use.bundle is None or teams is None:
        return {}
    thresholds = zip(in_use.bundle.baseline.keys, teams.watched.thresholds.tolist(), strict=True)
    return {key.metric: threshold for key, threshold in thresholds if key.item == item}
