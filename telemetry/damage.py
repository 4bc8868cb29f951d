"""What was found damaged in a history: reported, and set aside rather than thrown away."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

from telemetry.durable import replacing, sync_directory

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Damage:
    """Bytes of a file of the history that hold no whole record.

    Attributes
    ----------
    file
        Name of the log or segment.
    start, end
        The bytes, half-open; the whole file for a segment.
    reason
        What is wrong with them.
    kept_in
        Where a copy of the bytes is, below the history's directory; empty if they are still in place.
    """

    file: str
    start: int
    end: int
    reason: str
    kept_in: str = ""

    def __str__(self) -> str:
        """Return it as one sentence."""
        where = f"; the bytes are kept in {self.kept_in}" if self.kept_in else ""
        return f"{self.file}, bytes {self.start} to {self.end}: {self.reason}{where}"


class DamageFound:
    """Damage in the order it was found, from any thread; the same twice is remembered once."""

    def __init__(self) -> None:
        self._damage: dict[tuple[str, int, str], Damage] = {}
        self._lock = Lock()

    def add(self, damage: Damage) -> None:
        """Remember damage."""
        with self._lock:
            self._damage.setdefault((damage.file, damage.start, damage.reason), damage)

    @property
    def so_far(self) -> tuple[Damage, ...]:
        """All of it."""
        with self._lock:
            return tuple(self._damage.values())


def set_aside_bytes(directory: Path, file: Path, data: bytes, start: int, end: int) -> str:
    """Copy bytes of a log to ``directory`` and return the copy's name; doing it twice changes nothing."""
    _make(directory)
    target = directory / f"{file.stem}-{start}-{end}.bad"
    if not target.exists():
        with replacing(target) as copy:
            copy.write(data[start:end])
    return f"{directory.name}/{target.name}"


def set_aside_file(directory: Path, file: Path) -> str:
    """Move a whole file to ``directory`` and return its name there."""
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
