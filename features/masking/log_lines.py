"""Log lines without secrets: their messages, their loggers, and the templates that collectors set."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from telemetry.logs import Logs, LogStream

if TYPE_CHECKING:
    from features.masking.masker import Masker


def mask_logs(logs: Logs, masker: Masker) -> Logs:
    """A batch with all that its senders wrote masked; services, times, severities and trace ids stay."""
    if not len(logs):
        return logs
    given = set(logs.templates)
    masked = dict(zip(given, masker.lines(tuple(given)), strict=True))
    loggers = masker.lines(tuple(stream.logger for stream in logs.streams))
    batch = replace(
        logs,
        bodies=masker.lines(logs.bodies),
        templates=logs.templates if given == {""} else tuple(map(masked.__getitem__, logs.templates)),
        streams=tuple(
            LogStream(stream.service, stream.severity, logger)
            for stream, logger in zip(logs.streams, loggers, strict=True)
        ),
    )
    is_distinct = len(set(batch.streams)) == len(batch.streams)
    return batch if is_distinct else Logs.from_records(batch.records())
