"""Errors of public data sets."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class DatasetError(ValueError):
    """A folder that does not hold the data set in its public layout."""

    def __init__(self, dataset: str, path: Path, reason: str) -> None:
        super().__init__(f"{path} does not hold {dataset}: {reason}")
        self.dataset = dataset
        self.path = path
        self.reason = reason
