"""Bodies of metrics as senders make them, for measurements: requests of an HTTP server, six labels each."""

from __future__ import annotations

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from telemetry.wire.remote_write_1_pb2 import WriteRequest
from telemetry.wire.remote_write_2_pb2 import Metadata, Request

SCRAPE_MS = 15_000
NANOSECONDS = 1_000_000
METRIC = "http_server_requests_total"


def labels_of(series: int) -> dict[str, str]:
    """The labels of a series, in order."""
    return {
        "__name__": METRIC,
        "code": str(200 + series % 5),
        "instance": f"10.0.{series % 200}.7:8080",
        "job": f"service-{series % 50}",
        "method": "GET",
        "path": f"/v1/orders/{series}",
    }


def write_request(n_series: int, n_samples: int, start_ms: int) -> bytes:
    """Remote write 1.0: so many series with so many samples each."""
    request = WriteRequest()
    for series in range(n_series):
        message = request.timeseries.add()
        for name, value in labels_of(series).items():
            message.labels.add(name=name, value=value)
        for sample in range(n_samples):
            message.samples.add(value=1.5 + series + sample, timestamp=start_ms + SCRAPE_MS * sample)
    return bytes(request.SerializeToString())


def write_request_2(n_series: int, n_samples: int, start_ms: int) -> bytes:
    """Remote write 2.0: so many series with so many samples each."""
    request, places = Request(symbols=[""]), {"": 0}
    for series in range(n_series):
        message = request.timeseries.add()
        message.metadata.type = Metadata.METRIC_TYPE_COUNTER
        for text in (text for pair in labels_of(series).items() for text in pair):
            if text not in places:
                places[text] = len(places)
                request.symbols.append(text)
            message.labels_refs.append(places[text])
        for sample in range(n_samples):
            message.samples.add(value=1.5 + series + sample, timestamp=start_ms + SCRAPE_MS * sample)
    return bytes(request.SerializeToString())


def metrics_export(n_points: int, start_ms: int, *, points_a_metric: int = 100) -> bytes:
    """OpenTelemetry: so many points of counters, each with three attributes."""
    request = ExportMetricsServiceRequest()
    resource = request.resource_metrics.add()
    for name, value in (("service.name", "order"), ("service.instance.id", "10.0.0.7:8080")):
        resource.resource.attributes.add(key=name).value.string_value = value
    scope = resource.scope_metrics.add()
    for number in range(n_points // points_a_metric):
        metric = scope.metrics.add(name=f"http.server.requests.{number}", unit="{request}")
        metric.sum.aggregation_temporality = 2  # cumulative
        metric.sum.is_monotonic = True
        for point in range(points_a_metric):
            added = metric.sum.data_points.add(
                start_time_unix_nano=(start_ms - 3_600_000) * NANOSECONDS,
                time_unix_nano=start_ms * NANOSECONDS,
                as_int=1 + point,
            )
            for name, value in (("method", "GET"), ("route", f"/v1/orders/{point}"), ("port", "8080")):
                added.attributes.add(key=name).value.string_value = value
    return bytes(request.SerializeToString())


def traces_export(n_spans: int, start_ms: int, *, first: int = 0) -> bytes:
    """OpenTelemetry's traces: calls down a chain of four services, seven spans of five attributes each."""
    request = ExportTraceServiceRequest()
    scopes = []
    for service in range(4):
        resource = request.resource_spans.add()
        attribute = resource.resource.attributes.add(key="service.name")
        attribute.value.string_value = f"service-{service}"
        scopes.append(resource.scope_spans.add())
    for number in range(first, first + n_spans):
        trace, depth = divmod(number, 7)
        span = scopes[(depth + 1) // 2].spans.add(
            trace_id=(trace + 1).to_bytes(16, "little"),
            span_id=(number + 1).to_bytes(8, "little"),
            parent_span_id=number.to_bytes(8, "little") if depth else b"",
            name=f"GET /v1/orders/{trace % 20}",
            kind=3 if depth % 2 else 2,
            start_time_unix_nano=(start_ms + trace * 100 + depth) * NANOSECONDS,
            end_time_unix_nano=(start_ms + trace * 100 + 40 - depth) * NANOSECONDS,
        )
        for key in ("http.request.method", "http.route", "server.address", "url.scheme", "user_agent.name"):
            span.attributes.add(key=key).value.string_value = f"{key} {trace % 20}"
    return bytes(request.SerializeToString())
