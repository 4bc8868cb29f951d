"""Signals in, and the scores they got."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import numpy as np
from fastapi import APIRouter, Depends, Path

from cmdb.errors import UnknownItemError
from service.errors import (
    BadEncodingError,
    BadJsonError,
    BodyTooLargeError,
    MissingScopeError,
    NoTokenError,
    StoreUnavailableError,
    problems,
)
from service.http.body_reader import read_samples
from service.http.request_schemas import SAMPLES_BODY, RawBody
from service.http.security import Scope, requires
from service.parts import Parts, ServiceParts
from service.routes.documents import (
    LogScoreOut,
    SamplesOut,
    ScoresOut,
    SeriesScoreOut,
    ServiceScoreOut,
    first_hundred,
)
from telemetry.errors import BadBatchError
from telemetry.instants import from_ms

if TYPE_CHECKING:
    from collections.abc import Container

    from telemetry.batches import Samples

router = APIRouter(prefix="/v1", tags=["signals"])
GUARDED = (NoTokenError, MissingScopeError)


@router.post(
    "/samples",
    dependencies=[Depends(requires(Scope.INGEST))],
    openapi_extra=SAMPLES_BODY,
    responses=problems(
        BadJsonError, BadBatchError, BodyTooLargeError, BadEncodingError, StoreUnavailableError, *GUARDED
    ),
)
def send_samples(parts: Parts, body: RawBody) -> SamplesOut:
    """Send a batch of metric samples.

    The answer comes when every accepted sample is on disk, and says what became of the others.
    `Content-Encoding: gzip` is understood.
    """
    decoded = read_samples(body)
    received = parts.live.receive(decoded.samples)
    n_unknown, unknown_items = _unknown(decoded.samples, parts.cmdb.graph)
    parts.measures.count_batch(received, n_rejected=decoded.n_rejected, n_unknown=n_unknown)
    rejections: list[tuple[int | None, str]] = []
    settings = parts.settings
    if received.n_too_old:
        past = settings.accepted_past
        rejections.append((None, f"{received.n_too_old} samples are older than {past}, or than the epoch"))
    if received.n_too_new:
        future = settings.accepted_future
        rejections.append((None, f"{received.n_too_new} samples are more than {future} in the future"))
    rejections += [(each.index, each.reason) for each in decoded.rejected[:100]]
    return SamplesOut(
        accepted=received.n_accepted,
        rejected=decoded.n_rejected + received.n_too_old + received.n_too_new,
        rejections=first_hundred(rejections),
        duplicate=received.taken.n_duplicate,
        out_of_order=received.taken.n_out_of_order,
        late=received.taken.n_late,
        outside_window=received.taken.n_outside,
        over_series_limit=received.taken.n_over_limit,
        unknown_item_samples=n_unknown,
        unknown_items=unknown_items,
    )


@router.get("/items/{item:path}/scores", responses=problems(UnknownItemError, *GUARDED))
def latest_scores(
    parts: Parts,
    item: Annotated[str, Path(examples=["order"])],
    _: Annotated[object, Depends(requires(Scope.READ))],
) -> ScoresOut:
    """Read the latest scores of each series of an item, and of a flagged service as a whole.

    A score is read only where its status is `scored`; beside it stand the slower severity and the novelty of
    the value.
    """
    return scores_now(parts, item)


def scores_now(parts: ServiceParts, item: str) -> ScoresOut:
    """The latest scores of an item.

    Raises
    ------
    UnknownItemError
        If neither the graph nor any score knows it.
    """
    tick_at, version, scores = parts.first_stage.scores_of(item)
    logs = _log_score(parts, item)
    if item not in parts.cmdb.graph and not scores and logs is None:
        raise UnknownItemError(item)
    bundle = parts.live.in_use.bundle
    threshold = None if bundle is None else bundle.threshold
    series = [
        SeriesScoreOut.model_validate(
            {
                "metric": each.metric,
                "status": each.status,
                "score": each.score,
                "is_anomalous": each.score is not None and threshold is not None and each.score > threshold,
                "severity": each.severity,
                "novelty": each.novelty,
                "expected": each.expected,
            }
        )
        for each in scores
    ]
    return ScoresOut(
        item=item,
        tick_at=tick_at,
        bundle_version=version,
        threshold=threshold,
        series=series,
        service=_service_score(parts, item),
        logs=logs,
    )


def _service_score(parts: ServiceParts, item: str) -> ServiceScoreOut | None:
    score = parts.second_stage.score_of(item)
    if score is None:
        return None
    return ServiceScoreOut(
        detector=score.detector,
        score=score.score,
        threshold=score.threshold,
        is_anomalous=score.is_anomalous,
    )


def _log_score(parts: ServiceParts, item: str) -> LogScoreOut | None:
    scores = parts.logs.scores
    score = None if scores is None else scores.by_service.get(item)
    if scores is None or score is None:
        return None
    return LogScoreOut(
        minute_at=from_ms(scores.minute_ms),
        bundle_version=scores.bundle_version,
        score=score,
        threshold=scores.threshold,
        is_anomalous=score > scores.threshold,
    )


def _unknown(samples: Samples, items: Container[str]) -> tuple[int, list[str]]:
    is_unknown = np.array([key.item not in items for key in samples.keys], dtype=bool)
    if not is_unknown.any():
        return 0, []
    names = sorted({key.item for key, unknown in zip(samples.keys, is_unknown, strict=True) if unknown})
    return int(is_unknown[samples.series].sum()), names[:20]
