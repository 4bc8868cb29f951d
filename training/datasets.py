"""Where a training's frame comes from: the service's history, or a directory of tables."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import numpy as np

from features.frame import frame_of
from features.golden import Role, meaning_of
from telemetry.batches import Samples, SeriesKey
from training.errors import BadHistoryError, NoHistoryError

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

    from features.frame import Frame

COLUMNS = ("item", "metric", "time_ms", "value")
MAX_VALUES = 2**29


def frame_from_history(
    directory: Path, *, step_ms: int, start_ms: int | None = None, end_ms: int | None = None
) -> Frame:
    """Read what the service has kept, on a grid of ``step_ms``; it may be writing meanwhile.

    Raises
    ------
    NoHistoryError
        If it has kept nothing between ``start_ms`` and ``end_ms``.
    """
    from telemetry.history_reader import HistoryReader  # noqa: PLC0415  Parquet takes half a second

    if not directory.is_dir():
        raise NoHistoryError(str(directory))
    samples = HistoryReader(directory).read(start_ms=start_ms, end_ms=end_ms)
    return frame_of_samples(samples, step_ms=step_ms, source=str(directory))


def frame_from_tables(directory: Path, *, step_ms: int) -> Frame:
    """Read every Parquet and CSV file of a directory: long tables of item, metric, time_ms and value.

    Raises
    ------
    NoHistoryError
        If the directory holds no such file, or none with a row.
    BadHistoryError
        If a file cannot be read, or lacks a column.
    """
    paths = sorted([*directory.glob("*.parquet"), *directory.glob("*.csv")])
    if not paths:
        raise NoHistoryError(str(directory))
    batches = [_samples_from(path) for path in paths]
    return frame_of_samples(Samples.concatenated(batches), step_ms=step_ms, source=str(directory))


def frame_of_samples(samples: Samples, *, step_ms: int, source: str) -> Frame:
    """Put all samples on one grid that starts at a multiple of the step.

    Raises
    ------
    NoHistoryError
        If no sample has a finite value.
    BadHistoryError
        If the grid would be too large to hold, as one wild timestamp makes it; or if counts come more often
        than the step, for a tick holds one sample, and the others' requests would be lost.
    """
    samples = samples.where(np.isfinite(samples.values))
    if not len(samples):
        raise NoHistoryError(source)
    start_ms = int(samples.time_ms.min()) // step_ms * step_ms
    end_ms = (int(samples.time_ms.max()) // step_ms + 1) * step_ms
    n_values = (end_ms - start_ms) // step_ms * len(samples.keys)
    if n_values > MAX_VALUES:
        raise BadHistoryError(source, f"its times span {n_values} values, more than {MAX_VALUES}")
    spacing_ms = _spacing_of_counts_ms(samples)
    if 2 * spacing_ms <= step_ms:
        every = f"{spacing_ms / 1000:g} s"
        reason = f"requests are counted every {every}, and a step of {step_ms / 1000:g} s would lose some"
        raise BadHistoryError(source, f"{reason}: train with a step of {every}")
    return frame_of(samples, step_ms=step_ms, start_ms=start_ms, end_ms=end_ms)


def _spacing_of_counts_ms(samples: Samples) -> float:
    """Median time between two samples of a series that counts requests; infinite if there are none."""
    counts = [index for index, key in enumerate(samples.keys) if _is_count(key.metric)]
    chosen = np.isin(samples.series, counts)
    series, time_ms = samples.series[chosen], samples.time_ms[chosen]
    order = np.lexsort((time_ms, series))
    apart = np.diff(time_ms[order])[np.diff(series[order]) == 0]
    apart = apart[apart > 0]  # the same instant again is a correction
    return float(np.median(apart)) if len(apart) else np.inf


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
