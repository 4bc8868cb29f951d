"""Metrics in, from Prometheus and whatever else speaks its remote-write protocol."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from service.dependencies import Graph, RawBody, SentBy, ServiceMetrics, ServiceSettings, Signals
from service.errors import BadMediaTypeError, PartlyRejectedError, TooManySeriesError
from service.http.problems import BODY_ERRORS, READ_ERRORS, problems
from service.http.writer_gate import WRITES_SIGNALS
from service.receiving import receive_samples
from service.routes.documents import SamplesOut
from service.routes.request_bodies import REMOTE_WRITE_BODY
from telemetry.decoders import remote_write, remote_write_2
from telemetry.decoders.labelled import Labelled
from telemetry.errors import BadBatchError, HistoryWriteError
from telemetry.series_book import SeriesBook

Decode = Callable[[bytes, SeriesBook], Labelled]

router = APIRouter(tags=["signals"], dependencies=[WRITES_SIGNALS])

MEDIA_TYPE = "application/x-protobuf"
DECODERS: dict[str, Decode] = {
    "prometheus.WriteRequest": remote_write.decode,
    "io.prometheus.write.v2.Request": remote_write_2.decode,
}
"""How to read each message, by its name in the media type's ``proto``."""
DEFAULT = "prometheus.WriteRequest"
WRITTEN = "X-Prometheus-Remote-Write-{}-Written"


async def _decoder_for(request: Request) -> Decode:
    """Return what reads the message that the media type names; without a name it is version 1.

    Raises
    ------
    BadMediaTypeError
        If it names another: a sender of the newer version then falls back to the older one.
    """
    sent = request.headers.get("content-type", MEDIA_TYPE)
    media_type, *parameters = (each.strip() for each in sent.split(";"))
    named = dict(each.partition("=")[::2] for each in parameters)
    decode = DECODERS.get(named.get("proto", DEFAULT).strip('"'))
    if media_type.lower() != MEDIA_TYPE or decode is None:
        raise BadMediaTypeError(sent, f"{MEDIA_TYPE} with the message {' or '.join(DECODERS)}")
    return decode


@router.post(
    "/api/v1/write",
    openapi_extra=REMOTE_WRITE_BODY,
    responses=problems(
        BadBatchError,
        PartlyRejectedError,
        BadMediaTypeError,
        HistoryWriteError,
        TooManySeriesError,
        *BODY_ERRORS,
        *READ_ERRORS,
    ),
)
def write_remotely(
    signals: Signals,
    graph: Graph,
    metrics: ServiceMetrics,
    settings: ServiceSettings,
    sender: SentBy,
    decode: Annotated[Decode, Depends(_decoder_for)],
    body: RawBody,
    response: Response,
) -> SamplesOut:
    """Write metrics remotely, as Prometheus does.

    The answer comes when every accepted sample is on disk. 400 means that some cannot be stored and need not
    be sent again: the others are on disk. After 503 and 429 the sender tries again. `Content-Encoding:
    snappy` is understood, and gzip.
    """
    labelled = decode(body, signals.names.book(graph))
    received = receive_samples(labelled, signals, graph, metrics, sender=sender.name)
    outcome = SamplesOut.of(received, settings)
    n_refused = received.received.n_too_old + received.received.n_too_new
    written = {
        WRITTEN.format("Samples"): str(max(labelled.n_points - n_refused, 0)),
        WRITTEN.format("Histograms"): str(labelled.n_histograms),
        WRITTEN.format("Exemplars"): "0",
    }
    if outcome.rejected:
        raise PartlyRejectedError("; ".join(each.reason for each in outcome.rejections[:10]), written)
    response.headers.update(written)
    return outcome
