"""HDFS: sessions of a file system's log events, one session per block, normal or abnormal.

Xu et al., "Detecting Large-Scale System Problems by Mining Console Logs", SOSP 2009. Two published forms:
``hdfs`` has ``sessions_normal.csv`` and ``sessions_abnormal.csv`` with ``block,event event …`` lines;
``hdfs100k`` has one JSON object per line with ``split`` (train, test), ``y`` (1 = abnormal) and ``e``.
"""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from experiments.datasets.errors import DatasetError

if TYPE_CHECKING:
    from pathlib import Path

    Session = tuple[str, ...]


@dataclass(frozen=True)
class Hdfs:
    """Normal and abnormal sessions, without a split."""

    normal: tuple[Session, ...]
    abnormal: tuple[Session, ...]
    files: tuple[Path, ...]


@dataclass(frozen=True)
class Hdfs100k:
    """Training sessions, some of them abnormal, and labelled test sessions."""

    train: tuple[Session, ...]
    n_abnormal_in_train: int
    test: tuple[Session, ...]
    is_abnormal: tuple[bool, ...]
    files: tuple[Path, ...]


def load_hdfs(directory: Path) -> Hdfs:
    """Read the two tables of sessions from anywhere below a folder.

    Raises
    ------
    DatasetError
        If one is missing, or holds no session.
    """
    normal = _find(directory, "hdfs", "sessions_normal.csv")
    abnormal = normal.with_name("sessions_abnormal.csv")
    return Hdfs(_sessions(normal), _sessions(abnormal), (normal, abnormal))


def load_hdfs100k(directory: Path) -> Hdfs100k:
    """Read the labelled sessions from anywhere below a folder.

    Raises
    ------
    DatasetError
        If they are missing, or cannot be read.
    """
    path = _find(directory, "hdfs100k", "hdfs100k_sessions.jsonl*")
    try:
        content = path.read_bytes()
        text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode()
        rows = [json.loads(line) for line in text.splitlines() if line.strip()]
        sessions = [
            (str(row["split"]), bool(row["y"]), tuple(str(event) for event in row["e"])) for row in rows
        ]
    except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
        raise DatasetError("hdfs100k", path, f"not labelled sessions: {error}") from error
    train = [(abnormal, events) for split, abnormal, events in sessions if split == "train"]
    test = [(abnormal, events) for split, abnormal, events in sessions if split == "test"]
    if not train or not test:
        raise DatasetError("hdfs100k", path, "it needs sessions to train and to test on")
    return Hdfs100k(
        tuple(events for _, events in train),
        sum(abnormal for abnormal, _ in train),
        tuple(events for _, events in test),
        tuple(abnormal for abnormal, _ in test),
        (path,),
    )


def _find(directory: Path, dataset: str, name: str) -> Path:
    found = sorted(directory.glob(f"**/{name}"))
    if not found:
        raise DatasetError(dataset, directory, f"no {name} in it")
    return found[0]


def _sessions(path: Path) -> tuple[Session, ...]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise DatasetError("hdfs", path, str(error)) from error
    sessions = tuple(tuple(line.partition(",")[2].split()) for line in lines if line.strip())
    if not any(sessions):
        raise DatasetError("hdfs", path, "no session in it")
    return sessions
