"""OpenTelemetry's metrics: every kind of point becomes what it says, in Protocol Buffers as in JSON."""

from __future__ import annotations

import json
import math
from contextlib import suppress
from typing import Any

import pytest
from google.protobuf.json_format import MessageToJson
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric
from wire_builders import AT_MS, a_book, everything, rows

from telemetry.decoders.otlp_metrics import decode, decode_json, walk
from telemetry.errors import BadBatchError
from telemetry.histograms import Buckets

AT_NS = AT_MS * 1_000_000
INF = math.inf
DELTA, CUMULATIVE = 1, 2


def an_export(*metrics: Metric, **resource: str) -> ExportMetricsServiceRequest:
    request = ExportMetricsServiceRequest()
    sent = request.resource_metrics.add()
    for name, value in {"service.name": "order", **resource}.items():
        sent.resource.attributes.add(key=name).value.string_value = value
    sent.scope_metrics.add().metrics.extend(metrics)
    return request


def a_point(points: Any, time_ms: int = AT_MS, *, start_ms: int = 0, **chosen: Any) -> Any:
    attributes = chosen.pop("attributes", {})
    point = points.add(
        time_unix_nano=time_ms * 1_000_000, start_time_unix_nano=start_ms * 1_000_000, **chosen
    )
    for name, value in attributes.items():
        point.attributes.add(key=name).value.string_value = value
    return point


def a_sum(*, temporality: int = CUMULATIVE, is_monotonic: bool = True, **point: Any) -> Metric:
    metric = Metric(name="http.server.requests", unit="{request}")
    metric.sum.aggregation_temporality = temporality  # type: ignore[assignment]
    metric.sum.is_monotonic = is_monotonic
    a_point(metric.sum.data_points, **point)
    return metric


def a_gauge(name: str = "system.cpu.utilization", unit: str = "1", **point: Any) -> Metric:
    metric = Metric(name=name, unit=unit)
    a_point(metric.gauge.data_points, **point)
    return metric


def found_in(request: ExportMetricsServiceRequest) -> Any:
    """What is in a request, which must be the same in JSON."""
    body, book = request.SerializeToString(), a_book()
    found = decode(body, book)
    assert everything(decode(body, book)) == everything(walk(body, book)) == everything(found)
    assert everything(decode_json(MessageToJson(request).encode(), a_book())) == everything(found)
    return found


def test_a_gauge_is_named_by_its_unit_and_its_attributes() -> None:
    request = an_export(a_gauge(as_double=0.5, attributes={"cpu.mode": "user"}), **{"host.name": "a1"})
    assert rows(found_in(request).samples) == [
        ("order", 'system_cpu_utilization_ratio{cpu_mode="user",host_name="a1"}', AT_MS, "0.5")
    ]


def test_whole_numbers_are_read_too() -> None:
    assert rows(found_in(an_export(a_gauge("queue", "", as_int=-7))).samples) == [
        ("order", "queue", AT_MS, "-7.0")
    ]


def test_a_sum_that_only_rises_is_a_counter_and_another_is_not() -> None:
    assert found_in(an_export(a_sum(as_int=5))).samples.keys == (("order", "http_server_requests_total"),)
    other = an_export(a_sum(as_int=5, is_monotonic=False))
    assert found_in(other).samples.keys == (("order", "http_server_requests"),)


def test_rises_are_told_with_their_interval() -> None:
    found = found_in(an_export(a_sum(temporality=DELTA, as_int=5, start_ms=AT_MS - 10_000)))
    assert found.deltas == ((("order", "http_server_requests_total"), AT_MS, 5.0, AT_MS - 10_000),)
    assert not len(found.samples)


def test_a_counter_that_began_lately_tells_when() -> None:
    young, old = a_sum(as_int=5, start_ms=AT_MS - 60_000), a_sum(as_int=5, start_ms=AT_MS - 10**7)
    assert found_in(an_export(young)).starts == ((("order", "http_server_requests_total"), AT_MS - 60_000),)
    assert found_in(an_export(old)).starts == ()


def test_a_point_without_a_recorded_value_ends_its_series() -> None:
    found = found_in(an_export(a_gauge(flags=1)))
    assert rows(found.samples)[0][3] == "nan"
    assert found.n_without_value == 0


def test_explicit_histograms_are_read() -> None:
    metric = Metric(name="http.server.request.duration", unit="s")
    metric.histogram.aggregation_temporality = CUMULATIVE  # type: ignore[assignment]
    point = a_point(
        metric.histogram.data_points, count=4, sum=0.9, explicit_bounds=[0.1, 0.5], bucket_counts=[1, 2, 1]
    )
    point.exemplars.add(as_double=0.4, trace_id=bytes(16), span_id=bytes(8))
    found = found_in(an_export(metric))
    [histogram] = found.histograms
    assert histogram.whole == ("order", "http_server_request_duration_seconds")
    assert (histogram.n_observed, histogram.total, histogram.is_delta) == (4.0, 0.9, False)
    assert histogram.buckets == Buckets({(-INF, 0.1): 1.0, (0.1, 0.5): 2.0, (0.5, INF): 1.0})


def test_exponential_histograms_are_read() -> None:
    metric = Metric(name="latency", unit="ms")
    metric.exponential_histogram.aggregation_temporality = DELTA  # type: ignore[assignment]
    point = a_point(
        metric.exponential_histogram.data_points,
        count=6,
        sum=9.0,
        scale=0,
        zero_count=1,
        zero_threshold=0.001,
    )
    point.positive.offset, point.negative.offset = 1, -1
    point.positive.bucket_counts.extend([2, 1])
    point.negative.bucket_counts.extend([2])
    [histogram] = found_in(an_export(metric)).histograms
    assert histogram.is_delta
    assert histogram.buckets == Buckets(
        {(-1.0, -0.5): 2.0, (-0.001, 0.001): 1.0, (2.0, 4.0): 2.0, (4.0, 8.0): 1.0}, is_exponential=True
    )


def test_summaries_give_their_quantiles_and_their_count() -> None:
    metric = Metric(name="latency", unit="s")
    point = a_point(metric.summary.data_points, count=4, sum=2.0, attributes={"code": "200"})
    point.quantile_values.add(quantile=0.99, value=0.7)
    found = found_in(an_export(metric))
    assert rows(found.samples) == [("order", 'latency_seconds{code="200",quantile="0.99"}', AT_MS, "0.7")]
    assert (found.histograms[0].n_observed, found.histograms[0].buckets) == (4.0, None)


@pytest.mark.parametrize(
    ("metric", "reason"),
    [
        (a_gauge(time_ms=0, as_int=1), "the time is not in the years 2000 to 2099"),
        (a_sum(temporality=0, as_int=1), "the metric has no aggregation temporality"),
        (a_gauge(name="", as_int=1, unit=""), "the metric '' is not a name"),
    ],
)
def test_a_bad_point_rejects_itself_alone(metric: Metric, reason: str) -> None:
    found = found_in(an_export(metric, a_gauge("queue", "", as_int=1)))
    assert [each.reason for each in found.rejected] == [reason]
    assert len(found.samples) == 1


def test_points_without_a_value_say_nothing_or_end_their_series() -> None:
    delta, histogram, summary = a_sum(temporality=DELTA), Metric(name="a"), Metric(name="b")
    histogram.histogram.aggregation_temporality = DELTA  # type: ignore[assignment]
    a_point(histogram.histogram.data_points, flags=1)
    a_point(summary.summary.data_points, flags=1)
    found = found_in(an_export(delta, histogram, summary, Metric(name="c")))
    assert (found.n_without_value, found.n_points, len(found.samples), found.histograms) == (3, 3, 0, ())


def test_a_histogram_without_buckets_has_a_count_and_a_sum() -> None:
    metric = Metric(name="latency")
    metric.histogram.aggregation_temporality = CUMULATIVE  # type: ignore[assignment]
    a_point(metric.histogram.data_points, count=4)
    [histogram] = found_in(an_export(metric)).histograms
    assert (histogram.n_observed, histogram.buckets) == (4.0, None)
    assert math.isnan(histogram.total)


@pytest.mark.parametrize(
    ("chosen", "reason"), [({"scale": 21}, "scale 21 is not known"), ({}, "over 2000 buckets")]
)
def test_exponential_histograms_beyond_bounds_are_rejected(chosen: dict[str, int], reason: str) -> None:
    metric = Metric(name="latency")
    metric.exponential_histogram.aggregation_temporality = CUMULATIVE  # type: ignore[assignment]
    point = a_point(metric.exponential_histogram.data_points, count=4, **chosen)
    point.positive.bucket_counts.extend([1] * (2001 if not chosen else 1))
    [rejection] = found_in(an_export(metric)).rejected
    assert reason in rejection.reason


def test_attributes_of_every_kind_become_text() -> None:
    request = an_export(a_gauge("queue", "", as_int=1))
    attributes = request.resource_metrics[0].scope_metrics[0].metrics[0].gauge.data_points[0].attributes
    attributes.add(key="a").value.bool_value = True
    attributes.add(key="b").value.double_value = 0.5
    attributes.add(key="c").value.bytes_value = b"\x01\xff"
    attributes.add(key="d").value.array_value.values.add().int_value = 3
    attributes.add(key="e").value.kvlist_value.values.add(key="x").value.string_value = "y"
    attributes.add(key="f")
    attributes.add(key="2.g").value.string_value = "z"
    attributes.add(key="2_g").value.string_value = "w"
    assert found_in(request).samples.keys[0].metric == (
        'queue{_2_g="z;w",a="true",b="0.5",c="01ff",d="[3]",e="{\\"x\\": \\"y\\"}"}'
    )


@pytest.mark.parametrize(
    ("unit", "name"),
    [("By/s", "queue_bytes_per_second"), ("{job}/min", "queue_per_minute"), ("ms", "queue_milliseconds")],
)
def test_units_end_the_name(unit: str, name: str) -> None:
    assert found_in(an_export(a_gauge("queue", unit, as_int=1))).samples.keys[0].metric == name


def test_addresses_of_schemas_and_names_of_scopes_say_nothing() -> None:
    request = an_export(a_gauge("queue", "", as_int=1))
    request.resource_metrics[0].schema_url = "https://example.org/schema"
    request.resource_metrics[0].scope_metrics[0].schema_url = "https://example.org/schemä"
    request.resource_metrics[0].scope_metrics[0].scope.name = "http"
    assert rows(found_in(request).samples) == [("order", "queue", AT_MS, "1.0")]


@pytest.mark.parametrize("bounds", [[0.1], [0.5, 0.1], [0.1, math.nan]])
def test_bounds_that_do_not_rise_or_fit_reject_their_histogram(bounds: list[float]) -> None:
    metric = Metric(name="latency", unit="s")
    metric.histogram.aggregation_temporality = CUMULATIVE  # type: ignore[assignment]
    a_point(metric.histogram.data_points, count=4, explicit_bounds=bounds, bucket_counts=[1, 2, 1])
    assert found_in(an_export(metric)).n_rejected == 1


@pytest.mark.parametrize("body", [b"\x00", b"\x0a\x05abc", b"\xff" * 30])
def test_bytes_that_are_no_export_are_refused(body: bytes) -> None:
    with pytest.raises(BadBatchError):
        decode(body, a_book())


@pytest.mark.parametrize(
    "document",
    [
        [],
        {"resourceMetrics": 3},
        {"resourceMetrics": [{"scopeMetrics": [{"metrics": [{"name": 3}]}]}]},
        {"resourceMetrics": [{"scopeMetrics": [{"metrics": [{"name": "\ud800"}]}]}]},
        {"resourceMetrics": [{"resource": {"\ud800": [{}]}}]},
        {"resourceMetrics": [{"\ud800": 1}], "\ud800": {}},
        {"resourceMetrics": [{"scopeMetrics": [{"metrics": [{"name": "a", "gauge": {"dataPoints": [7]}}]}]}]},
    ],
)
def test_json_that_is_no_export_is_refused(document: Any) -> None:
    with pytest.raises(BadBatchError):
        decode_json(json.dumps(document).encode(), a_book())


def test_unknown_fields_and_hexadecimal_ids_in_json_do_no_harm() -> None:
    point = {
        "timeUnixNano": str(AT_NS),
        "asInt": "5",
        "isNew": True,
        "exemplars": [{"traceId": "5b8efff798038103d269b633813fc60c", "spanId": "eee19b7ec3c1b17"}],
    }
    metrics = [{"name": "queue", "gauge": {"dataPoints": [point]}}]
    document = {"resourceMetrics": [{"scopeMetrics": [{"metrics": metrics}]}], "newer": 1}
    found = decode_json(json.dumps(document).encode(), a_book())
    assert rows(found.samples) == [("unmatched", "queue", AT_MS, "5.0")]


TEXTS = st.sampled_from(["", "GET", "\x19\x00", "host.name"]) | st.text(max_size=5)
TIMES = st.sampled_from([0, AT_MS, AT_MS + 1, AT_MS - 1000, 2**40]) | st.integers(0, 2**43)


@st.composite
def bodies(draw: Any) -> bytes:
    """Exports with whatever gauges and sums allow, a few bytes of them changed, cut off or repeated."""
    metrics = []
    for _ in range(draw(st.integers(0, 3))):
        metric = Metric(
            name=draw(st.sampled_from(["a", "b.c", ""])), unit=draw(st.sampled_from(["", "s", "1"]))
        )
        data = metric.gauge if draw(st.booleans()) else metric.sum
        if data is metric.sum:
            metric.sum.aggregation_temporality = draw(st.sampled_from([0, 1, 2, 2]))
            metric.sum.is_monotonic = draw(st.booleans())
        for _ in range(draw(st.integers(0, 4))):
            value = draw(st.sampled_from([{"as_int": 5}, {"as_double": 0.5}, {"as_double": math.nan}, {}]))
            names = draw(st.dictionaries(st.sampled_from(["m", "n.o", "n_o"]), TEXTS, max_size=2))
            flags = draw(st.sampled_from([0, 0, 0, 1]))
            start_ms = draw(TIMES)
            a_point(data.data_points, draw(TIMES), start_ms=start_ms, flags=flags, attributes=names, **value)
        metrics.append(metric)
    body = bytearray(
        an_export(*metrics, **draw(st.sampled_from([{}, {"host.name": "a"}]))).SerializeToString()
    )
    for _ in range(draw(st.integers(0, 2))):
        at = draw(st.integers(0, len(body) - 1))
        body[at : at + draw(st.integers(0, 2))] = draw(st.binary(max_size=2))
    return bytes(body) * draw(st.integers(1, 2))


@settings(max_examples=400, deadline=None)
@given(bodies() | st.binary(max_size=40))
def test_the_scan_finds_what_the_library_finds(body: bytes) -> None:
    book = a_book()
    try:
        expected = everything(walk(body, a_book()))
    except BadBatchError:
        expected = {}
    for _ in range(2):  # the second time the attributes are known
        try:
            found = everything(decode(body, book))
        except BadBatchError:
            found = {}
        assert found == expected
    with suppress(BadBatchError):
        decode_json(body, a_book())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "resourceMetrics",
                    "scopeMetrics",
                    "metrics",
                    "gauge",
                    "sum",
                    "dataPoints",
                    "name",
                    "asInt",
                    "attributes",
                ]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=200, deadline=None)
@given(JSON)
def test_no_json_makes_the_decoder_fail_otherwise(document: Any) -> None:
    with suppress(BadBatchError):
        decode_json(json.dumps(document).encode(), a_book())
