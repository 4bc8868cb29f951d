"""Loghub: lines of many systems with hand-labelled templates, read in its public layout.

Zhu et al., "Loghub: A Large Collection of System Log Datasets for AI-driven Log Analytics", ISSRE 2023.
A folder holds sets, each with a ``*_structured.csv`` that has ``Content`` and ``EventId`` for every line.
"""

from __future__ import annotations

import csv
import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from experiments.datasets.errors import DatasetError

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class LabelledLog:
    """The lines of one system, and the id of each line's hand-labelled template."""

    name: str
    bodies: tuple[str, ...]
    true_ids: tuple[str, ...]


def load_loghub(directory: Path) -> list[LabelledLog]:
    """Read every set below a folder, in name order.

    Raises
    ------
    DatasetError
        If no set is there, or one cannot be read.
    """
    paths = structured_files(directory)
    if not paths:
        raise DatasetError("loghub", directory, "no *_structured.csv in it")
    return [_read(path) for path in paths]


def structured_files(directory: Path) -> list[Path]:
    """The tables of lines below a folder, in order."""
    return sorted(directory.glob("**/*_structured.csv"))


def digest_of(directory: Path, paths: list[Path]) -> str:
    """Digest of some files of a folder, including their names."""
    content = hashlib.sha256()
    for path in sorted(paths):
        content.update(path.relative_to(directory).as_posix().encode())
        content.update(hashlib.sha256(path.read_bytes()).digest())
    return f"sha256:{content.hexdigest()}"


def snake_case(name: str) -> str:
    """A set's name as a part of a table.

    >>> [snake_case(each) for each in ("OpenSSH", "HealthApp", "HDFS_2k")]
    ['open_ssh', 'health_app', 'hdfs_2k']
    """
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    return re.sub(r"[^a-z0-9]+", "_", parted.lower()).strip("_")


def _read(path: Path) -> LabelledLog:
    try:
        with path.open(encoding="utf-8", errors="replace", newline="") as file:
            rows = [(row["Content"] or "", row["EventId"] or "") for row in csv.DictReader(file)]
    except (OSError, csv.Error, KeyError) as error:
        raise DatasetError("loghub", path, f"not a structured log: {error}") from error
    if not rows:
        raise DatasetError("loghub", path, "no line in it")
    bodies, true_ids = zip(*rows, strict=True)
    return LabelledLog(
        snake_case(re.sub(r"_(2k|full)?\.?log_structured.*$", "", path.name)), bodies, true_ids
    )
