"""Samples that Prometheus sends by its remote-write protocol, version 1.

Prometheus, "Prometheus Remote-Write Specification", 1.0: a message `prometheus.WriteRequest`. Exemplars, help
and units are passed over.

The bytes of the usual layout are read here: labels, then samples, as every sender in use writes them. The
labels of a series are the same bytes in every body, so they are looked up and not read again, and the
samples of all series are cut out of the body at once. Whatever else Protocol Buffers allow is read by the
library (`remote_write_walk`), with the same result.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import numpy as np
from google.protobuf.message import DecodeError

from telemetry.decoders.gathering import EARLIEST_MS, LATEST_MS
from telemetry.decoders.labelled import OUTSIDE_YEARS, Labelled, LabelledGathering, columns
from telemetry.decoders.remote_write_walk import gather, walk
from telemetry.decoders.wire_format import MORE, UnusualLayoutError, contents_of
from telemetry.wire.remote_write_1_pb2 import MetricMetadata, TimeSeries

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from telemetry.series_book import SeriesBook

SERIES_TAG = 0x0A
METADATA_TAG = 0x1A

VALUE_HEAD = b"\x12\x10\x09"
"""Begins a sample of 16 bytes: eight of its value, and six of its time."""
ZERO_HEAD = b"\x12\x07\x10"
"""Begins a sample of 7 bytes, those of its time: a value of zero is left out."""
VALUE_BYTES, ZERO_BYTES = 18, 9
VALUE_AT, TIME_AT, TIME_OF_ZERO_AT = 3, 11, 2

SHIFTS = range(0, 42, 7)
TIME_MARKS = np.uint64(0x80_80_80_80_80_80_FF)
TIME_LAYOUT = np.uint64(0x00_80_80_80_80_80_10)
"""A tag and six bytes, as all times from 2000 to 2099 take: each but the last says that more follow."""


def decode(body: bytes, book: SeriesBook) -> Labelled:
    """The contents of a `prometheus.WriteRequest`.

    Raises
    ------
    BadBatchError
        If the body is not such a message.
    """
    try:
        return _Scan(body, book).labelled()
    except (UnusualLayoutError, DecodeError):
        return walk(body, book)


class _Scan:
    """One pass over the bytes of a body.

    Attributes
    ----------
    positions
        Where each sample begins; those at the end of the body are in ``added``.
    numbers, lengths
        Number of each series, and how many samples it has.
    added
        Samples of the series that the library read, in the usual layout, so that all are cut out at once.
    """

    def __init__(self, body: bytes, book: SeriesBook) -> None:
        self.body = body
        self.namer = book.namer
        self.page = book.page()
        self.gathering = LabelledGathering()
        self.positions: list[int] = []
        self.numbers: list[int] = []
        self.lengths: list[int] = []
        self.added = bytearray()

    def labelled(self) -> Labelled:
        """Everything in the body."""
        self._find_samples()
        data = b"".join((self.body, self.added, bytes(8)))
        times_ms, values = _cut_out(data, np.array(self.positions, dtype=np.int64))
        numbers = np.repeat(np.array(self.numbers, dtype=np.int64), self.lengths)
        return columns(self.page.series, numbers, times_ms, values, gathering=self.gathering)

    def _find_samples(self) -> None:
        """Go from series to series; what is not one sample of a known series is searched for."""
        body, size = self.body, len(self.body)
        number_of, add_position = self.page.numbers.get, self.positions.append
        add_number, add_length = self.numbers.append, self.lengths.append
        stop = 0
        while stop < size:
            tag = body[stop]
            start, stop = contents_of(body, stop + 1, size)
            if tag == SERIES_TAG:
                cut = stop - VALUE_BYTES
                number = number_of(body[start:cut]) if body.startswith(VALUE_HEAD, cut) else None
                if number is None:
                    self._search(start, stop)
                else:
                    add_position(cut)
                    add_number(number)
                    add_length(1)
            elif tag == METADATA_TAG:
                MetricMetadata.FromString(body[start:stop])
            else:
                raise UnusualLayoutError

    def _search(self, start: int, stop: int) -> None:
        """Go through a series from its end back to the end of its labels."""
        body, cut, found = self.body, stop, []
        while True:
            if body.startswith(VALUE_HEAD, cut - VALUE_BYTES):
                cut -= VALUE_BYTES
            elif body.startswith(ZERO_HEAD, cut - ZERO_BYTES):
                cut -= ZERO_BYTES
            else:
                break
            found.append(cut)
        number = self.page.numbers.get(body[start:cut])
        if number is None:
            self._read(start, cut, stop)
        else:
            self.positions.extend(reversed(found))
            self.numbers.append(number)
            self.lengths.append(len(found))

    def _read(self, start: int, cut: int, stop: int) -> None:
        """Have the library read a series, and learn its labels if nothing else is in front of the samples."""
        read, page, namer = LabelledGathering(), self.page, self.namer
        number = gather(
            TimeSeries.FromString(self.body[start:stop]),
            read,
            page,
            namer,
            learn=lambda _, name: page.number_of(name()),
        )
        self.gathering.merge(read)
        n_added = 0
        for time_ms, value in zip(read.times_ms, read.values, strict=True):
            if EARLIEST_MS <= time_ms < LATEST_MS:
                self.positions.append(len(self.body) + len(self.added))
                self.added += _laid_out(time_ms, value)
                n_added += 1
            else:
                self.gathering.refuse(OUTSIDE_YEARS)
        if number is not None:
            self.numbers.append(number)
            self.lengths.append(n_added)
            if cut > start and _are_labels(self.body[start:cut]):
                page.learn(self.body[start:cut], lambda: page.series[number])


def _are_labels(fields: bytes) -> bool:
    """Whether some bytes of a series are complete fields, and none of them a sample."""
    try:
        alone = TimeSeries.FromString(fields)
    except DecodeError:
        return False
    return not (alone.samples or alone.exemplars or alone.histograms)


def _laid_out(time_ms: int, value: float) -> bytes:
    """A sample in the usual layout; its time is in the years 2000 to 2099."""
    time = bytes((time_ms >> shift & 0x7F) | (MORE if shift < SHIFTS[-1] else 0) for shift in SHIFTS)
    return VALUE_HEAD + struct.pack("<d", value) + b"\x10" + time


def _cut_out(data: bytes, positions: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Times and values of the samples that begin at some positions, shape ``(len(positions),)``.

    Raises
    ------
    UnusualLayoutError
        If a time is not laid out as usual.
    """
    words = np.ndarray((len(data) - 7,), dtype="<u8", buffer=data, strides=(1,))
    is_zero = np.frombuffer(data, np.uint8)[positions + 1] == ZERO_HEAD[1]
    time = words[positions + np.where(is_zero, TIME_OF_ZERO_AT, TIME_AT)]
    if ((time & TIME_MARKS) != TIME_LAYOUT).any():
        raise UnusualLayoutError
    times_ms = np.zeros(len(positions), dtype=np.uint64)
    for place, shift in enumerate(SHIFTS):
        times_ms |= (time >> np.uint64(8 * place + 8) & np.uint64(0x7F)) << np.uint64(shift)
    values = words[positions + VALUE_AT].view(np.float64)
    return times_ms.astype(np.int64), np.where(is_zero, 0.0, values)
