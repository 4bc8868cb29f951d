"""Damaged parts of a history, which are reported and set aside, never thrown away."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

from telemetry.durable import replacing, sync_directory

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Damage:
    """Bytes of a history file that hold no complete record.

    Attributes
    ----------
    file
        Name of the log or segment.
    start, end
        The byte range, half-open; the complete file for a segment.
    reason
        What is wrong with them.
    quarantined_in
        Path of the file that now has the bytes, relative to the history's directory; empty if they
        were not set aside.
    """

    file: str
    start: int
    end: int
    reason: str
    quarantined_in: str = ""

    def __str__(self) -> str:
        """Return the damage as one sentence."""
        where = f"; the bytes are saved in {self.quarantined_in}" if self.quarantined_in else ""
        return f"{self.file}, bytes {self.start} to {self.end}: {self.reason}{where}"


class DamageLog:
    """Damage in the order it was found, from any thread; each piece is recorded once."""

    def __init__(self) -> None:
        self._damage: dict[tuple[str, int, str], Damage] = {}
        self._lock = Lock()

    def add(self, damage: Damage) -> None:
        """Record damage, unless it was recorded before."""
        with self._lock:
            self._damage.setdefault((damage.file, damage.start, damage.reason), damage)

    @property
    def entries(self) -> tuple[Damage, ...]:
        """Everything recorded so far."""
        with self._lock:
            return tuple(self._damage.values())


def set_aside_bytes(directory: Path, file: Path, data: bytes, start: int, end: int) -> str:
    """Copy bytes of a log to ``directory`` and return the copy's name; a second call changes nothing."""
    _make(directory)
    target = directory / f"{file.stem}-{start}-{end}.bad"
    if not target.exists():
        with replacing(target) as copy:
            copy.write(data[start:end])
    return f"{directory.name}/{target.name}"


def set_aside_file(directory: Path, file: Path) -> str:
    """Move a file to ``directory`` and return its name there."""
    _make(directory)
    target = directory / file.name
    file.rename(target)
    sync_directory(directory)
    sync_directory(file.parent)
    return f"{directory.name}/{target.name}"


def _make(directory: Path) -> None:
    if not directory.exists():
        directory.mkdir()
        sync_directory(directory.parent)
