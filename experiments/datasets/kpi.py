"""AIOps-2018 KPIs: labelled operations metrics, one Parquet file per series.

The set of the AIOps challenge of 2018 (Li et al., "Constructing Large-Scale Real-World Benchmark Datasets
for AIOps", 2022). A file holds ``timestamp`` (s), ``value``, ``label`` and ``is_test``: the second half is
judged.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from experiments.datasets.errors import DatasetError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

COLUMNS = ("timestamp", "value", "label", "is_test")


@dataclass(frozen=True)
class LabelledSeries:
    """One series with its labels, on a regular grid.

    Attributes
    ----------
    name, folder
        Name of its file, and the file's folder: the part of the table in which it counts.
    start_ms, step_ms
        Start of the first tick, and the spacing.
    values
        Shape ``(n_ticks,)``, any unit; ``nan`` is missing.
    labels
        Shape ``(n_ticks,)``, bool: whether the tick is part of an anomaly.
    n_train
        Number of ticks before the judged half.
    """

    name: str
    folder: str
    start_ms: int
    step_ms: int
    values: NDArray[np.float64]
    labels: NDArray[np.bool_]
    n_train: int

    @property
    def times_ms(self) -> NDArray[np.int64]:
        """Start of every tick, shape ``(n_ticks,)``."""
        return self.start_ms + self.step_ms * np.arange(len(self.values), dtype=np.int64)


def load_kpi(directory: Path) -> list[LabelledSeries]:
    """Read every Parquet file below a folder, in the order of their paths.

    Raises
    ------
    DatasetError
        If there is none, or one of them is not a series of the set.
    """
    paths = _paths(directory)
    if not paths:
        raise DatasetError("kpi", directory, "no Parquet file in it")
    return [_read(path) for path in paths]


def digest(directory: Path) -> str:
    """Digest of every file that a benchmark on this folder reads."""
    content = hashlib.sha256()
    for path in _paths(directory):
        content.update(path.relative_to(directory).as_posix().encode())
        content.update(hashlib.sha256(path.read_bytes()).digest())
    return f"sha256:{content.hexdigest()}"


def _paths(directory: Path) -> list[Path]:
    return sorted(directory.glob("**/*.parquet"))


def _read(path: Path) -> LabelledSeries:
    import pyarrow as pa  # noqa: PLC0415  half a second, and only for tables
    from pyarrow import parquet  # noqa: PLC0415

    try:
        table = parquet.read_table(path, columns=list(COLUMNS))
        time_s, value, label, is_test = (table[name].to_numpy() for name in COLUMNS)
        time_s = time_s.astype(np.int64)
    except (pa.ArrowException, OSError, KeyError, ValueError) as error:
        raise DatasetError("kpi", path, str(error).splitlines()[0]) from error
    if len(time_s) < 2 or (np.diff(time_s) <= 0).any():
        raise DatasetError("kpi", path, "its timestamps do not rise")
    step_s = int(np.median(np.diff(time_s)))
    tick = (time_s - time_s[0]) // step_s
    values = np.full(int(tick[-1]) + 1, np.nan)
    labels = np.zeros(len(values), dtype=bool)
    values[tick], labels[tick] = value, label.astype(bool)
    first_test = int(tick[np.argmax(is_test)]) if is_test.any() else len(values) // 2
    start_ms = int(time_s[0]) * 1000
    return LabelledSeries(path.stem, path.parent.name, start_ms, step_s * 1000, values, labels, first_test)
