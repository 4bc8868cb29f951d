"""Batches of samples as records of a log, and the search for records in a log.

A record is a header (magic, payload length, position, CRC-32), then the payload. Positions only
rise. The CRC covers position, length and payload and is seeded with the number of the log, so that
neither a record of another log nor bytes that a sender put into a batch are mistaken for a record.
"""

from __future__ import annotations

import struct
import zlib
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import numpy as np

from telemetry.batches import Samples, SeriesKey
from telemetry.errors import BadBatchError

if TYPE_CHECKING:
    from collections.abc import Iterator

MAGIC = b"\xc5SN1"
HEADER = struct.Struct("<4sIQI")  # magic, payload length, position, CRC
COUNTS = struct.Struct("<II")  # number of samples, length of the keys
MAX_PAYLOAD_BYTES = 64 * 2**20
SAMPLE_BYTES = 8 + 8 + 4


class Record(NamedTuple):
    """A complete record: its position, and where its payload is in the log."""

    position: int
    start: int
    end: int


class Gap(NamedTuple):
    """Bytes ``[start, end)`` of a log that hold no complete record."""

    start: int
    end: int
    reason: str


def encode(samples: Samples) -> bytes:
    """Payload of a batch.

    Raises
    ------
    BadBatchError
        If its columns do not fit together, a name cannot be encoded as UTF-8, or it is over 64 MiB.
    """
    n_samples = len(samples)
    if not len(samples.series) == len(samples.time_ms) == n_samples:
        raise BadBatchError(
            f"its columns have {len(samples.series)}, {len(samples.time_ms)} and {n_samples} rows"
        )
    if n_samples and not 0 <= samples.series.min() <= samples.series.max() < len(samples.keys):
        raise BadBatchError(f"a sample names a series outside its {len(samples.keys)} keys")
    try:
        keys = msgspec.json.encode(samples.keys)
    except UnicodeEncodeError as error:
        raise BadBatchError(f"a name is not valid text: {error.reason}") from error
    payload = b"".join(
        (
            COUNTS.pack(n_samples, len(keys)),
            samples.time_ms.astype("<i8", copy=False).tobytes(),
            samples.values.astype("<f8", copy=False).tobytes(),
            samples.series.astype("<i4", copy=False).tobytes(),
            keys,
        )
    )
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise BadBatchError(f"{len(payload)} bytes are over the limit of {MAX_PAYLOAD_BYTES}: split it")
    return payload


def decode(payload: bytes) -> Samples:
    """Batch of a payload that `encode` made; its arrays are read-only."""
    n_samples, n_key_bytes = COUNTS.unpack_from(payload)
    at_values = COUNTS.size + 8 * n_samples
    at_series = at_values + 8 * n_samples
    at_keys = at_series + 4 * n_samples
    return Samples(
        _KEY_LISTS.decoded(payload[at_keys : at_keys + n_key_bytes]),
        np.frombuffer(payload, "<i4", n_samples, at_series),
        np.frombuffer(payload, "<i8", n_samples, COUNTS.size),
        np.frombuffer(payload, "<f8", n_samples, at_values),
    )


def frame(payload: bytes, *, position: int, log: int) -> bytes:
    """The record of a payload at a position of a log."""
    return HEADER.pack(MAGIC, len(payload), position, _crc(payload, position, log)) + payload


def find_records(data: bytes, *, log: int) -> Iterator[Record | Gap]:
    """Everything in a log, in order: its records, and the gaps where bytes are damaged.

    After damage the search continues at the next complete record, so that a gap hides no record that can
    still be read.
    """
    offset, last_position = 0, -1
    while offset < len(data):
        found = _record_at(data, offset, log, last_position)
        if isinstance(found, Record):
            yield found
            offset, last_position = found.end, found.position
            continue
        resumes = _next_record(data, offset + 1, log, last_position)
        yield Gap(offset, resumes, found)
        offset = resumes


def _next_record(data: bytes, offset: int, log: int, last_position: int) -> int:
    while (offset := data.find(MAGIC, offset)) >= 0:
        if isinstance(_record_at(data, offset, log, last_position), Record):
            return offset
        offset += 1
    return len(data)


def _record_at(data: bytes, offset: int, log: int, last_position: int) -> Record | str:
    """The record that begins at ``offset``, or the reason why there is none."""
    if offset + HEADER.size > len(data):
        return "the header is cut off"
    magic, length, position, crc = HEADER.unpack_from(data, offset)
    start = offset + HEADER.size
    if magic != MAGIC or length > MAX_PAYLOAD_BYTES:
        return "no record begins here"
    if start + length > len(data):
        return "the record is cut off"
    if position <= last_position or _crc(memoryview(data)[start : start + length], position, log) != crc:
        return "the checksum does not match"
    return Record(position, start, start + length)


def _crc(payload: bytes | memoryview, position: int, log: int) -> int:
    seed = zlib.crc32(struct.pack("<QQI", log, position, len(payload)))
    return zlib.crc32(payload, seed)


class KeyLists:
    """The key lists decoded last, so that batches of the same series share one.

    Safe to use from many threads.

    Parameters
    ----------
    limit_bytes
        Most bytes of encoded lists; decoded they take about eight times as much. A list over a quarter of it
        is not held.
    """

    def __init__(self, *, limit_bytes: int) -> None:
        self.n_bytes = 0
        self._limit_bytes = limit_bytes
        self._held: dict[bytes, tuple[SeriesKey, ...]] = {}
        self._lock = Lock()

    def decoded(self, encoded: bytes) -> tuple[SeriesKey, ...]:
        """Return the keys of an encoded list."""
        with self._lock:
            keys = self._held.pop(encoded, None)
            if keys is not None:
                self._held[encoded] = keys  # at the end: it was used last
                return keys
        keys = msgspec.json.decode(encoded, type=tuple[SeriesKey, ...])
        if len(encoded) <= self._limit_bytes // 4:
            with self._lock:
                self._hold(encoded, keys)
        return keys

    def _hold(self, encoded: bytes, keys: tuple[SeriesKey, ...]) -> None:
        if encoded in self._held:  # another thread decoded it meanwhile
            return
        self._held[encoded] = keys
        self.n_bytes += len(encoded)
        while self.n_bytes > self._limit_bytes:
            oldest = next(iter(self._held))
            del self._held[oldest]
            self.n_bytes -= len(oldest)


_KEY_LISTS = KeyLists(limit_bytes=4 * 2**20)
