"""OpenTelemetry's gauges and sums, read from the bytes of the usual layout.

As in `remote_write`, the attributes of a point are the same bytes in every body, so they are looked up and
not read again, and times and values of all points are cut out of the body at once. Whatever else Protocol
Buffers allow is read by the library, metric by metric and point by point, with the same result.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric, NumberDataPoint, Sum
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from telemetry.decoders.gathering import LATEST_MS
from telemetry.decoders.labelled import YOUNG_MS, Labelled, columns
from telemetry.decoders.otlp_names import resource_texts
from telemetry.decoders.otlp_reader import CUMULATIVE, NANOSECONDS, MetricReader, kind_of
from telemetry.decoders.wire_format import UnusualLayoutError, contents_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from telemetry.metric_names import Kind
    from telemetry.series_book import SeriesBook

FIRST, SECOND, THIRD = 0x0A, 0x12, 0x1A
"""Tags of the fields 1, 2 and 3 of a message, if they have a length."""
GAUGE, SUM = 0x2A, 0x3A
START, TIME, DOUBLE, INTEGER = 0x11, 0x19, 0x21, 0x31
NUMBER_BYTES = 9
"""A tag and the eight bytes of a time or a value."""


def scan(body: bytes, book: SeriesBook) -> Labelled:
    """The contents of an export request.

    Raises
    ------
    UnusualLayoutError, DecodeError
        If only the library can judge the body.
    """
    scanning = _Scan(body, book)
    for tag, _, start, stop in _fields(body, 0, len(body)):
        if tag != FIRST:
            raise UnusualLayoutError
        scanning.read_resource(start, stop)
    return scanning.labelled()


class _Field(NamedTuple):
    """A field that has a length: its tag, where that is, and where its contents begin and end."""

    tag: int
    at: int
    start: int
    stop: int


def _fields(body: bytes, at: int, end: int) -> Iterator[_Field]:
    while at < end:
        start, stop = contents_of(body, at + 1, end)
        yield _Field(body[at], at, start, stop)
        at = stop


class _Scan:
    """One pass over the bytes of a body.

    Attributes
    ----------
    numbers, positions
        The series of each point, and where the tag of its time is.
    starts
        Where the tag of its start is; −1 if it has none.
    n_before
        For each point that the library read, how many others came before it.
    """

    def __init__(self, body: bytes, book: SeriesBook) -> None:
        self.body = body
        self.reader = MetricReader(book)
        self.numbers: list[int] = []
        self.positions: list[int] = []
        self.starts: list[int] = []
        self.n_before: list[int] = []

    def read_resource(self, start: int, stop: int) -> None:
        """Read everything of one resource."""
        body, resource = self.body, b""
        shared: Sequence[str] = ()
        for tag, _, first, last in _fields(body, start, stop):
            if tag == FIRST and not resource:
                resource = body[first:last]
                shared = resource_texts(Resource.FromString(resource).attributes)
            elif tag == SECOND:
                self._read_scope(first, last, resource, shared)
                resource = resource or b"\0"  # a resource that came now would be too late
            else:
                _check_text(tag, body[first:last])

    def _read_scope(self, start: int, stop: int, resource: bytes, shared: Sequence[str]) -> None:
        for tag, _, first, last in _fields(self.body, start, stop):
            if tag == SECOND:
                self._read_metric(first, last, resource, shared)
            elif tag == FIRST:
                InstrumentationScope.FromString(self.body[first:last])
            else:
                _check_text(tag, self.body[first:last])

    def _read_metric(self, start: int, stop: int, resource: bytes, shared: Sequence[str]) -> None:
        body, data, is_usual = self.body, None, True
        for field in _fields(body, start, stop):
            if field.tag in {GAUGE, SUM} and data is None:
                data = field
            elif field.tag not in {FIRST, SECOND, THIRD}:  # name, description and unit
                is_usual = False
                break
        if data is None or not is_usual or not self._read_points(data, start, stop, resource, shared):
            self.reader.read(Metric.FromString(body[start:stop]), shared)
            self._note_read()

    def _read_points(
        self, data: _Field, start: int, stop: int, resource: bytes, shared: Sequence[str]
    ) -> bool:
        """Read the points of a gauge or a sum; false, and nothing is read, if they are laid out otherwise."""
        body, at = self.body, data.start
        bounds = []
        while at < data.stop and body[at] == FIRST:
            begin, at = contents_of(body, at + 1, data.stop)
            bounds.append((begin, at))
        tail = Sum.FromString(body[at : data.stop])
        if tail.data_points or (data.tag == GAUGE and at < data.stop):
            return False
        if data.tag == SUM and tail.aggregation_temporality != CUMULATIVE:
            return False
        header = Metric.FromString(body[start : data.at] + body[data.stop : stop])
        kind = kind_of(is_gauge=data.tag == GAUGE, is_monotonic=tail.is_monotonic)
        known = self.reader.page.known_in((resource, header.name, header.unit, kind))
        self._find(bounds, known, header, shared, kind)
        return True

    def _find(
        self,
        bounds: Sequence[tuple[int, int]],
        known: dict[bytes, int],
        header: Metric,
        shared: Sequence[str],
        kind: Kind,
    ) -> None:
        """Look every point of a metric up; the library reads those that are new."""
        body, number_of = self.body, known.get
        for begin, end in bounds:
            has_start = begin < end and body[begin] == START
            at = begin + NUMBER_BYTES if has_start else begin
            rest = at + 2 * NUMBER_BYTES
            is_usual = rest <= end and body[at] == TIME and body[at + NUMBER_BYTES] in {DOUBLE, INTEGER}
            number = number_of(body[rest:end]) if is_usual else None
            if number is not None:
                self.numbers.append(number)
                self.positions.append(at)
                self.starts.append(begin if has_start else -1)
                continue
            self.reader.read_numbers([NumberDataPoint.FromString(body[begin:end])], header, shared, kind)
            if self._note_read() and is_usual and _are_attributes(body[rest:end]):
                known[body[rest:end]] = self.reader.gathering.numbers[-1]
                self.reader.page.n_scoped += 1
                self.reader.page.n_bytes += end - rest

    def _note_read(self) -> bool:
        """Note where the points come in that the library read now; return whether there are any."""
        n_read = len(self.reader.gathering.numbers) - len(self.n_before)
        self.n_before += [len(self.positions)] * n_read
        return n_read > 0

    def labelled(self) -> Labelled:
        """Everything in the body, in its order."""
        gathering = self.reader.gathering
        words = np.ndarray((max(len(self.body) - 7, 0),), dtype="<u8", buffer=self.body, strides=(1,))
        positions = np.array(self.positions, dtype=np.int64)
        numbers = np.array(self.numbers, dtype=np.int64)
        times_ms = _milliseconds(words[positions + 1])
        bits = words[positions + NUMBER_BYTES + 1]
        is_integer = np.frombuffer(self.body, np.uint8)[positions + NUMBER_BYTES] == INTEGER
        values = np.where(is_integer, bits.view(np.int64).astype(np.float64), bits.view(np.float64))
        self._note_starts(words, numbers, times_ms)
        read_ms, read_numbers, read_values = gathering.as_columns()
        order = np.argsort(
            np.concatenate([np.array(self.n_before, dtype=np.int64), np.arange(len(positions))]),
            kind="stable",
        )
        return columns(
            self.reader.page.series,
            np.concatenate([read_numbers, numbers])[order],
            np.concatenate([read_ms, times_ms])[order],
            np.concatenate([read_values, values])[order],
            gathering=gathering,
        )

    def _note_starts(
        self, words: NDArray[np.uint64], numbers: NDArray[np.int64], times_ms: NDArray[np.int64]
    ) -> None:
        starts = np.array(self.starts, dtype=np.int64)
        has_start = starts >= 0
        start_ms = np.zeros(len(starts), dtype=np.int64)
        start_ms[has_start] = _milliseconds(words[starts[has_start] + 1])
        is_young = (times_ms > start_ms) & (times_ms - start_ms <= YOUNG_MS) & (times_ms < LATEST_MS)
        self.reader.gathering.starts.update(
            zip(numbers[is_young].tolist(), start_ms[is_young].tolist(), strict=True)
        )


def _milliseconds(nanoseconds: NDArray[np.uint64]) -> NDArray[np.int64]:
    return (nanoseconds // np.uint64(NANOSECONDS)).astype(np.int64)


def _check_text(tag: int, text: bytes) -> None:
    """Accept only the field 3, a schema's address, which says nothing here."""
    if tag != THIRD or not text.isascii():
        raise UnusualLayoutError


def _are_attributes(fields: bytes) -> bool:
    """Whether the rest of a point, which the library read as a whole, is its attributes alone."""
    alone = NumberDataPoint.FromString(fields)
    del alone.attributes[:]
    return not alone.ByteSize()
