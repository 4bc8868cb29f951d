"""Log lines on disk, in files of their own; the service masks them before they are written."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from telemetry.batch_history import BatchHistory
from telemetry.journal import LOG_BYTES
from telemetry.log_file import LOG_NAMES, read_log
from telemetry.log_records import decode_logs, encode_logs
from telemetry.logs import Logs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


def read_lines(directory: Path) -> Iterator[Logs]:
    """Every batch of a directory in order of arrival, with one file in memory at a time.

    Needs no lock and changes nothing, so a service may be writing meanwhile. Damaged and unfinished
    records are left out.
    """
    for path in sorted(directory.glob(LOG_NAMES)):
        try:
            data, records, _ = read_log(path)
        except FileNotFoundError:  # removed meanwhile, past its retention
            continue
        for each in records:
            yield decode_logs(data[each.start : each.end])


class LogHistory(BatchHistory[Logs]):
    """The only writer of a directory's log lines, as `BatchHistory` has it."""

    def __init__(
        self, directory: Path, *, file_bytes: int = LOG_BYTES, sync: Callable[[int], None] = os.fsync
    ) -> None:
        super().__init__(directory, encode=encode_logs, decode=decode_logs, file_bytes=file_bytes, sync=sync)
