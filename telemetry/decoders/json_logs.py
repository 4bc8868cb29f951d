"""Log lines as JSON, one object a line, in whatever shape an application or a collector writes them.

``{"service": "order", "time": "2026-03-04T02:00:00Z", "level": "warn", "message": "order 17 is late"}``
with ``time_ms`` or ``time_unix_nano`` instead of ``time`` if that is easier. `telemetry.log_lines` says which
names of the other fields are understood. A line that is wrong rejects itself alone.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from telemetry.decoders.gathering import (
    CONTROL,
    EARLIEST_MS,
    LATEST_MS,
    MAX_NAME_LENGTH,
    MAX_REJECTIONS,
    BadSampleError,
    Rejection,
)
from telemetry.errors import BadBatchError
from telemetry.log_lines import read_object
from telemetry.logs import LogRecord, Logs

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_BODY_BYTES = 32 * 2**20
MAX_LINE_BYTES = 2**20

SERVICE_KEYS = ("service", "service.name", "service_name", "item", "app")
FURTHER = "further lines, not listed"


@dataclass(frozen=True, slots=True)
class DecodedLogs:
    """The good lines of a body, in its order, and what was wrong with others.

    Attributes
    ----------
    rejected
        Lines that were not taken, counted from 0; at most 1000 are listed, the last stands for all further.
    n_garbled
        Lines taken although they were not valid UTF-8: the wrong bytes became �.
    n_without_service
        Lines taken although they do not say whose they are: their service is empty.
    """

    logs: Logs
    rejected: tuple[Rejection, ...] = ()
    n_garbled: int = 0
    n_without_service: int = 0


def decode(body: bytes, *, max_bytes: int = MAX_BODY_BYTES) -> DecodedLogs:
    """Log lines of a body of JSON lines; empty ones are skipped.

    Rejected are lines that are no JSON object, are over 1 MiB, or have no time between the years 2000 and
    2099. A time before that of an earlier line is none of the decoder's business.

    Raises
    ------
    BadBatchError
        If the body is over ``max_bytes``.

    Examples
    --------
    >>> decode(b'{"service": "order", "time_ms": 1e12, "msg": "placed"}').logs.bodies
    ('placed',)
    """
    if len(body) > max_bytes:
        raise BadBatchError(f"{len(body)} bytes are over the limit of {max_bytes}")
    records: list[LogRecord] = []
    rejected: list[Rejection] = []
    n_garbled = n_further = 0
    for index, line in enumerate(body.splitlines()):
        if not line.strip():
            continue
        text = line.decode("utf-8", "replace")
        try:
            records.append(_record(line, text))
        except BadSampleError as error:
            if len(rejected) < MAX_REJECTIONS - 1:
                rejected.append(Rejection(index, str(error)))
            else:
                n_further += 1
        else:
            n_garbled += "\ufffd" in text
    if n_further:
        rejected.append(Rejection(rejected[-1].index + 1, FURTHER, n_further))
    n_without = sum(not record.service for record in records)
    return DecodedLogs(Logs.from_records(records), tuple(rejected), n_garbled, n_without)


def _record(line: bytes, text: str) -> LogRecord:
    if len(line) > MAX_LINE_BYTES:
        raise BadSampleError(f"its {len(line)} bytes are over the limit of {MAX_LINE_BYTES}")
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadSampleError("it is not JSON") from error
    if not isinstance(document, dict):
        raise BadSampleError("it is not an object")
    time_ms = _time_ms(document)
    if not EARLIEST_MS <= time_ms < LATEST_MS:
        raise BadSampleError("its time is outside of the years 2000 to 2099")
    said = read_object(document)
    return LogRecord(
        _service(document), said.severity, said.logger, time_ms, said.body, said.trace_id, said.template
    )


def _service(document: Mapping[str, Any]) -> str:
    for key in SERVICE_KEYS:
        value = document.get(key)
        if isinstance(value, str) and 0 < len(value) <= MAX_NAME_LENGTH and not CONTROL.search(value):
            return value
    return ""


def _time_ms(document: Mapping[str, Any]) -> int:
    try:
        if (milliseconds := document.get("time_ms")) is not None:
            return int(milliseconds)
        if (nanoseconds := document.get("time_unix_nano")) is not None:
            return int(nanoseconds) // 1_000_000
        at = datetime.fromisoformat(str(document.get("time", document.get("timestamp"))))
        if at.tzinfo is not None:
            return int(at.astimezone(UTC).timestamp() * 1000)
    except (ValueError, TypeError, OverflowError) as error:
        raise BadSampleError("it has no time that can be read") from error
    raise BadSampleError("its time has no time zone")
