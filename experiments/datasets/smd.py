"""SMD and ASD: servers with dozens of metrics each and one label per tick, one ``.npz`` per machine.

Su et al., "Robust Anomaly Detection for Multivariate Time Series through Stochastic Recurrent Neural
Network", KDD 2019; Li et al., "Multivariate Time Series Anomaly Detection and Interpretation using
Hierarchical Inter-Metric and Temporal Embedding", KDD 2021. Neither has timestamps: SMD is sampled every
minute, ASD every five.
"""

from __future__ import annotations

import hashlib
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from experiments.datasets.errors import DatasetError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


@dataclass(frozen=True)
class Machine:
    """One machine.

    Attributes
    ----------
    name
        Its file's name.
    step_ms
        Spacing of its ticks.
    train, test
        Shape ``(n_ticks, n_metrics)``; the second follows the first.
    labels
        Shape ``(n_test_ticks,)``, bool.
    """

    name: str
    step_ms: int
    train: NDArray[np.float64]
    test: NDArray[np.float64]
    labels: NDArray[np.bool_]


def load_smd(directory: Path) -> list[Machine]:
    """Read every machine below a folder, in the order of their paths.

    Raises
    ------
    DatasetError
        If there is none, or one of them is not a machine of the set.
    """
    paths = sorted(directory.glob("**/*.npz"))
    if not paths:
        raise DatasetError("smd", directory, "no .npz file in it")
    return [_read(path) for path in paths]


def digest(directory: Path) -> str:
    """Digest of every file that a benchmark on this folder reads."""
    content = hashlib.sha256()
    for path in sorted(directory.glob("**/*.npz")):
        content.update(path.relative_to(directory).as_posix().encode())
        content.update(hashlib.sha256(path.read_bytes()).digest())
    return f"sha256:{content.hexdigest()}"


def _read(path: Path) -> Machine:
    try:
        with np.load(path, allow_pickle=False) as stored:
            train, test = (stored[name].astype(np.float64) for name in ("train", "test"))
            labels = stored["test_label"].astype(bool).reshape(-1)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise DatasetError("smd", path, str(error)) from error
    if train.ndim != 2 or test.ndim != 2 or train.shape[1] != test.shape[1] or len(labels) != len(test):
        raise DatasetError("smd", path, "train, test and test_label do not fit each other")
    step_ms = 300_000 if path.stem.startswith("omi") else 60_000
    return Machine(path.stem, step_ms, train, test, labels)
