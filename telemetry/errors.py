"""Errors of incoming signals and of the history on disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class BadBatchError(ValueError):
    """A batch that cannot be read or stored; nothing of it was accepted."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the batch was rejected: {reason}")
        self.reason = reason


class HistoryLockedError(RuntimeError):
    """A history that already has a writer, in another process or in this one."""

    def __init__(self, directory: Path, holder: str) -> None:
        super().__init__(
            f"{directory} is already being written by process {holder or 'unknown'}: one writer per directory"
        )
        self.directory = directory
        self.holder = holder


class HistoryWriteError(OSError):
    """A record that could not be written to disk and was not acknowledged."""

    def __init__(self, directory: Path, cause: OSError) -> None:
        super().__init__(
            cause.errno, f"cannot write to {directory}: {cause.strerror}; the batch was not stored"
        )
        self.directory = directory


class HistoryClosedError(ValueError):
    """A write to a history that is closed or open for reading only."""

    def __init__(self, directory: Path) -> None:
        super().__init__(f"the history in {directory} is not open for writing")
        self.directory = directory


class QueryError(RuntimeError):
    """A source of metrics that was asked and gave no answer that can be used."""

    def __init__(self, address: str, reason: str) -> None:
        super().__init__(f"cannot read metrics from {address}: {reason}")
        self.address = address
        self.reason = reason


class TooMuchAskedError(QueryError):
    """A question that is too large for the source or for us; parts of it may be answered."""


class SourceBusyError(QueryError):
    """A source that does not answer now, and may later."""
