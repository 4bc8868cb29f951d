"""Log lines as JSON, one object per line, in the shapes that applications and collectors write.

``{"service": "order", "time": "2026-03-04T02:00:00Z", "level": "warn", "message": "order 17 is late"}``
``time_ms`` or ``time_unix_nano`` may replace ``time``. `telemetry.log_lines` lists the names that are
understood for the other fields. A bad line is rejected alone.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from telemetry.decoders.gathering import BadSampleError
from telemetry.decoders.gathering_logs import (
    MAX_BODY_BYTES,
    MAX_LINE_BYTES,
    REPLACED,
    SERVICE_KEYS,
    DecodedLogs,
    LogGathering,
    milliseconds_of,
    service_of,
)
from telemetry.errors import BadBatchError
from telemetry.instants import to_ms
from telemetry.log_lines import read_object

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

REPLACED_BYTES = REPLACED.encode()


def decode(
    body: bytes, *, service_keys: Sequence[str] = SERVICE_KEYS, max_bytes: int = MAX_BODY_BYTES
) -> DecodedLogs:
    """Log lines of a body of JSON lines; empty ones are skipped.

    A line is rejected if it is not a JSON object, is over 1 MiB, or has no time in the years 2000 to 2099.
    The lines may be in any order of time.

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
    gathering = LogGathering()
    for index, line in enumerate(body.splitlines()):
        if not line.strip():
            continue
        try:
            document, is_garbled = _read(line)
            service, time_ms = service_of(document, service_keys), _time_ms(document)
            gathering.add(service, time_ms, read_object(document), is_garbled=is_garbled)
        except BadSampleError as error:
            gathering.reject(index, str(error))
    return gathering.decoded()


def _read(line: bytes) -> tuple[dict[str, Any], bool]:
    """The object in a line, and whether some of it was not valid UTF-8."""
    if len(line) > MAX_LINE_BYTES:
        raise BadSampleError(f"its {len(line)} bytes are over the limit of {MAX_LINE_BYTES}")
    try:
        document, is_garbled = msgspec.json.decode(line), REPLACED_BYTES in line
    except (msgspec.MsgspecError, ValueError, RecursionError):
        document, is_garbled = _read_leniently(line)
    if not isinstance(document, dict):
        raise BadSampleError("it is not an object")
    return document, is_garbled


def _read_leniently(line: bytes) -> tuple[Any, bool]:
    """What the fast decoder refuses and Python's does not: wrong bytes, lone surrogates, NaN."""
    text = line.decode("utf-8", "replace")
    try:
        return json.loads(text), REPLACED in text
    except (ValueError, RecursionError) as error:
        raise BadSampleError("it is not JSON") from error


def _time_ms(document: Mapping[str, Any]) -> int:
    if document.get("time_ms") is None and (nanoseconds := document.get("time_unix_nano")) is not None:
        return milliseconds_of(nanoseconds)
    try:
        if (milliseconds := document.get("time_ms")) is not None:
            return int(milliseconds)
        at = datetime.fromisoformat(str(document.get("time", document.get("timestamp"))))
        if at.tzinfo is not None:
            return to_ms(at.astimezone(UTC))
    except (ValueError, TypeError, OverflowError) as error:
        raise BadSampleError("it has no time that can be read") from error
    raise BadSampleError("its time has no time zone")
