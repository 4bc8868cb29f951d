"""Log lines in batches: of a directory of JSON lines, or of those that the service keeps."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING, BinaryIO

from telemetry.decoders.gathering_logs import MAX_LINE_BYTES
from telemetry.decoders.json_logs import decode
from telemetry.log_history import read_lines
from telemetry.logs import Logs
from training.errors import BadHistoryError, NoHistoryError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path


BATCH_BYTES = 16 * 2**20
BATCH_LINES = 50_000
SUFFIXES = (".jsonl", ".ndjson", ".jsonl.gz", ".ndjson.gz")


def logs_from_files(directory: Path) -> Iterator[Logs]:
    """Read every file of JSON lines of a directory, by name; `telemetry.decoders.json_logs` has the format.

    A line that cannot be read is left out. Files are best named by time: lines are learned from in the order
    in which they come.

    Raises
    ------
    NoHistoryError
        If the directory holds no such file.
    BadHistoryError
        If a file cannot be read, or holds no line that can.
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
                    yield decoded.logs
        except (OSError, EOFError) as error:
            raise BadHistoryError(str(path), str(error)) from error
        if not n_lines:
            raise BadHistoryError(str(path), f"no line of it is one of a log: {reason}")


def logs_from_history(directory: Path) -> Iterator[Logs]:
    """Read what the service has kept, in batches of some ten thousand lines; it may be writing meanwhile.

    The service keeps one batch a request. They are put together, and their lines in order of time.

    Raises
    ------
    NoHistoryError
        If it has kept nothing.
    """
    gathered: list[Logs] = []
    is_empty = True
    for logs in read_lines(directory):
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
    """The lines of some batches in order of time; those of one instant stay in the order they came."""
    records = [each for logs in batches for each in logs.records()]
    return Logs.from_records(sorted(records, key=lambda each: each.time_ms))


def _chunks(file: BinaryIO | gzip.GzipFile) -> Iterator[bytes]:
    """Whole lines, some megabytes at a time; a line that has no end in sight is cut."""
    rest = b""
    while read := file.read(BATCH_BYTES):
        whole, newline, last = (rest + read).rpartition(b"\n")
        rest = last[: MAX_LINE_BYTES + 1]
        if newline:
            yield whole
    if rest:
        yield rest
