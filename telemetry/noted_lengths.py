"""How long each file of a history was, noted beside them: what is cut or removed from outside is missed."""

from __future__ import annotations

from contextlib import suppress
from threading import Lock
from typing import TYPE_CHECKING

import msgspec

from telemetry.damage import Damage
from telemetry.durable import replacing

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

NOTES = "lengths.json"


class _Notes(msgspec.Struct):
    next_position: int = 1
    n_bytes: dict[str, int] = {}


class NotedLengths:
    """The lengths of the files of a directory; safe to use from many threads.

    The notes help to find damage. A note that cannot be written or read prevents nothing.

    Parameters
    ----------
    directory
        Directory of the history; the notes are in it.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._lock = Lock()
        self._notes = _Notes()
        with suppress(OSError, msgspec.MsgspecError):
            self._notes = msgspec.json.decode((directory / NOTES).read_bytes(), type=_Notes)

    @property
    def next_position(self) -> int:
        """A position that no record noted so far has, nor any before it."""
        return self._notes.next_position

    def note(self, path: Path, n_bytes: int, *, next_position: int = 1) -> None:
        """Note the length of a file that is certainly on disk, and the position after its last record."""
        with self._lock:
            before, notes = self._notes, self._notes
            lengths = {**notes.n_bytes, self._name(path): n_bytes}
            self._notes = _Notes(max(notes.next_position, next_position), lengths)
            if self._notes != before:
                self._write()

    def forget(self, paths: Iterable[Path]) -> None:
        """Forget files that are about to be removed."""
        gone = set(map(self._name, paths))
        with self._lock:
            left = {name: n_bytes for name, n_bytes in self._notes.n_bytes.items() if name not in gone}
            if len(left) < len(self._notes.n_bytes):
                self._notes = _Notes(self._notes.next_position, left)
                self._write()

    def renew(self, paths: Iterable[Path]) -> list[Damage]:
        """Note the present lengths of all files instead; return what is missing of the files noted before."""
        with self._lock:
            lengths = {self._name(each): each.stat().st_size for each in paths}
            missing = []
            for name, noted in sorted(self._notes.n_bytes.items()):
                n_bytes = lengths.get(name)
                file = name.rpartition("/")[2]
                if n_bytes is None:
                    missing.append(Damage(file, 0, noted, "the file is gone"))
                elif n_bytes < noted:
                    missing.append(Damage(file, n_bytes, noted, "the end of the file is gone"))
            if lengths != self._notes.n_bytes:
                self._notes = _Notes(self._notes.next_position, lengths)
                self._write()
        return missing

    def _name(self, path: Path) -> str:
        return path.relative_to(self._directory).as_posix()

    def _write(self) -> None:
        with suppress(OSError), replacing(self._directory / NOTES) as file:
            file.write(msgspec.json.encode(self._notes))
