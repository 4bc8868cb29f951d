"""What can go wrong with signals on their way in, and with the history on disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class BadBatchError(ValueError):
    """A batch that cannot be read or stored as a whole, so that nothing of it was taken."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the batch was not taken: {reason}")
        self.reason = reason


class HistoryLockedError(RuntimeError):
    """A history that another process, or another part of this one, is writing."""

    def __init__(self, directory: Path, holder: str) -> None:
        super().__init__(
            f"{directory} is already being written by process {holder or 'unknown'}: one writer per directory"
        )
        self.directory = directory
        self.holder = holder


class HistoryWriteError(OSError):
    """A record that could not be brought to disk, and was therefore not acknowledged."""

    def __init__(self, directory: Path, cause: OSError) -> None:
        super().__init__(
            cause.errno, f"cannot write to {directory}: {cause.strerror}; the batch was not stored"
        )
        self.directory = directory


class HistoryClosedError(ValueError):
    """A write to a history that was closed, or that was opened for reading only."""

    def __init__(self, directory: Path) -> None:
        super().__init__(f"the history in {directory} is not open for writing")
        self.directory = directory
