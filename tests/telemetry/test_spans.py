"""Spans as they are decoded, stored and put together, against what was sent."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from span_builders import a_span, an_export, as_json, records

from telemetry.decoders import otlp_spans, zipkin_spans
from telemetry.errors import BadBatchError
from telemetry.span_history import SpanHistory
from telemetry.span_records import decode_spans, encode_spans
from telemetry.spans import NO_PARENT, SpanBatch, SpanRecord, joined_spans

if TYPE_CHECKING:
    from pathlib import Path

IDS = st.binary(min_size=8, max_size=8).filter(any)
NAMES = st.text(
    st.characters(min_codepoint=33, max_codepoint=0x4FFF, exclude_categories=["C", "Z"]), min_size=1
)
SPANS = st.builds(
    SpanRecord,
    st.binary(min_size=16, max_size=16).filter(any),
    IDS,
    st.just(NO_PARENT) | IDS,
    NAMES,
    NAMES,
    st.integers(0, 5),
    st.integers(1_000_000_000_000_000, 2_000_000_000_000_000),
    st.integers(0, 10**10),
    st.booleans(),
).filter(lambda each: each.span_id != each.parent_id)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(st.lists(SPANS, max_size=20))
def test_both_forms_and_the_disk_give_back_what_was_sent(spans: list[SpanRecord]) -> None:
    from_json = otlp_spans.decode(json.dumps(as_json(spans)).encode())
    packed = otlp_spans.decode_protobuf(an_export(spans).SerializeToString())
    assert not from_json.rejected
    assert records(from_json.spans) == spans
    assert sorted(records(packed.spans)) == sorted(spans)
    assert records(decode_spans(encode_spans(from_json.spans))) == spans


@given(st.lists(SPANS, max_size=20), st.integers(0, 20))
def test_joined_batches_hold_the_spans_of_each(spans: list[SpanRecord], cut: int) -> None:
    parts = [SpanBatch.from_records(part) for part in (spans[:cut], spans[cut:])]
    joined = joined_spans(parts)
    assert records(joined) == spans
    few = joined.where(np.arange(len(spans)) % 2 == 0).without_unused_names()
    assert records(few) == spans[::2]
    assert set(few.services) == {each.service for each in spans[::2]}


@given(st.binary(max_size=200))
def test_any_bytes_are_decoded_or_refused(body: bytes) -> None:
    for decode in (otlp_spans.decode, otlp_spans.decode_protobuf, zipkin_spans.decode):
        with suppress(BadBatchError):
            decode(body)


@given(st.dictionaries(st.sampled_from(["traceId", "spanId", "id", "parentSpanId", "parentId", "name", "kind",
    "status", "startTimeUnixNano", "endTimeUnixNano", "timestamp", "duration", "shared", "localEndpoint",
    "tags"]), JSON))  # fmt: skip
def test_any_document_is_decoded_and_every_span_of_it_counted(changed: dict[str, Any]) -> None:
    document = as_json([a_span()])
    span = document["resourceSpans"][0]["scopeSpans"][0]["spans"][0]
    span |= changed
    decoded = otlp_spans.decode(json.dumps(document).encode())
    assert len(decoded.spans) + decoded.n_rejected == 1
    zipkin = {"traceId": "1" * 16, "id": "2" * 16, "timestamp": 1_772_589_600_000_000} | changed
    decoded = zipkin_spans.decode(json.dumps([zipkin]).encode())
    assert len(decoded.spans) + decoded.n_rejected == 1


def test_a_name_that_is_not_utf_8_does_not_cost_the_request() -> None:
    body = an_export([a_span(operation="placeX")]).SerializeToString().replace(b"placeX", b"place\xff")
    assert otlp_spans.decode_protobuf(body).spans.operations == ("place�",)


def test_rejected_spans_beyond_a_thousand_are_counted_together() -> None:
    decoded = otlp_spans.decode(json.dumps(as_json([a_span(service="")] * 1500)).encode())
    assert (len(decoded.rejected), decoded.n_rejected) == (1000, 1500)


def test_both_sides_of_a_shared_zipkin_span_are_measured() -> None:
    side = {"traceId": "1" * 32, "id": "2" * 16, "timestamp": 1_772_589_600_000_000, "duration": 900}
    client = {**side, "kind": "CLIENT", "localEndpoint": {"serviceName": "app"}}
    server = {**side, "kind": "SERVER", "shared": True, "localEndpoint": {"serviceName": "db"}}
    inner = {**side, "id": "3" * 16, "parentId": "2" * 16, "localEndpoint": {"serviceName": "db"}}
    spans = records(zipkin_spans.decode(json.dumps([client, server, inner]).encode()).spans)
    assert spans[1].parent_id == spans[0].span_id != spans[1].span_id
    assert spans[2].parent_id == spans[1].span_id


@pytest.mark.parametrize("body", [b"{}", b"[", b"7"])
def test_what_is_no_list_is_no_zipkin_body(body: bytes) -> None:
    with pytest.raises(BadBatchError):
        zipkin_spans.decode(body)


def test_a_history_gives_back_its_spans_after_it_was_opened_again(tmp_path: Path) -> None:
    with SpanHistory(tmp_path) as history:
        assert history.append(SpanBatch.from_records([a_span(1)])) == 1
        assert history.append(SpanBatch.from_records([a_span(2)])) == 2
    with SpanHistory(tmp_path) as again:
        assert [(at, records(each)) for at, each in again.replay(after=1)] == [(2, [a_span(2)])]
