"""The Numenta Anomaly Benchmark, read in its public layout.

A folder holds ``data/*/*.csv`` and ``labels/combined_windows.json``.
Lavin and Ahmad, "Evaluating Real-Time Anomaly Detection Algorithms: the Numenta Anomaly Benchmark", ICMLA
2015.
"""

from __future__ import annotations

import csv
import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

from experiments.datasets.errors import DatasetError
from telemetry.instants import to_ms

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

WINDOWS = "labels/combined_windows.json"


@dataclass(frozen=True)
class NabFile:
    """One series of the benchmark.

    Attributes
    ----------
    name, folder
        Path below ``data``, and its folder: the part of the table in which it counts.
    times_ms, values
        Shape ``(n_rows,)``: rows as published, in order; their spacing is not always regular.
    windows
        Rows ``(first, last)`` of each labelled window, both included.
    """

    name: str
    folder: str
    times_ms: NDArray[np.int64]
    values: NDArray[np.float64]
    windows: tuple[tuple[int, int], ...]


def load_nab(directory: Path) -> list[NabFile]:
    """Read every series of the benchmark, in name order.

    Raises
    ------
    DatasetError
        If the folder, or one folder in it, does not hold the benchmark, or a file cannot be read.
    """
    root = _root(directory)
    try:
        windows = json.loads((root / WINDOWS).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DatasetError("nab", root / WINDOWS, str(error)) from error
    paths = sorted((root / "data").glob("*/*.csv"))
    if not paths:
        raise DatasetError("nab", root, "no data/*/*.csv in it")
    return [_read(path, windows) for path in paths]


def digest(directory: Path) -> str:
    """Digest of every file that a benchmark on this folder reads."""
    root, content = _root(directory), hashlib.sha256()
    for path in [root / WINDOWS, *sorted((root / "data").glob("*/*.csv"))]:
        content.update(path.relative_to(root).as_posix().encode())
        content.update(hashlib.sha256(path.read_bytes()).digest())
    return f"sha256:{content.hexdigest()}"


def _root(directory: Path) -> Path:
    for path in (directory, *sorted(each for each in directory.glob("*") if each.is_dir())):
        if (path / WINDOWS).is_file():
            return path
    raise DatasetError("nab", directory, f"no {WINDOWS} in it")


def _read(path: Path, windows: dict[str, list[list[str]]]) -> NabFile:
    name = f"{path.parent.name}/{path.name}"
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        times_ms = np.array([_ms(row["timestamp"]) for row in rows], dtype=np.int64)
        values = np.array([float(row["value"]) for row in rows])
        bounds = [(_ms(first), _ms(last)) for first, last in windows[name]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DatasetError("nab", path, f"{type(error).__name__}: {error}") from error
    row_of = {int(at): row for row, at in reversed(list(enumerate(times_ms)))}
    try:
        found = tuple((row_of[first], row_of[last]) for first, last in bounds)
    except KeyError as error:
        raise DatasetError("nab", path, f"a window begins or ends between rows, at {error} ms") from error
    return NabFile(name, path.parent.name, times_ms, values, found)


def _ms(text: str) -> int:
    return to_ms(datetime.fromisoformat(text).replace(tzinfo=UTC))
