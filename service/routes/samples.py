"""Signals in, and their scores out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from fastapi import APIRouter

from cmdb.errors import UnknownItemError
from service.dependencies import (
    Cmdb,
    ItemId,
    Logs,
    RawBody,
    Scoring,
    SentBy,
    ServiceMetrics,
    ServiceSettings,
    Signals,
)
from service.errors import TooManySeriesError
from service.http.body_reader import read_samples
from service.http.problems import READ_ERRORS, WRITE_ERRORS, problems
from service.http.writer_gate import WRITES_SIGNALS
from service.routes.documents import SamplesOut, ScoresOut
from service.routes.request_bodies import SAMPLES_BODY
from service.scoring.latest_scores import latest_scores
from telemetry.errors import BadBatchError

if TYPE_CHECKING:
    from collections.abc import Container

    from telemetry.batches import Samples

router = APIRouter(prefix="/v1", tags=["signals"])


@router.post(
    "/samples",
    dependencies=[WRITES_SIGNALS],
    openapi_extra=SAMPLES_BODY,
    responses=problems(BadBatchError, TooManySeriesError, *WRITE_ERRORS),
)
def send_samples(
    signals: Signals,
    cmdb: Cmdb,
    metrics: ServiceMetrics,
    settings: ServiceSettings,
    sender: SentBy,
    body: RawBody,
) -> SamplesOut:
    """Send a batch of metric samples.

    The answer comes when every accepted sample is on disk, and reports the others. Memory has room for so
    many series of each sender; further ones are stored and counted, but neither scored nor ranked.
    `Content-Encoding: gzip` is understood.
    """
    decoded = read_samples(body)
    received = signals.intake.receive(decoded.samples, sender=sender.name)
    n_unknown, unknown_items = unknown_of(decoded.samples, cmdb.graph)
    metrics.count_batch(received, n_rejected=decoded.n_rejected, n_unknown=n_unknown)
    return SamplesOut.of(decoded, received, settings, n_unknown=n_unknown, unknown_items=unknown_items)


@router.get(
    "/items/{item:path}/scores",
    responses=problems(UnknownItemError, *READ_ERRORS),
)
def read_scores(scoring: Scoring, signals: Signals, logs: Logs, cmdb: Cmdb, item: ItemId) -> ScoresOut:
    """Read the latest scores of each series of an item, and of a flagged service overall.

    A score counts only where its status is `scored`. Each series also has its slower severity and the novelty
    of its value.
    """
    return ScoresOut.of(
        latest_scores(item, scoring.first_stage, scoring.second_stage, signals, logs, items=cmdb.graph)
    )


def unknown_of(samples: Samples, items: Container[str]) -> tuple[int, list[str]]:
    """Number of samples whose item is not among some, and the first twenty of those items."""
    unknown = {item for item in {key.item for key in samples.keys} if item not in items}
    if not unknown:
        return 0, []
    is_unknown = np.array([key.item in unknown for key in samples.keys], dtype=bool)
    return int(is_unknown[samples.series].sum()), sorted(unknown)[:20]
