"""The page of one item: its signals beside their season, their scores, and what it hangs together with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np
from fastapi import APIRouter, Depends
from fastapi.responses import HTMLResponse

from features.golden import meaning_of
from service.http.security import reader_of_pages
from service.pages.rendering import page
from service.pages.sparklines import Sparkline, sparkline
from service.parts import Parts, ServiceParts
from service.routes.samples import scores_now
from telemetry.instants import to_ms

if TYPE_CHECKING:
    from features.frame import Frame
    from service.routes.documents import SeriesScoreOut

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
    scores: SeriesScoreOut | None
    pages_over: float | None


@router.get("/items/{item:path}", dependencies=[Depends(reader_of_pages)])
def item_page(parts: Parts, item: str) -> HTMLResponse:
    """Show an item's signals and scores."""
    scores, graph = scores_now(parts, item), parts.graph
    known = graph.items.get(item)
    needs, needed_by = (sorted(each.get(item, ())) for each in (graph.needs, graph.needed_by))
    return page(
        "item.html",
        zone=ZoneInfo(parts.settings.time_zone),
        item=item,
        known=known,
        needs=needs[:N_NEIGHBOURS],
        n_more_needs=max(0, len(needs) - N_NEIGHBOURS),
        needed_by=needed_by[:N_NEIGHBOURS],
        n_more_needed_by=max(0, len(needed_by) - N_NEIGHBOURS),
        scores=scores,
        series=_series(parts, item, {each.metric: each for each in scores.series}),
        shown=SHOWN,
        is_open=parts.gate.is_open,
    )


def _series(parts: ServiceParts, item: str, scores: dict[str, SeriesScoreOut]) -> list[SeriesView]:
    """Every series of an item that is in the window or is scored."""
    window = parts.live.in_use.window
    frame = window.frame({item}, since_ms=to_ms(parts.live.present() - SHOWN))
    drawn = {key.metric: column for column, key in enumerate(frame.keys)}
    pages_over = _pages_over(parts, item)
    return [
        SeriesView(
            metric,
            _line(frame, drawn.get(metric), metric, scores.get(metric)),
            scores.get(metric),
            pages_over.get(metric),
        )
        for metric in sorted(drawn.keys() | scores.keys())
    ]


def _line(frame: Frame, column: int | None, metric: str, scores: SeriesScoreOut | None) -> Sparkline:
    """The values in the unit of the metric's role, and what the season expects now; shaded is the latest."""
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


def _pages_over(parts: ServiceParts, item: str) -> dict[str, float]:
    """An item's thresholds of paging by metric; none while nothing can be paged."""
    in_use = parts.live.in_use
    teams = parts.paging.teams()
    if in_use.bundle is None or teams is None:
        return {}
    thresholds = zip(in_use.bundle.baseline.keys, teams.watched.thresholds.tolist(), strict=True)
    return {key.metric: threshold for key, threshold in thresholds if key.item == item}
