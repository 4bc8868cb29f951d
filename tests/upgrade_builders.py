"""What 0.1.0 left on disk, for the tests of upgrades; tests/upgrades/README.md describes how it was made."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

from service.data_directory import STORE

UPGRADES = Path(__file__).parent / "upgrades"
SECRETS = {"alertmanager": "sunspot_of-alertmanager-for-tests", "zhou": "sunspot_of-zhou-for-tests"}
"""Tokens in use in the store of 0.1.0, by name."""


def store_of_0_1_0(directory: Path) -> Path:
    """Write the store of 0.1.0 into a data directory, and return its path."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / STORE
    connection = sqlite3.connect(path)
    connection.executescript((UPGRADES / "store-0.1.0.sql").read_text(encoding="utf-8"))
    connection.close()
    return path


def data_of_0_1_0(directory: Path) -> Path:
    """Copy the data directory of 0.1.0, its store included, and return it."""
    shutil.copytree(UPGRADES / "0.1.0", directory, dirs_exist_ok=True)
    store_of_0_1_0(directory)
    return directory
