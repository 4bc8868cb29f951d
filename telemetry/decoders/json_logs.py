"""Log lines as JSON, one object per line or all in one array, in the shapes of applications and collectors.

``{"service": "order", "time": "2026-03-04T02:00:00Z", "level": "warn", "message": "order 17 is late"}``
``time_ms`` or ``time_unix_nano`` may replace ``time``. `telemetry.log_text.fields` lists the names that are
understood for every field. A bad line is rejected alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from telemetry.decoders.gathering import BadSampleError
from telemetry.decoders.gathering_logs import (
    MAX_BODY_BYTES,
    MAX_LINE_BYTES,
    DecodedLogs,
    LogGathering,
)
from telemetry.decoders.text_bytes import UTF_16, text_of
from telemetry.errors import BadBatchError
from telemetry.json_text import json_of
from telemetry.log_lines import read_object
from telemetry.log_text.fields import SERVICE, fields_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def decode(
    body: bytes, *, service_keys: Sequence[str] = SERVICE, max_bytes: int = MAX_BODY_BYTES
) -> DecodedLogs:
    """Log lines of a body of JSON lines, or of an array of objects; empty lines are skipped.

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
    gathering, keys = LogGathering(), tuple(service_keys)
    for index, line in _lines(body):
        try:
            add_object(gathering, _read(line) if isinstance(line, bytes) else line, keys)
        except BadSampleError as error:
            gathering.reject(index, str(error))
    return gathering.decoded()


def add_object(gathering: LogGathering, document: object, service_keys: tuple[str, ...]) -> None:
    """Add the line in a JSON object.

    Raises
    ------
    BadSampleError
        If it is no object, or has no time.
    """
    if not isinstance(document, dict):
        raise BadSampleError("it is not an object")
    line = read_object(document, service_keys=service_keys)
    if line.time_ms is None and (why := fields_of(document, service_keys).why_no_time):
        raise BadSampleError(why)
    gathering.add(line)


def _lines(body: bytes) -> Iterator[tuple[int, Any]]:
    """The lines of a body with their numbers, or the elements of the array that it is."""
    if body.startswith(UTF_16):
        body = text_of(body).encode()
    if body[:100].lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"["):
        try:
            elements = json_of(text_of(body))
        except (ValueError, RecursionError):
            pass
        else:
            yield from enumerate(elements)
            return
    for index, line in enumerate(body.splitlines()):
        if line.strip():
            yield index, line


def _read(line: bytes) -> object:
    """The JSON document in a line."""
    if len(line) > MAX_LINE_BYTES:
        raise BadSampleError(f"its {len(line)} bytes are over the limit of {MAX_LINE_BYTES}")
    try:
        return json_of(text_of(line))
    except (ValueError, RecursionError) as error:
        raise BadSampleError("it is not JSON") from error
