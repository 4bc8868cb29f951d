"""Sealed parts of the history: Parquet files sorted by series, then time, then arrival.

Any Parquet reader can query one; the columns are ``item``, ``metric``, ``time_ms``, ``value``, and
``position`` and ``row``, which give the order of arrival. Parquet protects its pages
but not its footer, so the footer carries checksums of every row group's content and of itself.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from telemetry.batches import Samples, SeriesKey
from telemetry.durable import replacing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    Rows = slice | NDArray[np.bool_] | NDArray[np.intp]

SEGMENT_SUFFIX = ".parquet"
SEGMENT_NAMES = f"{'[0-9]' * 20}{SEGMENT_SUFFIX}"
ROWS_A_GROUP = 256 * 1024
UNREADABLE = (OSError, LookupError, ValueError, TypeError, pa.ArrowException)
"""What reading a damaged Parquet file raises, depending on which byte is damaged."""


class Span(msgspec.Struct, frozen=True):
    """What a segment covers, stored in its footer.

    Attributes
    ----------
    first_position, last_position, start_ms, end_ms
        The smallest and the greatest position and time, both included.
    checksums
        CRC-32 of each row group's content.
    """

    first_position: int
    last_position: int
    start_ms: int
    end_ms: int
    checksums: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Stored samples with their order of arrival.

    Attributes
    ----------
    position, row
        Shape ``(n_samples,)``: the record of each sample, and its row there.
    """

    samples: Samples
    position: NDArray[np.int64]
    row: NDArray[np.int32]

    def rows(self, selection: Rows) -> Arrivals:
        """The rows selected by a slice, a mask or their numbers."""
        return Arrivals(rows(self.samples, selection), self.position[selection], self.row[selection])

    def in_order(self) -> Arrivals:
        """The same samples in order of arrival."""
        return self.rows(np.lexsort((self.row, self.position)))

    def by_series(self) -> Arrivals:
        """The same samples sorted by series (item, then metric), time and arrival, with sorted keys."""
        samples = self.samples
        by_name = sorted(range(len(samples.keys)), key=samples.keys.__getitem__)
        place = np.empty(len(by_name), dtype=np.int32)
        place[by_name] = np.arange(len(by_name), dtype=np.int32)
        keys = tuple(samples.keys[index] for index in by_name)
        renumbered = Samples(keys, place[samples.series], samples.time_ms, samples.values)
        order = np.lexsort((self.row, self.position, renumbered.time_ms, renumbered.series))
        return Arrivals(renumbered, self.position, self.row).rows(order)

    def by_arrival_within_series(self) -> Arrivals:
        """The same samples with each series in order of arrival; no copy if they already are."""
        series, position, row = self.samples.series, self.position, self.row
        is_later = (np.diff(position) > 0) | ((np.diff(position) == 0) & (np.diff(row) > 0))
        return self if np.all(is_later | (np.diff(series) != 0)) else self.in_order()


def rows(samples: Samples, selection: Rows) -> Samples:
    """The rows of a batch selected by a slice, a mask or their numbers, with all keys."""
    return Samples(
        samples.keys, samples.series[selection], samples.time_ms[selection], samples.values[selection]
    )


def arrivals_of(records: Sequence[tuple[int, Samples]]) -> Arrivals:
    """Join the samples of ``(position, batch)`` pairs, which are in order of arrival."""
    sizes = [len(batch) for _, batch in records]
    position = np.repeat(np.array([position for position, _ in records], dtype=np.int64), sizes)
    rows = [np.arange(size, dtype=np.int32) for size in sizes]
    row = np.concatenate(rows) if rows else np.array([], dtype=np.int32)
    return Arrivals(Samples.concatenated([batch for _, batch in records]), position, row)


def join(parts: Sequence[Arrivals]) -> Arrivals:
    """Join ``parts`` in their order."""
    if not parts:
        return arrivals_of([])
    return Arrivals(
        Samples.concatenated([part.samples for part in parts]),
        np.concatenate([part.position for part in parts]),
        np.concatenate([part.row for part in parts]),
    )


def write_segment(path: Path, arrivals: Arrivals) -> None:
    """Write a segment of at least one sample to disk, complete or not at all.

    Raises
    ------
    OSError
        If the disk refuses; nothing is left behind.
    """
    ordered = arrivals.by_series()
    samples = ordered.samples
    columns = {
        "item": _names([key.item for key in samples.keys], samples.series),
        "metric": _names([key.metric for key in samples.keys], samples.series),
        "time_ms": pa.array(samples.time_ms),
        "value": pa.array(samples.values),
        "position": pa.array(ordered.position),
        "row": pa.array(ordered.row),
    }
    groups = range(0, len(samples), ROWS_A_GROUP)
    span = Span(
        int(ordered.position.min()),
        int(ordered.position.max()),
        int(samples.time_ms.min()),
        int(samples.time_ms.max()),
        tuple(_checksum(ordered.rows(slice(start, start + ROWS_A_GROUP))) for start in groups),
    )
    table = pa.table(columns).replace_schema_metadata(_sealed(span))
    with replacing(path) as file:
        pq.write_table(
            table,
            file,
            compression="zstd",
            row_group_size=ROWS_A_GROUP,
            use_dictionary=["item", "metric"],
            column_encoding={
                "time_ms": "DELTA_BINARY_PACKED",
                "value": "BYTE_STREAM_SPLIT",
                "position": "DELTA_BINARY_PACKED",
                "row": "DELTA_BINARY_PACKED",
            },
            write_page_checksum=True,
        )


def read_span(path: Path) -> Span:
    """What a segment covers, from its footer alone.

    Raises
    ------
    ValueError
        If the file is not a segment, or is damaged.
    FileNotFoundError
        If there is no such file.
    """
    try:
        return _unsealed(pq.read_schema(path).metadata)
    except FileNotFoundError:
        raise
    except UNREADABLE as error:
        raise ValueError(f"{path.name} is not a segment, or its footer is damaged: {error}") from error


def read_segment(path: Path, *, start_ms: int, last_ms: int, on_damage: Callable[[str], None]) -> Arrivals:
    """Samples with a time in ``[start_ms, last_ms]``, in the order of the file.

    A row group that cannot be read is left out and reported to ``on_damage``; the others are returned.
    """
    found = []
    try:
        with pq.ParquetFile(
            path, page_checksum_verification=True, read_dictionary=["item", "metric"]
        ) as file:
            for group, checksum in enumerate(_unsealed(file.schema_arrow.metadata).checksums):
                try:
                    arrivals = _checked(file.read_row_group(group), checksum)
                except UNREADABLE as error:
                    on_damage(f"row group {group} cannot be read: {error}")
                    continue
                times = arrivals.samples.time_ms
                found.append(arrivals.rows((times >= start_ms) & (times <= last_ms)))
    except FileNotFoundError:
        raise
    except UNREADABLE as error:
        on_damage(f"the segment cannot be opened: {error}")
    return join(found)


def _sealed(span: Span) -> dict[str, bytes]:
    content = msgspec.json.encode(span)
    return {"sunspot.span": content, "sunspot.crc": str(zlib.crc32(content)).encode()}


def _unsealed(metadata: Mapping[bytes, bytes] | None) -> Span:
    content = (metadata or {})[b"sunspot.span"]
    if metadata is None or int(metadata[b"sunspot.crc"]) != zlib.crc32(content):
        raise ValueError("its span does not match its checksum")
    return msgspec.json.decode(content, type=Span)


def _checksum(arrivals: Arrivals) -> int:
    """CRC-32 of samples that are sorted by series; the numbering of the series does not matter."""
    samples = arrivals.samples
    begins = _begins(samples.series)
    names = [samples.keys[number] for number in samples.series[begins]]
    crc = zlib.crc32(msgspec.json.encode((names, np.flatnonzero(begins).tolist())))
    columns: tuple[NDArray[np.generic], ...] = (
        samples.time_ms,
        samples.values,
        arrivals.position,
        arrivals.row,
    )
    for column in columns:
        crc = zlib.crc32(np.ascontiguousarray(column).data, crc)
    return crc


def _begins(series: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Where each series begins among samples sorted by series; shape ``(n_samples,)``."""
    return np.concatenate(([True], np.diff(series) != 0))


def _names(name_of_key: list[str], series: NDArray[np.int32]) -> pa.DictionaryArray:
    names = sorted(set(name_of_key))
    number = {name: index for index, name in enumerate(names)}
    of_key = np.array([number[name] for name in name_of_key], dtype=np.int32)
    return pa.DictionaryArray.from_arrays(pa.array(of_key[series]), pa.array(names, pa.string()))


def _checked(table: pa.Table, checksum: int) -> Arrivals:
    """Content of a row group; ValueError if it differs from what was written."""
    items, item = _coded(table["item"])
    metrics, metric = _coded(table["metric"])
    pair = item.astype(np.int64) * len(metrics) + metric
    begins = _begins(pair)
    keys = tuple(
        SeriesKey(items[one], metrics[two]) for one, two in zip(item[begins], metric[begins], strict=True)
    )
    series = (np.cumsum(begins) - 1).astype(np.int32)
    columns = (table[name].to_numpy() for name in ("time_ms", "value", "position", "row"))
    time_ms, values, position, row = columns
    arrivals = Arrivals(Samples(keys, series, time_ms, values), position, row)
    if _checksum(arrivals) != checksum:
        raise ValueError("its content does not match its checksum")
    return arrivals


def _coded(column: pa.ChunkedArray) -> tuple[list[str], NDArray[np.int32]]:
    combined = column.unify_dictionaries().combine_chunks()
    return combined.dictionary.to_pylist(), combined.indices.to_numpy()
