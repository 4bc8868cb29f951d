"""What was learned from log lines, on disk, so that a restart continues where it was."""

from __future__ import annotations

import json
import logging
import zipfile
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from features.errors import BadMinerStateError
from features.logs.join import joined
from models.artifacts.log_sums_files import sums_from_parts, sums_parts
from service.health import lost_batches
from telemetry.durable import replacing

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from features.logs.sums import LogSums

logger = logging.getLogger(__name__)

LAYOUT = 1
UNUSABLE = (
    OSError,
    ValueError,
    KeyError,
    TypeError,
    EOFError,
    BadMinerStateError,
    RecursionError,
    zipfile.BadZipFile,
)


@dataclass(frozen=True)
class LogCheckpoint:
    """Everything about log lines that the service had in memory.

    Attributes
    ----------
    position
        Every batch of the history up to this position is included.
    beyond
        Positions of the batches beyond it that are included, too.
    bundle_version
        Of the log bundle whose miner was continued; empty without one.
    closed_ms
        End of the last minute whose series were made.
    aged_ms
        End of the last minute that is part of the past.
    miner, notes
        States of the template miner and of the examples.
    minutes
        The sums of each minute still held, by its start.
    past
        What services usually logged; ``None`` before the first minute is old enough.
    """

    position: int
    beyond: frozenset[int]
    bundle_version: str
    closed_ms: int
    aged_ms: int
    miner: Mapping[str, Any]
    notes: list[Any]
    minutes: Mapping[int, LogSums]
    past: LogSums | None


class LogCheckpoints:
    """One file with the checkpoint of log lines; it is replaced completely, or not at all.

    Attributes
    ----------
    lost
        What is missing of the lines that the file was written for, as one sentence; empty if nothing is.
    """

    def __init__(self, path: Path) -> None:
        self.lost = ""
        self._path = path

    def write(self, checkpoint: LogCheckpoint) -> None:
        """Write a checkpoint; it is on disk when this returns."""
        header: dict[str, Any] = {
            "layout": LAYOUT,
            "position": checkpoint.position,
            "beyond": sorted(checkpoint.beyond),
            "bundle": checkpoint.bundle_version,
            "closed_ms": checkpoint.closed_ms,
            "aged_ms": checkpoint.aged_ms,
            "miner": checkpoint.miner,
            "notes": checkpoint.notes,
        }
        arrays: dict[str, NDArray[Any]] = {}
        recent = joined(list(checkpoint.minutes.values())) if checkpoint.minutes else None
        for name, sums in (("recent", recent), ("past", checkpoint.past)):
            header[name] = None
            if sums is not None:
                header[name], parts = sums_parts(sums)
                arrays |= {f"{name}_{part}": values for part, values in parts.items()}
        packed = np.frombuffer(json.dumps(header).encode(), dtype=np.uint8)
        with replacing(self._path) as file:
            np.savez_compressed(file, allow_pickle=False, header=packed, **arrays)

    def read(self, *, position: int) -> LogCheckpoint | None:
        """Return the checkpoint written last, or ``None`` if there is none that can be used.

        Parameters
        ----------
        position
            Position of the last batch in history: a checkpoint from beyond it belongs to another history.
        """
        try:
            found = _decoded(self._path)
        except FileNotFoundError:
            return None
        except UNUSABLE as reason:
            logger.warning("log checkpoint left unused", extra={"reason": str(reason)})
            return None
        if (noted := max({found.position} | found.beyond)) > position:
            self.lost = lost_batches(noted, position)
            logger.error("log checkpoint left unused", extra={"reason": self.lost})
            return None
        return found


def _decoded(path: Path) -> LogCheckpoint:
    with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
        header = json.loads(stored["header"].tobytes())
        if header["layout"] != LAYOUT:
            raise ValueError(f"it is of layout {header['layout']!r}, not {LAYOUT}")
        sums: dict[str, LogSums | None] = {}
        for name in ("recent", "past"):
            parts = {
                each.removeprefix(f"{name}_"): stored[each]
                for each in stored.files
                if each.startswith(f"{name}_")
            }
            sums[name] = None if header[name] is None else sums_from_parts(header[name], parts)
    recent = sums["recent"]
    starts = [] if recent is None else recent.counts.starts_ms.tolist()
    return LogCheckpoint(
        int(header["position"]),
        frozenset(map(int, header.get("beyond", ()))),  # 0.1.0 did not write it
        str(header["bundle"]),
        int(header["closed_ms"]),
        int(header["aged_ms"]),
        dict(header["miner"]),
        list(header["notes"]),
        {start: _without_absent(recent.at([start])) for start in starts} if recent is not None else {},
        sums["past"],
    )


def _without_absent(minute: LogSums) -> LogSums:
    """Return a minute without the kinds that only other minutes hold."""
    counts = minute.counts
    kinds = [counts.kinds[kind] for kind in np.flatnonzero(counts.counts.any(axis=0)).tolist()]
    return replace(minute, counts=counts.of_kinds(kinds))
