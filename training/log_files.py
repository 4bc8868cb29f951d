"""Log lines in batches: from a directory of JSON lines, or from the service's stored lines."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING, BinaryIO

from features.masking.log_lines import mask_logs
from features.masking.masker import Masker
from telemetry.decoders.gathering_logs import MAX_LINE_BYTES
from telemetry.decoders.json_logs import decode
from telemetry.log_history import read_lines
from telemetry.logs import Logs
from training.errors import BadHistoryError, NoHistoryError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path


MASKER = Masker()
"""What is built in: a service masks by its own patterns, too, before it stores a line."""

BATCH_BYTES = 16 * 2**20
BATCH_LINES = 50_000
SUFFIXES = (".jsonl", ".ndjson", ".jsonl.gz", ".ndjson.gz")


def logs_from_files(directory: Path) -> Iterator[Logs]:
    """Read every file of JSON lines of a directory, by name; `telemetry.decoders.json_logs` has the format.

    Unreadable lines are left out. Name the files by time: lines are learned from in the order in which they
    are read.

    Raises
    ------
    NoHistoryError
        If the directory holds no such file.
    BadHistoryError
        If a file cannot be read, or holds no readable line.
    """
    paths = sorted(path for path in directory.glob("*") if path.name.endswith(SUFFIXES))
    if not paths:
        raise NoHistoryError(str(directory))
    for path in paths:
        n_lines, reason = 0, "it is empty"
        try:
            with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
                for chunk in _chunks(file):
                    decoded = decode(chunk, max_bytes=len(chunk))
                    n_lines += len(decoded.logs)
                    reason = decoded.rejected[0].reason if decoded.rejected else reason
                    yield mask_logs(decoded.logs, MASKER)
        except (OSError, EOFError) as error:
            raise BadHistoryError(str(path), str(error)) from error
        if not n_lines:
            raise BadHistoryError(str(path), f"it has no valid log line: {reason}")


def logs_from_history(directory: Path) -> Iterator[Logs]:
    """Read the service's stored lines, in batches of about ten thousand; it may be writing meanwhile.

    The service stores one batch per request. They are joined, and their lines sorted by time.

    Raises
    ------
    NoHistoryError
        If nothing is stored.
    """
    gathered: list[Logs] = []
    is_empty = True
    for stored in read_lines(directory):
        logs = mask_logs(stored, MASKER)  # an earlier release stored them as they were sent
        is_empty = False
        gathered.append(logs)
        if sum(map(len, gathered)) >= BATCH_LINES:
            yield in_order(gathered)
            gathered = []
    if is_empty:
        raise NoHistoryError(str(directory))
    if gathered:
        yield in_order(gathered)


def in_order(batches: Sequence[Logs]) -> Logs:
    """The lines of some batches sorted by time; lines of the same instant stay in arrival order."""
    records = [each for logs in batches for each in logs.records()]
    return Logs.from_records(sorted(records, key=lambda each: each.time_ms))


def _chunks(file: BinaryIO | gzip.GzipFile) -> Iterator[bytes]:
    """Complete lines, a few megabytes at a time; a line that does not end within that is cut."""
    rest = b""
    while read := file.read(BATCH_BYTES):
        complete, newline, last = (rest + read).rpartition(b"\n")
        rest = last[: MAX_LINE_BYTES + 1]
        if newline:
            yield complete
    if rest:
        yield rest
