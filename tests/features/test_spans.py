"""Spans become sums per kind and bucket, and nothing else of them is stored."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.span_sums import Cells
from features.spans import LEAST_US, Spans, covered_us, edges_of, sum_spans

MINUTE_US = 60_000_000
Row = tuple[str, str, str, str, str, int, int]


def spans_of(*rows: Row) -> Spans:
    """Build spans from ``(trace, span, parent, service, operation, start_us, duration_us)`` rows."""
    columns = list(zip(*rows, strict=True)) or [()] * 7
    return Spans.from_columns(
        columns[0],
        columns[1],
        columns[2],
        services=columns[3],
        operations=columns[4],
        start_us=np.array(columns[5], dtype=np.int64),
        duration_us=np.array(columns[6], dtype=np.int64),
    )


def a_trace(number: int, *, answered: bool = True, at_us: int = 0) -> list[Row]:
    """Build a request that ``app`` handles by calling ``db`` through a client span."""
    trace = f"t{number}"
    rows: list[Row] = [
        (trace, "root", "", "app", "GET /", at_us, 100_000),
        (trace, "client", "root", "app", "call db", at_us + 10_000, 60_000),
    ]
    if answered:
        rows.append((trace, "server", "client", "db", "query", at_us + 20_000, 40_000))
    return rows


def value(cells: Cells, *kind: str) -> tuple[float, float]:
    """Count and sum of one kind over all buckets."""
    rows = cells.kind == cells.kinds.index(kind)
    return float(cells.n[rows].sum()), float(cells.total[rows].sum())


def test_own_time_leaves_the_children_out_and_skips_client_spans() -> None:
    own = sum_spans(spans_of(*a_trace(1)), step_ms=60_000).own
    n, total = value(own, "app", "GET /", "", "")
    assert n == 1.0
    assert total == pytest.approx(np.log(40_000 + LEAST_US))
    assert value(own, "db", "query", "app", "call db")[1] == pytest.approx(np.log(40_000 + LEAST_US))
    seen = {own.kinds[index][1] for index in own.kind}
    assert "call db" not in seen


def test_the_gap_is_the_client_time_beyond_the_server_time() -> None:
    gap = sum_spans(spans_of(*a_trace(1)), step_ms=60_000).gap
    n, total = value(gap, "app", "db", "query")
    assert n == 1.0
    assert total == pytest.approx(np.log(20_000 + LEAST_US))


def test_a_call_is_named_by_its_server_and_counted_once_per_parent() -> None:
    rows = [*a_trace(1), *a_trace(2), ("t3", "root", "", "app", "GET /", 0, 5)]
    rows += [("t1", "again", "root", "app", "call db", 1, 5), ("t1", "served", "again", "db", "query", 2, 1)]
    calls = sum_spans(spans_of(*rows), step_ms=60_000).calls
    assert value(calls, "app", "GET /", "", "", "db", "query") == (3.0, 2.0)


def test_a_client_span_without_its_server_span_is_unanswered() -> None:
    rows = [*a_trace(1), *a_trace(2), *a_trace(3, answered=False)]
    answers = sum_spans(spans_of(*rows), step_ms=60_000).answers
    assert value(answers, "app", "call db", "app", "GET /", "db", "query") == (3.0, 2.0)


def test_spans_fall_in_the_bucket_they_start_in() -> None:
    rows = [*a_trace(1), *a_trace(2, at_us=MINUTE_US)]
    sums = sum_spans(spans_of(*rows), step_ms=60_000)
    assert sorted(set(sums.own.bucket_ms.tolist())) == [0, 60_000]
    assert sums.between(0, 60_000).own.n.sum() == sums.outside(0, 60_000).own.n.sum() == 2


def test_of_a_span_received_twice_the_first_copy_counts() -> None:
    rows = a_trace(1)
    assert len(spans_of(*rows, *rows)) == len(rows)


def test_hostile_spans_are_read() -> None:
    unusual = spans_of(
        ("t", "self", "self", "a", "x", 0, 10),
        ("t", "lost", "gone", "a", "x", 0, -5),
        ("t", "one", "two", "a", "y", 0, 10),
        ("t", "two", "one", "b", "y", 5, 10),
    )
    assert unusual.parent.tolist() == [-1, -1, 3, 2]
    assert unusual.duration_us.min() == 0
    sums = sum_spans(unusual, step_ms=1_000)
    assert all(np.isfinite(each.total).all() for each in (sums.own, sums.gap, sums.calls, sums.answers))


def test_no_spans_give_no_cells() -> None:
    sums = sum_spans(spans_of(), step_ms=60_000)
    assert len(sums.own.n) == len(sums.gap.n) == len(sums.calls.n) == len(sums.answers.n) == 0
    assert edges_of(spans_of()) == frozenset()


def test_edges_are_the_observed_calls_between_services() -> None:
    assert edges_of(spans_of(*a_trace(1))) == {("app", "db")}


def test_gaps_of_edges_are_used_only_in_minutes_without_spans() -> None:
    sums = sum_spans(spans_of(*a_trace(1)), step_ms=60_000)
    edge = np.array([0, 0])
    gaps = Cells((("app", "db", ""),), edge, np.array([0, 60_000]), np.ones(2), np.ones(2), np.ones(2))
    joined = sums.with_gaps(gaps).gap
    assert value(joined, "app", "db", "")[0] == 1.0
    assert value(joined, "app", "db", "query") == value(sums.gap, "app", "db", "query")


@given(st.lists(st.tuples(st.integers(-20, 120), st.integers(0, 60)), max_size=8))
def test_covered_time_equals_the_union_of_the_children(children: list[tuple[int, int]]) -> None:
    rows: list[Row] = [("t", "root", "", "a", "x", 0, 100)]
    rows += [("t", f"c{n}", "root", "a", "y", start, long) for n, (start, long) in enumerate(children)]
    within = {us for start, long in children for us in range(max(start, 0), min(start + long, 100))}
    assert covered_us(spans_of(*rows))[0] == len(within)
