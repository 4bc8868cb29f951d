"""Batches of spans as payloads of records on disk: their names in JSON, then their columns."""

from __future__ import annotations

import struct
from typing import Any

import msgspec
import numpy as np

from telemetry.errors import BadBatchError
from telemetry.records import MAX_PAYLOAD_BYTES
from telemetry.spans import COLUMNS, SpanBatch, check_columns

COUNTS = struct.Struct("<II")  # number of spans, length of the names


def encode_spans(spans: SpanBatch) -> bytes:
    """Payload of a batch.

    Raises
    ------
    BadBatchError
        If its columns do not fit together, a name cannot be encoded as UTF-8, or it is over 64 MiB.
    """
    check_columns(spans)
    try:
        names = msgspec.json.encode([spans.services, spans.operations])
    except UnicodeEncodeError as error:
        raise BadBatchError(f"a name is not valid text: {error.reason}") from error
    columns = (getattr(spans, name).astype(kind, copy=False).tobytes() for name, kind in COLUMNS)
    payload = b"".join((COUNTS.pack(len(spans), len(names)), names, *columns))
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise BadBatchError(f"{len(payload)} bytes are over the limit of {MAX_PAYLOAD_BYTES}: split it")
    return payload


def decode_spans(payload: bytes) -> SpanBatch:
    """Batch of a payload that `encode_spans` made; its arrays are read-only."""
    n_spans, n_name_bytes = COUNTS.unpack_from(payload)
    at = COUNTS.size + n_name_bytes
    services, operations = msgspec.json.decode(
        payload[COUNTS.size : at], type=tuple[tuple[str, ...], tuple[str, ...]]
    )
    arrays: list[np.ndarray[Any, Any]] = []
    for _, kind in COLUMNS:
        arrays.append(np.frombuffer(payload, kind, n_spans, at))
        at += np.dtype(kind).itemsize * n_spans
    return SpanBatch(services, operations, *arrays)
