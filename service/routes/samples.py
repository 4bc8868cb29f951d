"""Signals in, and their scores out."""

from __future__ import annotations

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
from service.receiving import receive_samples
from service.routes.documents import SamplesOut, ScoresOut
from service.routes.request_bodies import SAMPLES_BODY
from service.scoring.latest_scores import latest_scores
from telemetry.errors import BadBatchError

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
    outcome = receive_samples(read_samples(body), signals, cmdb.graph, metrics, sender=sender.name)
    return SamplesOut.of(outcome, settings)


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
