"""Spans on disk, in files of their own."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from telemetry.batch_history import BatchHistory
from telemetry.journal import LOG_BYTES
from telemetry.span_records import decode_spans, encode_spans
from telemetry.spans import SpanBatch

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class SpanHistory(BatchHistory[SpanBatch]):
    """The only writer of a directory's spans, as `BatchHistory` has it."""

    def __init__(
        self, directory: Path, *, file_bytes: int = LOG_BYTES, sync: Callable[[int], None] = os.fsync
    ) -> None:
        super().__init__(
            directory, encode=encode_spans, decode=decode_spans, file_bytes=file_bytes, sync=sync
        )
