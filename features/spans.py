"""Spans as columns, and the sums of them that a case stores.

A span is one timed operation of one service within a trace. A *client* span's child in another service is
the same call seen from the server. Three things are measured, each per cell of (kind, bucket of time):

- **own time**: the natural logarithm of a span's duration less the time its children cover;
- **gap**: the logarithm of a client span's duration less that of its server span: the network between them;
- **calls**: whether a span made a call that other spans of its kind make.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from features.span_sums import Cells, SpanSums

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from telemetry.spans import SpanBatch

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

LEAST_US = 10.0
"""Added to every time before taking its logarithm: clocks do not resolve less."""

CLIENT_SHARE = 0.5
"""A kind of span with a child elsewhere at least this often is a client; its own time is a gap."""

NO_KIND = -1


@dataclass(frozen=True)
class Spans:
    """Spans in columns, in any order.

    Attributes
    ----------
    services, operations
        Names that ``service`` and ``operation``, shape ``(n_spans,)``, index into.
    parent
        Shape ``(n_spans,)``: row of the parent span; −1 for a root, and where the parent was not received.
    start_us, duration_us
        Shape ``(n_spans,)``: microseconds since the epoch; microseconds, children included.
    """

    services: tuple[str, ...]
    operations: tuple[str, ...]
    service: Ints
    operation: Ints
    parent: Ints
    start_us: Ints
    duration_us: Ints

    def __len__(self) -> int:
        return len(self.start_us)

    @classmethod
    def from_columns(
        cls,
        trace_ids: Sequence[str],
        span_ids: Sequence[str],
        parent_ids: Sequence[str],
        *,
        services: Sequence[str],
        operations: Sequence[str],
        start_us: Sequence[int] | Ints,
        duration_us: Sequence[int] | Ints,
    ) -> Spans:
        """Join each span with its parent in the same trace; of a span received twice, the first copy counts.

        A span that names itself as parent is a root; a negative duration counts as 0.

        Examples
        --------
        >>> Spans.from_columns(
        ...     ["t", "t"],
        ...     ["a", "b"],
        ...     ["", "a"],
        ...     services=["app", "db"],
        ...     operations=["get", "select"],
        ...     start_us=[0, 10],
        ...     duration_us=[100, 50],
        ... ).parent
        array([-1,  0])
        """
        row_of: dict[tuple[str, str], int] = {}
        first_rows: list[int] = []
        for row, key in enumerate(zip(trace_ids, span_ids, strict=True)):
            if row_of.setdefault(key, len(first_rows)) == len(first_rows):
                first_rows.append(row)
        chosen = np.array(first_rows, dtype=np.int64)
        parent = np.array(
            [row_of.get((trace_ids[row], parent_ids[row]), NO_KIND) for row in first_rows], dtype=np.int64
        )
        parent[parent == np.arange(len(first_rows))] = NO_KIND
        service, service_names = _named([services[row] for row in first_rows])
        operation, operation_names = _named([operations[row] for row in first_rows])
        return cls(
            service_names,
            operation_names,
            service,
            operation,
            parent,
            np.asarray(start_us, dtype=np.int64)[chosen],
            np.maximum(np.asarray(duration_us, dtype=np.int64)[chosen], 0),
        )

    @classmethod
    def from_batch(cls, batch: SpanBatch) -> Spans:
        """Join each span of a batch with its parent, as `from_columns` does.

        Examples
        --------
        >>> from telemetry.spans import NO_PARENT, SpanBatch, SpanRecord
        >>> app, db = b"a" * 8, b"d" * 8
        >>> batch = SpanBatch.from_records([
        ...     SpanRecord(b"t" * 16, app, NO_PARENT, "app", "get", 2, 0, 100),
        ...     SpanRecord(b"t" * 16, db, app, "db", "select", 2, 10, 50),
        ... ])
        >>> Spans.from_batch(batch).parent
        array([-1,  0])
        """
        ids = _keys(batch.trace_id, batch.span_id)
        known, first = np.unique(ids, return_index=True)
        rows = np.sort(first)
        parent = np.full(len(rows), NO_KIND)
        if len(known):
            wanted = _keys(batch.trace_id, batch.parent_id)[rows]
            place = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
            is_there = (known[place] == wanted) & (batch.parent_id[rows] != b"")
            parent[is_there] = np.searchsorted(rows, first[place[is_there]])
            parent[parent == np.arange(len(rows))] = NO_KIND
        return cls(
            batch.services,
            batch.operations,
            batch.service[rows].astype(np.int64),
            batch.operation[rows].astype(np.int64),
            parent,
            batch.start_us[rows],
            np.maximum(batch.duration_us[rows], 0),
        )


def _keys(trace_id: NDArray[np.bytes_], span_id: NDArray[np.bytes_]) -> NDArray[np.bytes_]:
    """One key of bytes for each pair of ids; zeros at the end do not count, as both have fixed lengths."""
    width = trace_id.dtype.itemsize + span_id.dtype.itemsize
    keys = np.empty((len(trace_id), width), dtype=np.uint8)
    for ids, columns in ((trace_id, slice(None, trace_id.dtype.itemsize)), (span_id, slice(-8, None))):
        keys[:, columns] = np.ascontiguousarray(ids).view(np.uint8).reshape(len(ids), ids.dtype.itemsize)
    return keys.reshape(-1).view(f"S{width}")


def sum_spans(spans: Spans, *, step_ms: int) -> SpanSums:
    """Sum own times, gaps and calls per kind and bucket.

    Parameters
    ----------
    spans
        Any number of complete or partial traces.
    step_ms
        Width of a bucket. Buckets start at multiples of it since the epoch; a span belongs to the bucket
        that it starts in.
    """
    has_parent = spans.parent >= 0
    child = np.flatnonzero(has_parent)
    parent = spans.parent[child]
    is_remote = spans.service[child] != spans.service[parent]
    n_operations = max(len(spans.operations), 1)
    place = spans.service * n_operations + spans.operation
    above = np.where(has_parent, place[spans.parent], NO_KIND)
    kind, kinds = _codes(place, above)
    remote = np.full(len(spans), NO_KIND)  # one server span per client span: the last one received
    remote[parent[is_remote]] = child[is_remote]
    n_kinds = len(kinds)
    n_of_kind = np.bincount(kind, minlength=n_kinds)
    n_remote = np.bincount(kind[remote >= 0], minlength=n_kinds)
    is_client = (n_remote >= CLIENT_SHARE * n_of_kind)[kind] & _has_at_most_one(spans, child[is_remote])
    bucket = spans.start_us // (step_ms * 1000) * step_ms
    own_us = spans.duration_us - covered_us(spans)
    inside = ~is_client
    own = _cells(kind[inside], bucket[inside], log_us(own_us[inside]), _quads(spans, kinds))

    client = np.flatnonzero((remote >= 0) & is_client)
    server = remote[client]
    gap_us = spans.duration_us[client] - spans.duration_us[server]
    edge, edges = _codes(spans.service[client], place[server])
    edge_names = [
        (spans.services[caller], spans.services[to // n_operations], spans.operations[to % n_operations])
        for caller, to in edges
    ]
    gap = _cells(edge, bucket[client], log_us(gap_us), edge_names)
    target = np.where(remote >= 0, place[remote], NO_KIND)
    called = np.where(is_client & (target >= 0), target, place)
    layout = _Layout(spans, kind, kinds, bucket)
    return SpanSums(
        own,
        gap,
        _calls(layout, child, called, is_client=is_client),
        _answers(layout, target, is_client=is_client),
    )


@dataclass(frozen=True)
class _Layout:
    """Which kind, a (place, parent's place) pair, and which bucket each span belongs to."""

    spans: Spans
    kind: Ints
    kinds: list[tuple[int, int]]
    bucket: Ints


def log_us(us: Floats | Ints) -> Floats:
    """Natural logarithm of a time in microseconds; a negative time counts as 0."""
    logs: Floats = np.log(np.maximum(us, 0) + LEAST_US)
    return logs


def covered_us(spans: Spans) -> Ints:
    """Time that each span's children cover within it, shape ``(n_spans,)``; overlaps count once."""
    covered = np.zeros(len(spans), dtype=np.int64)
    child = np.flatnonzero(spans.parent >= 0)
    parent = spans.parent[child]
    length = spans.duration_us[parent]
    starts = np.clip(spans.start_us[child] - spans.start_us[parent], 0, length)
    ends = np.clip(spans.start_us[child] - spans.start_us[parent] + spans.duration_us[child], 0, length)
    order = np.lexsort((starts, parent))
    parent, starts, ends = parent[order], starts[order], ends[order]
    if not len(parent):
        return covered
    group = np.concatenate([[0], np.cumsum(parent[1:] != parent[:-1])])
    room = int(ends.max()) + 1  # separates the running maximum of one parent from the next one's
    reached = np.maximum.accumulate(ends + group * room) - group * room
    before = np.concatenate([[0], reached[:-1]])
    before[np.concatenate([[True], group[1:] != group[:-1]])] = 0
    np.add.at(covered, parent, np.maximum(ends - np.maximum(starts, before), 0))
    return covered


def edges_of(spans: Spans) -> frozenset[tuple[str, str]]:
    """The observed calls between services: pairs of (caller, callee)."""
    child = np.flatnonzero(spans.parent >= 0)
    caller, callee = spans.service[spans.parent[child]], spans.service[child]
    pairs = np.unique(np.stack([caller, callee], axis=1)[caller != callee], axis=0)
    return frozenset((spans.services[a], spans.services[b]) for a, b in pairs.tolist())


def _named(values: Sequence[str]) -> tuple[Ints, tuple[str, ...]]:
    """A code for each name, and the names in order of appearance."""
    names = {name: code for code, name in enumerate(dict.fromkeys(values))}
    return np.array([names[value] for value in values], dtype=np.int64), tuple(names)


def _has_at_most_one(spans: Spans, remote_children: Ints) -> NDArray[np.bool_]:
    """Whether a span has at most one child in another service, like the client side of a call."""
    n_children = np.bincount(spans.parent[remote_children], minlength=len(spans))
    has_at_most_one: NDArray[np.bool_] = n_children <= 1
    return has_at_most_one


def _codes(left: Ints, right: Ints) -> tuple[Ints, list[tuple[int, int]]]:
    """A dense code for each pair of codes, and the pairs; codes may be −1."""
    width = int(right.max(initial=0)) + 2
    values, code = np.unique((left + 1) * width + right + 1, return_inverse=True)
    return code.astype(np.int64), [(int(v) // width - 1, int(v) % width - 1) for v in values]


def _quads(spans: Spans, kinds: Iterable[tuple[int, int]]) -> list[tuple[str, ...]]:
    return [(*_name(spans, place), *_name(spans, above)) for place, above in kinds]


def _name(spans: Spans, place: int) -> tuple[str, str]:
    if place < 0:
        return "", ""
    return spans.services[place // len(spans.operations)], spans.operations[place % len(spans.operations)]


def _cells(kind: Ints, bucket: Ints, value: Floats, names: Sequence[tuple[str, ...]]) -> Cells:
    buckets, position = np.unique(bucket, return_inverse=True)
    width = max(len(buckets), 1)
    cell = kind * width + position
    found, where = np.unique(cell, return_inverse=True)
    return Cells(
        tuple(names),
        found // width,
        buckets[found % width] if len(buckets) else found,
        np.bincount(where, minlength=len(found)).astype(np.float64),
        np.bincount(where, weights=value, minlength=len(found)).astype(np.float64),
        np.bincount(where, weights=value**2, minlength=len(found)).astype(np.float64),
    )


def _calls(layout: _Layout, child: Ints, called: Ints, *, is_client: NDArray[np.bool_]) -> Cells:
    """For every kind of parent and every call that such parents make: how many of them made it."""
    parent = layout.spans.parent[child]
    used = ~is_client[parent]
    parent, target = parent[used], called[child[used]]
    pair, pairs = _codes(layout.kind[parent], target)
    made = np.unique(np.stack([pair, parent], axis=1), axis=0)
    return _shares(layout, pairs, made[:, 0], layout.bucket[made[:, 1]], of=~is_client)


def _answers(layout: _Layout, target: Ints, *, is_client: NDArray[np.bool_]) -> Cells:
    """For every kind of client span, with its most frequent server: how many have a server span."""
    kind, rows = layout.kind, np.flatnonzero(is_client & (target >= 0))
    pair, pairs = _codes(kind[rows], target[rows])
    count = np.bincount(pair, minlength=len(pairs))
    usual: dict[int, int] = {}
    for index in np.argsort(count, kind="stable").tolist():
        usual[pairs[index][0]] = index
    chosen = [pairs[index] for index in usual.values()]
    code = np.full(len(layout.kinds), NO_KIND)
    code[[each for each, _ in chosen]] = np.arange(len(chosen))
    return _shares(layout, chosen, code[kind[rows]], layout.bucket[rows], of=is_client)


def _shares(
    layout: _Layout, pairs: list[tuple[int, int]], pair: Ints, pair_bucket: Ints, *, of: NDArray[np.bool_]
) -> Cells:
    """Cells of a share: ``n`` spans that could make the call, ``total`` that did, per (kind, call) pair."""
    spans, kinds = layout.spans, layout.kinds
    names = [(*_name(spans, kinds[k][0]), *_name(spans, kinds[k][1]), *_name(spans, to)) for k, to in pairs]
    buckets = np.unique(layout.bucket)
    able = np.zeros((len(kinds), len(buckets)))
    np.add.at(able, (layout.kind[of], np.searchsorted(buckets, layout.bucket[of])), 1.0)
    did = np.zeros((len(pairs), len(buckets)))
    np.add.at(did, (pair, np.searchsorted(buckets, pair_bucket)), 1.0)
    could = able[[k for k, _ in pairs]] if pairs else did
    row, column = np.nonzero(could)
    done = did[row, column]
    return Cells(tuple(names), row.astype(np.int64), buckets[column], could[row, column], done, done)
