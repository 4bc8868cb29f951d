"""How many samples of metrics per second are read, and stored through HTTP.

The peer of each decoder is a plain walk of the message that the library of Protocol Buffers makes of the same
body, to columns and without naming a series. Rates of decoders are the best of several rounds, in processor
time; through HTTP, four senders wait for each answer, with every sample on disk and in the window: once in
wall-clock time, and once in processor time of all threads, clients included.
"""

from __future__ import annotations

import asyncio
import time
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import httpx2
import numpy as np
import pyarrow as pa
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from cmdb.naming import item_named_by
from experiments.performance.intake_bodies import (
    metrics_export,
    traces_export,
    write_request,
    write_request_2,
)
from experiments.performance.webhook_speed import StillClock
from service.app import create_app
from service.settings import Settings
from service.spans.memory import SpanMemory
from telemetry.decoders import otlp_metrics, otlp_spans, remote_write, remote_write_2
from telemetry.instants import from_ms
from telemetry.metric_names import Namer
from telemetry.series_book import SeriesBook
from telemetry.wire.remote_write_1_pb2 import WriteRequest
from telemetry.wire.remote_write_2_pb2 import Request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Row = dict[str, float | int | str]
    Columns = tuple[Any, Any, Any]

START_MS = 1_772_589_600_000
N_SAMPLES = 2_000
"""As many as Prometheus sends at once."""
SHAPES = {"1_a_series": (N_SAMPLES, 1), "10_a_series": (N_SAMPLES // 10, 10)}
TRACE_BODIES = 10
"""Bodies of spans that are summed up at once."""
SUMMED_SPANS = 7 * 300
"""Spans of each of them: 300 traces."""
N_SENDERS = 4
HEADERS = {"Content-Type": "application/x-protobuf", "Content-Encoding": "snappy"}


def bench_speed(
    *, n_rounds: int = 40, n_requests: int = 80, on_progress: Callable[[str], None] = lambda _: None
) -> list[Row]:
    """Rates of each decoder and of its peer, and through HTTP."""
    rows: list[Row] = []
    for part, body, decode, peer in _decoders():
        on_progress(part)
        book = SeriesBook(Namer(partial(item_named_by, items=(), item_labels=("service_name", "job"))))
        for method, run in (("sunspot", partial(decode, body, book)), ("protobuf_walk", partial(peer, body))):
            rows.append(
                {"part": part, "method": method, "n": N_SAMPLES, "samples_per_s": _rate(run, n_rounds)}
            )
    on_progress("otlp_traces")
    export = traces_export(N_SAMPLES, START_MS)
    exports = [
        traces_export(SUMMED_SPANS, START_MS, first=SUMMED_SPANS * each) for each in range(TRACE_BODIES)
    ]
    measured: tuple[tuple[str, str, int, Callable[[], object]], ...] = (
        ("otlp_traces", "sunspot", N_SAMPLES, partial(otlp_spans.decode_protobuf, export)),
        ("otlp_traces", "protobuf_walk", N_SAMPLES, partial(walk_traces, export)),
        ("otlp_traces_summed", "sunspot", SUMMED_SPANS * TRACE_BODIES, partial(_summed, exports)),
    )
    for part, method, n, measure in measured:
        rows.append({"part": part, "method": method, "n": n, "samples_per_s": _rate(measure, n_rounds, n=n)})
    for shape, (n_series, n_samples) in SHAPES.items():
        on_progress(f"remote_write_http_{shape}")
        bodies = [
            pa.compress(
                write_request(n_series, n_samples, START_MS + 200_000 * number), "snappy", asbytes=True
            )
            for number in range(n_requests + 1)
        ]
        rates = asyncio.run(_through_http(bodies))
        part = f"remote_write_http_{shape}"
        rows.append({"part": part, "method": "sunspot", "n": N_SAMPLES * n_requests, **rates})
    return rows


def _decoders() -> Iterable[tuple[str, bytes, Callable[..., object], Callable[[bytes], object]]]:
    for shape, (n_series, n_samples) in SHAPES.items():
        body = write_request(n_series, n_samples, START_MS)
        yield f"remote_write_{shape}", body, remote_write.decode, walk_write_request
    for shape, (n_series, n_samples) in SHAPES.items():
        body = write_request_2(n_series, n_samples, START_MS)
        yield f"remote_write_2_{shape}", body, remote_write_2.decode, walk_write_request_2
    yield "otlp_metrics", metrics_export(N_SAMPLES, START_MS), otlp_metrics.decode, walk_export


def _rate(run: Callable[[], object], n_rounds: int, *, n: int = N_SAMPLES) -> float:
    """Samples per second of processor time in the best round; the first one learns the series."""
    run()
    best_s = np.inf
    for _ in range(n_rounds):
        began = time.process_time()
        run()
        best_s = min(best_s, time.process_time() - began)
    return n / best_s


def _summed(bodies: Iterable[bytes]) -> None:
    """Read spans, put their traces together, and sum them up."""
    memory = SpanMemory()
    for each in bodies:
        memory.receive(otlp_spans.decode_protobuf(each).spans, at_ms=START_MS)
    memory.sum_ended(now_ms=START_MS + 60_000)


def walk_traces(body: bytes) -> Columns:
    """Ids, times and durations of OpenTelemetry's spans."""
    ids, starts_ns, durations_ns = [], [], []
    for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
        for scope in resource.scope_spans:
            for span in scope.spans:
                ids.append((span.trace_id, span.span_id, span.parent_span_id, span.name))
                starts_ns.append(span.start_time_unix_nano)
                durations_ns.append(span.end_time_unix_nano - span.start_time_unix_nano)
    return ids, np.array(starts_ns), np.array(durations_ns)


def walk_write_request(body: bytes) -> Columns:
    """Labels, times and values of remote write 1.0."""
    labels, times_ms, values = [], [], []
    for series in WriteRequest.FromString(body).timeseries:
        found = tuple((label.name, label.value) for label in series.labels)
        for sample in series.samples:
            labels.append(found)
            times_ms.append(sample.timestamp)
            values.append(sample.value)
    return labels, np.array(times_ms), np.array(values)


def walk_write_request_2(body: bytes) -> Columns:
    """Labels, times and values of remote write 2.0."""
    request = Request.FromString(body)
    symbols = list(request.symbols)
    labels, times_ms, values = [], [], []
    for series in request.timeseries:
        found = tuple(symbols[ref] for ref in series.labels_refs)
        for sample in series.samples:
            labels.append(found)
            times_ms.append(sample.timestamp)
            values.append(sample.value)
    return labels, np.array(times_ms), np.array(values)


def walk_export(body: bytes) -> Columns:
    """Labels, times and values of OpenTelemetry's sums."""
    labels, times_ns, values = [], [], []
    for resource in ExportMetricsServiceRequest.FromString(body).resource_metrics:
        shared = tuple((each.key, each.value.string_value) for each in resource.resource.attributes)
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                for point in metric.sum.data_points:
                    own = tuple((each.key, each.value.string_value) for each in point.attributes)
                    labels.append((metric.name, *shared, *own))
                    times_ns.append(point.time_unix_nano)
                    values.append(point.as_int)
    return labels, np.array(times_ns), np.array(values)


async def _through_http(bodies: list[bytes]) -> dict[str, float]:
    """Samples per second from the first request to the last answer; one request before is not timed."""
    with TemporaryDirectory() as directory:
        app = create_app(
            Settings.model_validate({"data_dir": Path(directory)}),
            clock=StillClock(from_ms(START_MS + 200_000 * len(bodies))),
            background=False,
        )
        transport = httpx2.ASGITransport(app)
        async with (
            app.router.lifespan_context(app),
            httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client,
        ):

            async def send(waiting: list[bytes]) -> None:
                while waiting:
                    answer = await client.post("/api/v1/write", content=waiting.pop(0), headers=HEADERS)
                    answer.raise_for_status()

            await send(bodies[:1])
            waiting = bodies[1:]
            n_samples = N_SAMPLES * len(waiting)
            began = time.perf_counter()
            began_core = time.process_time()
            await asyncio.gather(*(send(waiting) for _ in range(N_SENDERS)))
            return {
                "samples_per_s": n_samples / (time.perf_counter() - began),
                "samples_per_core_s": n_samples / (time.process_time() - began_core),
            }
