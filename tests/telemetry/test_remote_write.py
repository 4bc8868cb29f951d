"""Remote write 1.0: what is in a body is found, by the fast scan as by the library."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from wire_builders import AT_MS, STALE, a_body, a_book, a_request, everything, rows

from telemetry.decoders import remote_write
from telemetry.decoders.gathering import Rejection
from telemetry.decoders.remote_write_walk import walk
from telemetry.errors import BadBatchError
from telemetry.metric_names import Part, Piece
from telemetry.wire import remote_write_1_pb2, remote_write_2_pb2, rpc_status_pb2
from telemetry.wire.remote_write_1_pb2 import WriteRequest

LABELS = {"__name__": "http_requests_total", "job": "order", "code": "500"}
WIRE = Path(remote_write_1_pb2.__file__).parent

# {__name__="up", job="order"} 1 at 1772589600000, byte for byte as Prometheus writes it
BY_HAND = bytes.fromhex(
    "0a30"
    "0a0e0a085f5f6e616d655f5f12027570"
    "0a0c0a036a6f6212056f72646572"
    "121009000000000000f03f10809acbb4cb33"
)  # fmt: skip


def test_the_bytes_of_a_sender_are_read() -> None:
    found = remote_write.decode(BY_HAND, a_book())
    assert rows(found.samples) == [("order", "up", AT_MS, "1.0")]
    assert (found.n_points, found.rejected) == (1, ())


def test_the_label_that_names_the_item_leaves_the_name_of_the_metric() -> None:
    found = remote_write.decode(a_body((LABELS, [(AT_MS, 2.0)])), a_book())
    assert rows(found.samples) == [("order", 'http_requests_total{code="500"}', AT_MS, "2.0")]


def test_a_known_item_wins_over_a_better_label() -> None:
    labels = {"__name__": "up", "job": "apps", "instance": "order:8080"}
    found = remote_write.decode(a_body((labels, [(AT_MS, 1.0)])), a_book({"order"}))
    assert rows(found.samples) == [("order", 'up{job="apps"}', AT_MS, "1.0")]


def test_series_that_name_no_item_are_kept_together() -> None:
    found = remote_write.decode(a_body(({"__name__": "up", "zone": "a"}, [(AT_MS, 1.0)])), a_book())
    assert rows(found.samples) == [("unmatched", 'up{zone="a"}', AT_MS, "1.0")]


def test_a_second_body_of_the_same_series_reads_the_same() -> None:
    book = a_book()
    body = a_body(
        (LABELS, [(AT_MS, 2.0), (AT_MS + 1, 0.0), (AT_MS + 2, 3.0)]), ({**LABELS, "code": "200"}, [])
    )
    first = everything(remote_write.decode(body, book))
    assert first["samples"] == [
        ("order", 'http_requests_total{code="500"}', AT_MS, "2.0"),
        ("order", 'http_requests_total{code="500"}', AT_MS + 1, "0.0"),
        ("order", 'http_requests_total{code="500"}', AT_MS + 2, "3.0"),
    ]
    assert everything(remote_write.decode(body, book)) == first


def test_a_stale_marker_is_kept_and_other_values_that_are_no_numbers_are_not() -> None:
    samples = [(AT_MS, STALE), (AT_MS + 1, math.nan), (AT_MS + 2, math.inf)]
    found = remote_write.decode(a_body((LABELS, samples)), a_book())
    assert rows(found.samples) == [("order", 'http_requests_total{code="500"}', AT_MS, "nan")]
    assert (found.n_without_value, found.n_points, found.rejected) == (2, 3, ())


def test_parts_of_histograms_are_told_apart_and_their_count_is_a_counter() -> None:
    name = "latency_seconds"
    found = remote_write.decode(
        a_body(
            ({"__name__": f"{name}_bucket", "job": "order", "le": "0.5"}, [(AT_MS, 3.0)]),
            ({"__name__": f"{name}_bucket", "job": "order", "le": "+Inf"}, [(AT_MS, 4.0)]),
            ({"__name__": f"{name}_sum", "job": "order"}, [(AT_MS, 1.5)]),
            ({"__name__": f"{name}_count", "job": "order"}, [(AT_MS, 4.0)]),
        ),
        a_book(),
    )
    assert rows(found.samples) == [("order", f"{name}_count_total", AT_MS, "4.0")]
    whole = ("order", name)
    assert found.parts.parts == (
        Part(whole, Piece.BUCKET, 0.5),  # type: ignore[arg-type]
        Part(whole, Piece.BUCKET, math.inf),  # type: ignore[arg-type]
        Part(whole, Piece.SUM),  # type: ignore[arg-type]
        Part(whole, Piece.COUNT),  # type: ignore[arg-type]
    )
    assert found.parts.values.tolist() == [3.0, 4.0, 1.5, 4.0]


@pytest.mark.parametrize(
    ("labels", "reason"),
    [
        ({"job": "order"}, "the series has no name"),
        ({"__name__": "a_bucket", "job": "order", "le": "wide"}, "the bucket's bound 'wide' is not a number"),
        ({"__name__": "up", "job": "or\nder"}, "the item 'or\\nder' holds a control character"),
        ({"__name__": "up", "job": "order\0"}, "a label holds a NUL"),
        ({"__name__": "up", "job": "x" * 300}, f"the item '{'x' * 39}… has over 256 characters"),
    ],
)
def test_a_bad_series_rejects_itself_alone(labels: dict[str, str], reason: str) -> None:
    body = a_body((labels, [(AT_MS, 1.0), (AT_MS + 1, 1.0)]), (LABELS, [(AT_MS, 1.0)]))
    for decode in (remote_write.decode, walk):
        found = decode(body, a_book())
        assert found.rejected == (Rejection(0, reason, 2),)
        assert len(found.samples) == 1


def test_a_label_that_is_given_twice_rejects_its_series() -> None:
    request = a_request((LABELS, [(AT_MS, 1.0)]))
    request.timeseries[0].labels.add(name="job", value="other")
    found = remote_write.decode(request.SerializeToString(), a_book())
    assert [each.reason for each in found.rejected] == ["a label is given twice"]


@pytest.mark.parametrize("time_ms", [0, -1, 2**63 - 1, -(2**63), 946_684_799_999, 4_102_444_800_000, 2**42])
def test_a_time_outside_the_century_rejects_its_sample(time_ms: int) -> None:
    body = a_body((LABELS, [(time_ms, 1.0), (AT_MS, 2.0)]))
    book = a_book()
    remote_write.decode(a_body((LABELS, [(AT_MS, 1.0)])), book)
    for decode in (remote_write.decode, walk):
        found = decode(body, book)
        assert found.rejected == (Rejection(0, "the time is not in the years 2000 to 2099"),)
        assert [row[3] for row in rows(found.samples)] == ["2.0"]


def test_names_that_are_too_long_stay_apart() -> None:
    long = "x" * 300
    series = [({**LABELS, "path": long + end}, [(AT_MS, 1.0)]) for end in "ab"]
    one, other = remote_write.decode(a_body(*series), a_book()).samples.keys
    assert one != other
    assert len(one.metric) == len(other.metric) == 256
    assert one.metric.startswith('http_requests_total{code="500",path="xxx')


def test_a_full_book_begins_anew_and_loses_nothing() -> None:
    book = a_book(max_series=2)
    for number in range(5):
        body = a_body(({**LABELS, "code": str(number)}, [(AT_MS, 1.0)]))
        assert rows(remote_write.decode(body, book).samples) == [
            ("order", f'http_requests_total{{code="{number}"}}', AT_MS, "1.0")
        ]


def test_labels_that_look_like_samples_are_labels() -> None:
    book = a_book()
    trap = "\x12\x10\t12345678\x10" + "\x00" * 0 + "abcdef"
    body = a_body(({"__name__": "up", "job": "order", "zz": trap}, [(AT_MS, 1.0)]))
    for _ in range(2):
        assert everything(remote_write.decode(body, book)) == everything(walk(body, book))


NAMES = st.sampled_from(["__name__", "job", "code", "le"]) | st.text(max_size=4)
TEXTS = st.sampled_from(["up", "order", "a_bucket", "a_sum", "0.5", "+Inf", "\x12\x10\t", ""]) | st.text(
    max_size=30
)
TIMES = st.integers(AT_MS, AT_MS + 100_000) | st.integers(-(2**63), 2**63 - 1)
VALUES = st.sampled_from([0.0, -0.0, 1.0, STALE, math.nan, math.inf]) | st.floats()


@st.composite
def bodies(draw: Any) -> bytes:
    """Bodies with whatever the message allows, a few bytes of them changed, cut off or repeated."""
    request = WriteRequest()
    for _ in range(draw(st.integers(0, 3))):
        series = request.timeseries.add()
        for _ in range(draw(st.integers(0, 3))):
            series.labels.add(name=draw(NAMES), value=draw(TEXTS))
        for _ in range(draw(st.integers(0, 3))):
            series.samples.add(timestamp=draw(TIMES), value=draw(VALUES))
        if draw(st.booleans()):
            series.exemplars.add(value=1.0, timestamp=AT_MS)
        if draw(st.booleans()):
            series.histograms.add(count_int=draw(st.integers(0, 5)), timestamp=AT_MS, schema=3)
    if draw(st.booleans()):
        request.metadata.add(type="COUNTER", metric_family_name="up", help="whether it answers")
    body = bytearray(request.SerializeToString())
    for _ in range(draw(st.integers(0, 2))):
        if body:
            at = draw(st.integers(0, len(body) - 1))
            body[at : at + draw(st.integers(0, 2))] = draw(st.binary(max_size=3))
    return bytes(body) * draw(st.integers(1, 2))


@settings(max_examples=400, deadline=None)
@given(bodies() | st.binary(max_size=60))
@example(b"")
@example(BY_HAND[:-1])
@example(BY_HAND.replace(b"\x10\x80", b"\x18\x80"))  # the time is an unknown field
@example(BY_HAND + b"\x12\x00")
@example(b"\x0a\xff\xff\xff\xff\x0f")
@example(BY_HAND + b"\x1a\x02\x08\x63")
def test_the_scan_finds_what_the_library_finds(body: bytes) -> None:
    book = a_book()
    try:
        expected = everything(walk(body, a_book()))
    except BadBatchError:
        expected = {}
    for _ in range(2):  # the second time the labels are known
        try:
            found = everything(remote_write.decode(body, book))
        except BadBatchError:
            found = {}
        assert by_series(found) == by_series(expected)


def by_series(found: dict[str, Any]) -> dict[str, Any]:
    """Samples in the order of their series' names; those of a series stay in the order of the body."""
    return {
        **found,
        "samples": sorted(found.get("samples", ()), key=lambda row: row[:2]),
        "parts": sorted(found.get("parts", ()), key=lambda row: row[0]),
    }


@pytest.mark.parametrize("generated", [remote_write_1_pb2, remote_write_2_pb2, rpc_status_pb2])
def test_generated_modules_have_the_fields_of_their_proto_files(generated: Any) -> None:
    text = (WIRE / Path(generated.DESCRIPTOR.name).name).read_text(encoding="utf-8")
    published = set(re.findall(r"^\s+(?:repeated )?[\w.]+\s+(\w+)\s+=\s+(\d+);", text, re.MULTILINE))
    messages = [*generated.DESCRIPTOR.message_types_by_name.values()]
    described = {(field.name, str(field.number)) for message in messages for field in message.fields}
    assert described == published


def test_labels_without_end_fill_a_book_by_their_length() -> None:
    book = a_book(max_series=1_000)
    for number in range(4):
        labels = {"__name__": "up", "job": "order", "path": f"{number}{'x' * 1_000_000}"}
        assert len(remote_write.decode(a_body((labels, [(AT_MS, 1.0)])), book).samples) == 1
    assert len(book.page().series) == 0
