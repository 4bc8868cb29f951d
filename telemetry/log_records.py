"""Batches of log lines as payloads of records on disk: columns in compressed JSON."""

from __future__ import annotations

import zlib

import msgspec
import numpy as np

from telemetry.errors import BadBatchError
from telemetry.logs import Logs, LogStream
from telemetry.records import MAX_PAYLOAD_BYTES

LEVEL = 1
"""Compression level: lines shrink to a fifth, at a hundred megabytes a second."""


class _Columns(msgspec.Struct, array_like=True):
    streams: list[LogStream]
    stream: list[int]
    time_ms: list[int]
    bodies: list[str]
    trace_ids: list[str]
    templates: list[str]


_COLUMNS = msgspec.json.Decoder(_Columns)


def encode_logs(logs: Logs) -> bytes:
    """Payload of a batch.

    Raises
    ------
    BadBatchError
        If a text cannot be encoded as UTF-8, or the batch is over 64 MiB.
    """
    columns = _Columns(
        list(logs.streams),
        logs.stream.tolist(),
        logs.time_ms.tolist(),
        list(logs.bodies),
        list(logs.trace_ids),
        list(logs.templates),
    )
    try:
        plain = msgspec.json.encode(columns)
    except UnicodeEncodeError as error:
        raise BadBatchError(f"a text is not valid: {error.reason}") from error
    if len(plain) > MAX_PAYLOAD_BYTES:
        raise BadBatchError(f"{len(plain)} bytes are over the limit of {MAX_PAYLOAD_BYTES}: split it")
    return zlib.compress(plain, LEVEL)


def decode_logs(payload: bytes) -> Logs:
    """Batch of a payload that `encode_logs` made."""
    columns = _COLUMNS.decode(zlib.decompress(payload))
    return Logs(
        tuple(columns.streams),
        np.array(columns.stream, dtype=np.int32),
        np.array(columns.time_ms, dtype=np.int64),
        tuple(columns.bodies),
        tuple(columns.trace_ids),
        tuple(columns.templates),
    )
