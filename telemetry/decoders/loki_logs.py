"""Log lines in the JSON of Grafana Loki's push interface: streams with labels, and their lines.

``{"streams": [{"stream": {"app": "order"}, "values": [["1772589600000000000", "order 17 is late"]]}]}``
A third element of a value, structured metadata, may hold the same fields as the labels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from telemetry.decoders.documents import listed, mapped, read_document
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
from telemetry.log_lines import read_labelled

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def decode(
    body: bytes, *, service_keys: Sequence[str] = SERVICE_KEYS, max_bytes: int = MAX_BODY_BYTES
) -> DecodedLogs:
    """Log lines of a push; a bad line is rejected alone.

    Line numbers run through the streams in their order.

    Raises
    ------
    BadBatchError
        If the body is over ``max_bytes``, is not a JSON object, or has no list of streams.

    Examples
    --------
    >>> body = b'{"streams": [{"stream": {"app": "order"}, "values": [["1000000000000000000", "placed"]]}]}'
    >>> decode(body).logs.bodies
    ('placed',)
    """
    document = read_document(body, max_bytes=max_bytes)
    if not isinstance(document.get("streams"), list):
        raise BadBatchError("it has no list of streams")
    gathering, index = LogGathering(), 0
    for stream in document["streams"]:
        labels = mapped(mapped(stream).get("stream"))
        for value in listed(mapped(stream).get("values")):
            try:
                _add(gathering, labels, value, service_keys)
            except BadSampleError as error:
                gathering.reject(index, str(error))
            index += 1
    return gathering.decoded()


def _add(
    gathering: LogGathering, labels: Mapping[str, Any], value: object, service_keys: Sequence[str]
) -> None:
    if not isinstance(value, list) or len(value) < 2 or not isinstance(value[1], str):  # noqa: PLR2004
        raise BadSampleError("it is not a time and a line")
    if len(value[1]) > MAX_LINE_BYTES:
        raise BadSampleError(f"its {len(value[1])} characters are over the limit of {MAX_LINE_BYTES}")
    fields = {**labels, **mapped(value[2])} if len(value) > 2 else labels  # noqa: PLR2004
    gathering.add(
        service_of(fields, service_keys),
        milliseconds_of(value[0]),
        read_labelled(value[1], fields),
        is_garbled=REPLACED in value[1],
    )
