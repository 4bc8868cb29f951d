"""The latest scores of one item: of its series, of the service, and of its log lines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cmdb.errors import UnknownItemError
from telemetry.instants import from_ms, to_ms

if TYPE_CHECKING:
    from collections.abc import Container
    from datetime import datetime

    from service.logs.room import LogsRoom
    from service.scoring.series import FirstStage, SeriesScore
    from service.scoring.services import SecondStage
    from service.scoring.tick import ServiceScore
    from service.signals.item_status import ItemStatus
    from service.signals.room import SignalsRoom


@dataclass(frozen=True, slots=True)
class LogScore:
    """The score of an item's log lines in the minute that closed last."""

    minute_at: datetime
    bundle_version: str
    score: float
    threshold: float

    @property
    def is_anomalous(self) -> bool:
        """Whether the score is over the threshold."""
        return self.score > self.threshold


@dataclass(frozen=True, slots=True)
class ItemScores:
    """The latest scores of an item.

    Attributes
    ----------
    status
        Whether its samples arrive in time to be scored.
    tick_at
        Start of the tick; ``None`` before the first.
    threshold
        Of the bundle, for every series; ``None`` while there is no bundle.
    service
        ``None`` unless one of its series is over half of the threshold.
    logs
        ``None`` if its lines were not scored.
    """

    item: str
    status: ItemStatus
    tick_at: datetime | None
    bundle_version: str
    threshold: float | None
    series: list[SeriesScore]
    service: ServiceScore | None
    logs: LogScore | None

    def is_anomalous(self, score: SeriesScore) -> bool:
        """Whether a series' score is over the threshold."""
        return score.score is not None and self.threshold is not None and score.score > self.threshold


def latest_scores(
    item: str,
    first_stage: FirstStage,
    second_stage: SecondStage,
    signals: SignalsRoom,
    logs: LogsRoom,
    *,
    items: Container[str],
) -> ItemScores:
    """Return the latest scores of an item.

    Parameters
    ----------
    items
        The items of the dependency graph.

    Raises
    ------
    UnknownItemError
        If neither the graph nor any score knows it.
    """
    tick_at, version, series = first_stage.scores_of(item)
    log_score = _log_score(item, logs)
    if item not in items and not series and log_score is None:
        raise UnknownItemError(item)
    in_use = signals.in_use
    return ItemScores(
        item,
        in_use.window.item_status(item, present_ms=to_ms(signals.present())),
        tick_at,
        version,
        None if in_use.bundle is None else in_use.bundle.threshold,
        series,
        second_stage.score_of(item),
        log_score,
    )


def _log_score(item: str, logs: LogsRoom) -> LogScore | None:
    scores = logs.scores
    score = None if scores is None else scores.by_service.get(item)
    if scores is None or score is None:
        return None
    return LogScore(from_ms(scores.minute_ms), scores.bundle_version, score, scores.threshold)
