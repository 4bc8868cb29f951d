"""Sources of a training's frame: the service's history, or a directory of tables."""

from __future__ import annotations

import hashlib
import json
from collections import Counter, deque
from fnmatch import fnmatchcase
from itertools import compress
from typing import TYPE_CHECKING

import numpy as np

from features.counters import put_rates
from features.frame import Frame
from features.golden import Role, meaning_of
from telemetry.batches import Samples, SeriesKey, are_ends
from telemetry.durable import replacing
from training.errors import BadHistoryError, EmptyScopeError, NoHistoryError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    import pyarrow as pa

COLUMNS = ("item", "metric", "time_ms", "value")
MAX_VALUES = 2**29
SAMPLES_A_PART = 1_000_000


def frame_from_history(directory: Path, *, step_ms: int, until_ms: int | None = None) -> Frame:
    """Read the service's stored history, on a grid of ``step_ms``; the service may be writing meanwhile.

    Parameters
    ----------
    until_ms
        Samples from this instant on are left out: the present, beyond which only a wrong clock stamps any.

    Raises
    ------
    NoHistoryError
        If nothing is stored.
    BadHistoryError
        As `frame_of_parts`.
    """
    from telemetry.history_reader import HistoryReader  # noqa: PLC0415  Parquet takes half a second

    if not directory.is_dir():
        raise NoHistoryError(str(directory))
    batches = HistoryReader(directory).replay()
    if until_ms is not None:
        batches = (each.where(each.time_ms < until_ms) for each in batches)
    parts = gathered(batches)
    return frame_of_parts(parts, step_ms=step_ms, source=str(directory))


def frame_from_tables(directory: Path, *, step_ms: int) -> Frame:
    """Read every Parquet and CSV file of a directory: long tables of item, metric, time_ms and value.

    Raises
    ------
    NoHistoryError
        If the directory holds no such file, or none with a row.
    BadHistoryError
        If a file cannot be read, or lacks a column; and as `frame_of_parts`.
    """
    paths = sorted([*directory.glob("*.parquet"), *directory.glob("*.csv")])
    return frame_of_tables(paths, step_ms=step_ms, source=str(directory))


def frame_of_tables(paths: Iterable[Path], *, step_ms: int, source: str) -> Frame:
    """Read some tables of item, metric, time_ms and value; errors are those of `frame_from_tables`."""
    parts = (_samples_from(path) for path in paths)
    return frame_of_parts(parts, step_ms=step_ms, source=source)


def write_table(path: Path, parts: Sequence[Samples]) -> None:
    """Write samples as a table that `frame_of_tables` reads; the file is complete or absent."""
    import pyarrow as pa  # noqa: PLC0415  half a second
    from pyarrow import parquet  # noqa: PLC0415

    samples = Samples.concatenated(parts)
    index = pa.array(samples.series)
    item, metric = (
        pa.DictionaryArray.from_arrays(index, pa.array([key[place] for key in samples.keys], pa.string()))
        for place in (0, 1)
    )
    times, values = pa.array(samples.time_ms), pa.array(samples.values)
    names = [item.dictionary_decode(), metric.dictionary_decode()]
    table = pa.Table.from_arrays([*names, times, values], COLUMNS)
    with replacing(path) as file:
        parquet.write_table(table, file, compression="zstd")


def gathered(batches: Iterable[Samples], *, n_samples: int = SAMPLES_A_PART) -> Iterator[Samples]:
    """The same samples in the same order, with small batches joined up to ``n_samples``."""
    waiting: list[Samples] = []
    for batch in batches:
        waiting.append(batch)
        if sum(map(len, waiting)) >= n_samples:
            yield Samples.concatenated(waiting)
            waiting = []
    if waiting:
        yield Samples.concatenated(waiting)


def frame_of_parts(parts: Iterable[Samples], *, step_ms: int, source: str) -> Frame:
    """Put samples on one grid that starts at a multiple of the step; the last sample in a tick wins.

    Parts are never joined, and each is released once it is on the grid: a long history would not fit in
    memory twice. Series are sorted, so the order in which they were first sent does not matter.
    Counters become rates (`features.counters`). The end of a series leaves its tick without a
    value.

    Raises
    ------
    NoHistoryError
        If no sample has a finite value.
    BadHistoryError
        If the grid would not fit in memory, for example because of one wild timestamp; or if counts come
        more often than the step: a tick holds one sample, so the requests of the others would be lost.
    """
    held = deque(part for part in map(_used, parts) if len(part))
    spans = [_span_ms(part) for part in held]
    keys = sorted({key for part in held for key in _with_values(part)})
    if not keys:
        raise NoHistoryError(source)
    start_ms = min(first_ms for first_ms, _ in spans) // step_ms * step_ms
    n_ticks = (max(last_ms for _, last_ms in spans) - start_ms) // step_ms + 1
    if n_ticks * len(keys) > MAX_VALUES:
        reason = f"its times span {n_ticks * len(keys)} values, more than {MAX_VALUES}"
        raise BadHistoryError(source, reason)
    spacing_ms = _spacing_of_counts_ms(held)
    if 2 * spacing_ms <= step_ms:
        every = f"{spacing_ms / 1000:g} s"
        reason = f"requests are counted every {every}, so a step of {step_ms / 1000:g} s would lose some"
        raise BadHistoryError(source, f"{reason}: train with a step of {every}")
    column_of = {key: column for column, key in enumerate(keys)}
    values = np.full((n_ticks, len(keys)), np.nan)
    while held:
        part = held.popleft()
        column = np.array([column_of.get(key, -1) for key in part.keys])[part.series]
        tick = (part.time_ms - start_ms) // step_ms
        inside = (column >= 0) & (tick >= 0) & (tick < n_ticks)  # else it is the end of a series
        values[tick[inside], column[inside]] = part.values[inside]
    put_rates(values, keys, step_ms=step_ms)
    return Frame(start_ms, step_ms, tuple(keys), values)


def in_scope(frame: Frame, scope: Sequence[str]) -> Frame:
    """The series of a frame whose item matches a shell-style pattern; all series if there is no pattern.

    Raises
    ------
    EmptyScopeError
        If no item matches.
    """
    if not scope:
        return frame
    columns = [
        column
        for column, key in enumerate(frame.keys)
        if any(fnmatchcase(key.item, pattern) for pattern in scope)
    ]
    if not columns:
        raise EmptyScopeError(scope, frame.items)
    keys = tuple(frame.keys[column] for column in columns)
    return Frame(frame.start_ms, frame.step_ms, keys, frame.values[:, columns])


def _used(samples: Samples) -> Samples:
    """The samples with a finite value and the ends of series, and the series that have one."""
    used = samples.where(np.isfinite(samples.values) | are_ends(samples.values))
    is_used = np.bincount(used.series, minlength=len(used.keys)) > 0
    if is_used.all():
        return used
    keys = tuple(compress(used.keys, is_used.tolist()))
    place = np.cumsum(is_used, dtype=np.int32) - np.int32(1)
    return Samples(keys, place[used.series], used.time_ms, used.values)


def _with_values(samples: Samples) -> Iterable[SeriesKey]:
    """The series that have a value, and not only an end."""
    n_values = np.bincount(samples.series[~np.isnan(samples.values)], minlength=len(samples.keys))
    return compress(samples.keys, (n_values > 0).tolist())


def _span_ms(samples: Samples) -> tuple[int, int]:
    """First and last instant of a value; an empty span if there is none."""
    times_ms = samples.time_ms[~np.isnan(samples.values)]
    if not len(times_ms):
        return np.iinfo(np.int64).max, np.iinfo(np.int64).min
    return int(times_ms.min()), int(times_ms.max())


def _spacing_of_counts_ms(parts: Iterable[Samples]) -> float:
    """Median time between two samples of a series of request counts; infinite without any."""
    n_of: Counter[int] = Counter()
    for part in parts:
        counts = [index for index, key in enumerate(part.keys) if _is_count(key.metric)]
        chosen = np.isin(part.series, counts)
        series, time_ms = part.series[chosen], part.time_ms[chosen]
        order = np.lexsort((time_ms, series))
        apart = np.diff(time_ms[order])[np.diff(series[order]) == 0]
        found = np.unique_counts(apart[apart > 0])  # a repeated timestamp is a correction
        n_of.update(dict(zip(found.values.tolist(), found.counts.tolist(), strict=True)))
    if not n_of:
        return np.inf
    spacings = sorted(n_of)
    n_up_to = np.cumsum([n_of[each] for each in spacings])
    return spacings[int(np.searchsorted(n_up_to, n_up_to[-1] / 2))]


def _is_count(metric: str) -> bool:
    meaning = meaning_of(metric)
    return meaning is not None and meaning.role is Role.REQUESTS


def digest_of(frame: Frame) -> str:
    """Digest of a frame's grid, series and values: equal frames have equal digests.

    Returns
    -------
    ``sha256:`` and 64 digits.
    """
    header = json.dumps([frame.start_ms, frame.step_ms, str(frame.values.dtype), frame.keys])
    digest = hashlib.sha256(header.encode())
    digest.update(np.ascontiguousarray(frame.values).view(np.uint8).data)
    return f"sha256:{digest.hexdigest()}"


def _samples_from(path: Path) -> Samples:
    import pyarrow as pa  # noqa: PLC0415  half a second, and only for tables
    from pyarrow import csv, parquet  # noqa: PLC0415

    try:
        table = parquet.read_table(path) if path.suffix == ".parquet" else csv.read_csv(path)
        missing = [name for name in COLUMNS if name not in table.column_names]
        if missing:
            raise BadHistoryError(str(path), f"it has no column {', '.join(missing)}")  # noqa: TRY301
        names = [table[name].cast(pa.string()).combine_chunks() for name in COLUMNS[:2]]
        times = table["time_ms"].cast(pa.int64()).to_numpy()
        values = table["value"].cast(pa.float64()).to_numpy()
    except BadHistoryError:
        raise
    except (pa.ArrowException, OSError) as reason:
        raise BadHistoryError(str(path), str(reason).splitlines()[0]) from reason
    if any(each.null_count for each in (*names, table["time_ms"])):
        raise BadHistoryError(str(path), "an item, metric or time is empty")
    return _encoded(names[0], names[1], times, values)


def _encoded(
    items: pa.Array, metrics: pa.Array, times: np.ndarray[tuple[int], np.dtype[np.int64]], values: object
) -> Samples:
    """Columns of names as a batch, each distinct pair once."""
    item, metric = items.dictionary_encode(), metrics.dictionary_encode()
    n_metrics = max(1, len(metric.dictionary))
    pair = item.indices.to_numpy().astype(np.int64) * n_metrics + metric.indices.to_numpy()
    pairs, series = np.unique(pair, return_inverse=True)
    names, kinds = item.dictionary.to_pylist(), metric.dictionary.to_pylist()
    keys = tuple(SeriesKey(names[each // n_metrics], kinds[each % n_metrics]) for each in pairs.tolist())
    return Samples(keys, series.astype(np.int32), times, np.asarray(values, dtype=np.float64))
