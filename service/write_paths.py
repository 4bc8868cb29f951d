"""Whether everything that writes to disk could write now, also while nothing is to be written."""

from __future__ import annotations

import os
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from service.health import HealthRegistry

PROBE = ".probe"
PROBE_BYTES = 64 * 1024
"""Enough for a disk to refuse shortly before it is full."""

STEADY = timedelta(seconds=30)
"""A part that failed while it worked counts as failing at least this long, whatever a probe says."""


class WritePaths:
    """Tries every path to the disk, and records the outcome as the health of the part that writes there.

    Parameters
    ----------
    directories
        The directory of each part, by the part's name.
    probes
        Other attempts, by the name of the part; each raises an `OSError` if it fails.
    """

    def __init__(
        self,
        health: HealthRegistry,
        directories: Mapping[str, Path],
        probes: Mapping[str, Callable[[], object]],
    ) -> None:
        self._health = health
        self._probes: dict[str, Callable[[], object]] = {
            **{name: partial(write_probe, each) for name, each in directories.items()},
            **probes,
        }
        for name in self._probes:
            health.record(name, is_vital=True)

    def look(self) -> None:
        """Try every path once; a failure stops no other attempt."""
        for name, probe in self._probes.items():
            record = self._health.record(name)
            try:
                probe()
            except OSError as error:
                record.failed(error)
            else:
                if record.now.failing_since is None or record.now.idle >= STEADY:
                    record.succeeded()


def write_probe(directory: Path) -> None:
    """Write a small file to disk and remove it.

    Raises
    ------
    OSError
        If the disk refuses, for example when it is full.
    """
    path = directory / PROBE
    try:
        with path.open("wb", buffering=0) as file:
            left = memoryview(bytes(PROBE_BYTES))
            while left:
                left = left[file.write(left) :]
            os.fsync(file.fileno())
    finally:
        path.unlink(missing_ok=True)
