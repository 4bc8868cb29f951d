"""Remote write 2.0, and the native histograms that both versions carry."""

from __future__ import annotations

import math
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wire_builders import AT_MS, STALE, a_body, a_body_2, a_book, a_request_2, everything

from telemetry.decoders import remote_write, remote_write_2
from telemetry.decoders.labelled import Labelled
from telemetry.errors import BadBatchError
from telemetry.histograms import Buckets
from telemetry.metric_names import Piece
from telemetry.wire.remote_write_1_pb2 import WriteRequest
from telemetry.wire.remote_write_2_pb2 import Metadata

if TYPE_CHECKING:
    from telemetry.histograms import HistogramPoint

LABELS = {"__name__": "queue_length", "job": "order", "zone": "a"}
INF = math.inf


def found_in(body: bytes) -> Labelled:
    return remote_write_2.decode(body, a_book())


def test_both_versions_say_the_same() -> None:
    series = [(LABELS, [(AT_MS, 1.0), (AT_MS + 1, STALE)]), ({**LABELS, "zone": "b"}, [(AT_MS, math.nan)])]
    assert everything(found_in(a_body_2(*series))) == everything(
        remote_write.decode(a_body(*series), a_book())
    )


@pytest.mark.parametrize(
    ("kind", "sent", "metric"),
    [
        (Metadata.METRIC_TYPE_COUNTER, "served", "served_total"),
        (Metadata.METRIC_TYPE_COUNTER, "served_total", "served_total"),
        (Metadata.METRIC_TYPE_GAUGE, "disks_total", "disks_total_value"),
        (Metadata.METRIC_TYPE_GAUGE, "pod_count", "pod_count"),
        (Metadata.METRIC_TYPE_UNSPECIFIED, "pod_count", "pod_count_total"),
        (Metadata.METRIC_TYPE_SUMMARY, "gc_count", "gc_count_total"),
    ],
)
def test_the_kind_decides_what_a_name_alone_cannot(kind: Any, sent: str, metric: str) -> None:
    found = found_in(a_body_2(({"__name__": sent, "job": "order"}, [(AT_MS, 1.0)]), kind=kind))
    assert found.samples.keys == (("order", metric),)


def test_buckets_of_a_classic_histogram_are_parts() -> None:
    labels = {"__name__": "latency_bucket", "job": "order", "le": "0.5"}
    found = found_in(a_body_2((labels, [(AT_MS, 1.0)]), kind=Metadata.METRIC_TYPE_HISTOGRAM))
    assert [(each.piece, each.bound) for each in found.parts.parts] == [(Piece.BUCKET, 0.5)]


def test_a_counter_that_began_lately_tells_when() -> None:
    request = a_request_2((LABELS, [(AT_MS, 1.0)]), kind=Metadata.METRIC_TYPE_COUNTER)
    request.timeseries[0].samples[0].start_timestamp = AT_MS - 60_000
    found = found_in(request.SerializeToString())
    assert found.starts == ((("order", 'queue_length_total{zone="a"}'), AT_MS - 60_000),)


@pytest.mark.parametrize(
    ("refs", "reason"),
    [([1], "a label has a name and no value"), ([1, 99], "a label is not among the symbols")],
)
def test_labels_that_do_not_fit_reject_their_series_alone(refs: list[int], reason: str) -> None:
    request = a_request_2((LABELS, [(AT_MS, 1.0)]))
    request.timeseries.add(labels_refs=refs).samples.add(timestamp=AT_MS)
    found = found_in(request.SerializeToString())
    assert [(each.reason, each.n_samples) for each in found.rejected] == [(reason, 1)]
    assert len(found.samples) == 1


def test_symbols_that_do_not_begin_with_an_empty_one_are_refused() -> None:
    request = a_request_2((LABELS, [(AT_MS, 1.0)]))
    request.symbols[0] = "x"
    with pytest.raises(BadBatchError, match="do not begin with an empty one"):
        found_in(request.SerializeToString())


def test_a_body_of_version_1_holds_nothing_for_version_2() -> None:
    assert len(found_in(a_body((LABELS, [(AT_MS, 1.0)]))).samples) == 0


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_no_bytes_make_the_decoder_fail_otherwise(data: Any) -> None:
    request = a_request_2((LABELS, [(AT_MS, 1.0)]))
    request.timeseries[0].histograms.add(
        timestamp=AT_MS, count_int=3, positive_deltas=[3]
    ).positive_spans.add(length=1)
    body = bytearray(request.SerializeToString())
    for _ in range(data.draw(st.integers(0, 4))):
        at = data.draw(st.integers(0, len(body) - 1))
        body[at : at + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=2))
    with suppress(BadBatchError):
        found_in(bytes(body))


def native(**chosen: Any) -> Any:
    """What version 1 finds in one native histogram; version 2 must find the same."""
    one, two = WriteRequest(), a_request_2(({"__name__": "latency", "job": "order"}, []))
    series = one.timeseries.add()
    series.labels.add(name="__name__", value="latency")
    series.labels.add(name="job", value="order")
    spans = {name: chosen.pop(name, ()) for name in ("positive_spans", "negative_spans")}
    for message in (series, two.timeseries[0]):
        histogram = message.histograms.add(**{"timestamp": AT_MS, **chosen})
        for name, pairs in spans.items():
            for offset, length in pairs:
                getattr(histogram, name).add(offset=offset, length=length)
    found = remote_write.decode(one.SerializeToString(), a_book())
    assert everything(found_in(two.SerializeToString())) == everything(found)
    return found


def histogram_of(found: Labelled) -> HistogramPoint:
    assert found.rejected == ()
    [point] = found.histograms
    return point


def test_integer_buckets_are_differences() -> None:
    point = histogram_of(
        native(
            count_int=11, sum=7.5, schema=0, zero_threshold=0.001, zero_count_int=1,
            positive_spans=[(0, 2), (1, 1)], positive_deltas=[3, -1, 2],
            negative_spans=[(1, 1)], negative_deltas=[1],
        )
    )  # fmt: skip
    assert (point.whole, point.time_ms, point.n_observed, point.total) == (
        ("order", "latency"),
        AT_MS,
        11.0,
        7.5,
    )
    assert point.buckets == Buckets(
        {(-2.0, -1.0): 1.0, (-0.001, 0.001): 1.0, (0.5, 1.0): 3.0, (1.0, 2.0): 2.0, (4.0, 8.0): 4.0},
        is_exponential=True,
    )


def test_float_buckets_are_counts() -> None:
    point = histogram_of(
        native(
            count_float=2.5,
            schema=1,
            positive_spans=[(2, 2)],
            positive_counts=[1.5, 1.0],
            zero_count_float=0.0,
        )
    )
    assert point.buckets is not None
    assert list(point.buckets.counts.values()) == [1.5, 1.0]
    assert [upper for _, upper in point.buckets.counts] == [2.0, pytest.approx(2**1.5)]


def test_buckets_of_ones_own_bounds_are_explicit() -> None:
    point = histogram_of(
        native(
            count_int=4,
            schema=-53,
            positive_spans=[(1, 2)],
            positive_deltas=[3, -2],
            custom_values=[0.1, 0.5],
        )
    )
    assert point.buckets == Buckets({(-INF, 0.1): 0.0, (0.1, 0.5): 3.0, (0.5, INF): 1.0})


@pytest.mark.parametrize("chosen", [{"sum": STALE}, {"reset_hint": 3}])
def test_ends_and_gauges_are_understood_and_hold_nothing(chosen: dict[str, Any]) -> None:
    found = native(**chosen)
    assert (found.histograms, found.n_histograms, found.rejected) == ((), 1, ())


@pytest.mark.parametrize(
    ("chosen", "reason"),
    [
        ({"schema": 9}, "the histogram's schema 9 is not known"),
        ({"positive_spans": [(0, 2)], "positive_deltas": [1]}, "spans and buckets do not fit together"),
        ({"positive_deltas": [1]}, "spans and buckets do not fit together"),
        ({"positive_spans": [(0, 4_000_000_000)]}, "spans and buckets do not fit together"),
        ({"positive_spans": [(0, 1)], "positive_deltas": [-1]}, "negative or not finite"),
        ({"count_float": math.nan}, "negative or not finite"),
        ({"schema": -53, "custom_values": [0.5, 0.1]}, "own bounds do not rise"),
        (
            {"schema": -53, "positive_spans": [(9, 1)], "positive_deltas": [1], "custom_values": [0.5]},
            "no bound for its bucket 9",
        ),
        ({"positive_deltas": [1] * 3000, "positive_spans": [(0, 3000)]}, "over 2000 buckets"),
        ({"timestamp": 5}, "the time is not in the years"),
    ],
)  # fmt: skip
def test_a_bad_histogram_rejects_itself_alone(chosen: dict[str, Any], reason: str) -> None:
    [rejection] = native(**chosen).rejected
    assert reason in rejection.reason
