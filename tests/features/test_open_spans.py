"""Traces put together within bounds, and the book of their sums, against plain versions."""

from __future__ import annotations

import numpy as np
from span_builders import CHAIN, a_span, a_trace, records, traces

from features.open_spans import OLDEST_MS, QUIET_MS, OpenSpans
from features.span_book import SpanBook
from features.span_sums import QUANTITIES
from features.spans import Spans, sum_spans
from telemetry.spans import SpanBatch

START_MS = 1_772_589_600_000


def batch(*numbers: int, **changed: object) -> SpanBatch:
    return SpanBatch.from_records([a_span(each, **changed) for each in numbers])


def test_a_trace_ends_once_it_is_quiet() -> None:
    held = OpenSpans()
    held.add(batch(1, 2), at_ms=0)
    held.add(batch(2, span_id=b"second--"), at_ms=20_000)
    assert len(held.take_ended(now_ms=QUIET_MS - 1)) == 0
    assert [each.trace_id[-1] for each in records(held.take_ended(now_ms=QUIET_MS))] == [1]
    assert len(held.take_ended(now_ms=20_000 + QUIET_MS)) == 2
    assert held.n_spans == 0


def test_a_trace_that_never_ends_is_summed_up_all_the_same() -> None:
    held = OpenSpans()
    for number in range(13):
        held.add(batch(1, span_id=bytes([1] * 7 + [number])), at_ms=number * 10_000)
    assert len(held.take_ended(now_ms=OLDEST_MS)) == 13
    assert held.add(batch(1, 2), at_ms=OLDEST_MS) == held.n_late == 1
    assert held.n_spans == 1


def test_the_traces_that_came_first_make_room() -> None:
    held = OpenSpans(max_spans=8)
    for number in range(1, 11):
        held.add(batch(number), at_ms=number)
    assert held.is_full
    assert [each.trace_id[-1] for each in records(held.take_ended(now_ms=10))] == [1, 2, 3, 4]
    assert (held.n_hurried, held.n_spans) == (4, 6)


def test_a_batch_is_joined_as_its_columns_are() -> None:
    spans = traces(START_MS, START_MS + 300_000)
    whole = SpanBatch.from_records([*spans, spans[3]])
    plain = Spans.from_columns(
        *([each.hex() for each in column] for column in list(zip(*spans, strict=True))[:3]),
        services=[each.service for each in spans],
        operations=[each.operation for each in spans],
        start_us=[each.start_us for each in spans],
        duration_us=[each.duration_us for each in spans],
    )
    np.testing.assert_array_equal(Spans.from_batch(whole).parent, plain.parent)


def test_a_book_of_parts_sums_to_what_the_whole_does() -> None:
    spans = [a_trace(n, (START_MS + n * 10_000) * 1000, dict.fromkeys(CHAIN, 5e3)) for n in range(1, 31)]
    book = SpanBook(step_ms=60_000)
    for part in spans:
        book.add(sum_spans(Spans.from_batch(SpanBatch.from_records(part)), step_ms=60_000))
    whole = sum_spans(
        Spans.from_batch(SpanBatch.from_records([each for part in spans for each in part])), step_ms=60_000
    )
    for name in QUANTITIES:
        expected, found = (
            getattr(whole, name),
            getattr(book.sums(), name).of_kinds(getattr(whole, name).kinds),
        )
        of = {
            (k, b): n for k, b, n in zip(found.kind.tolist(), found.bucket_ms.tolist(), found.n, strict=True)
        }
        assert of == {
            (k, b): n
            for k, b, n in zip(expected.kind.tolist(), expected.bucket_ms.tolist(), expected.n, strict=True)
        }


def test_a_book_forgets_the_oldest_and_has_no_room_for_too_many_kinds() -> None:
    book = SpanBook(step_ms=60_000, max_cells=2, max_kinds=3)
    for minute in range(3):
        spans = [a_span(1, start_us=(START_MS + minute * 60_000) * 1000, operation=f"op {minute}")]
        book.add(sum_spans(Spans.from_batch(SpanBatch.from_records(spans)), step_ms=60_000))
    assert book.n_cells == 2
    assert book.n_left_out == 0
    many = SpanBatch.from_records([a_span(each, operation=f"new {each}") for each in range(1, 6)])
    book.add(sum_spans(Spans.from_batch(many), step_ms=60_000))
    assert book.n_left_out > 0


def test_services_become_their_items() -> None:
    spans = SpanBatch.from_records(traces(START_MS, START_MS + 60_000))
    sums = sum_spans(Spans.from_batch(spans), step_ms=60_000)
    own = sums.of_items({"order": "order-1", "gateway": "gateway"}).own
    assert {kind[0] for kind in own.kinds} == {"order-1", "gateway"}
    assert sums.united(sums).own.n.sum() == 2 * sums.own.n.sum()
