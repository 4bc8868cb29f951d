"""Log lines in the two forms of Grafana Loki's push interface: streams with labels, and their lines.

``{"streams": [{"stream": {"app": "order"}, "values": [["1772589600000000000", "order 17 is late"]]}]}``
A third element of a value, structured metadata, may hold the same fields as the labels. The other form is a
message of Protocol Buffers, packed by snappy; there the labels are a text, ``{app="order"}``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from google.protobuf.message import DecodeError

from telemetry.decoders.documents import listed, mapped, read_document
from telemetry.decoders.gathering import BadSampleError
from telemetry.decoders.gathering_logs import (
    MAX_BODY_BYTES,
    MAX_LINE_BYTES,
    DecodedLogs,
    LogGathering,
    milliseconds_of,
)
from telemetry.decoders.text_bytes import text_of
from telemetry.errors import BadBatchError
from telemetry.log_lines import read_line
from telemetry.log_text.fields import SERVICE, fields_of
from telemetry.log_text.line import Line
from telemetry.snappy_block import BadBlockError, LongBlockError, unpack_block
from telemetry.wire.loki_push_pb2 import Push

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_LABEL = re.compile(r'([\w.:/-]{1,256})\s{0,8}=\s{0,8}"((?:[^"\\]|\\.)*+)"')
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES: Final = {"n": "\n", "t": "\t", "r": "\r"}


def decode(
    body: bytes, *, service_keys: Sequence[str] = SERVICE, max_bytes: int = MAX_BODY_BYTES
) -> DecodedLogs:
    """Log lines of a push in JSON; a bad line is rejected alone.

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
    lines = _Lines(tuple(service_keys))
    for stream in document["streams"]:
        lines.begin_stream(mapped(mapped(stream).get("stream")))
        for value in listed(mapped(stream).get("values")):
            lines.add_value(value)
    return lines.gathering.decoded()


def decode_packed(
    body: bytes, *, service_keys: Sequence[str] = SERVICE, max_bytes: int = MAX_BODY_BYTES
) -> DecodedLogs:
    """Log lines of a push as Promtail and Alloy send it; a bad line is rejected alone.

    The message may come packed or not: some senders name the packing in a header, and it is undone before.

    Raises
    ------
    BadBatchError
        If the body is, or claims to unpack to, more than ``max_bytes``, or holds no such message.
    """
    try:
        plain = unpack_block(body, max_bytes=max_bytes)
    except LongBlockError as error:
        raise BadBatchError(str(error)) from error
    except BadBlockError:
        plain = body
    try:
        push = Push.FromString(plain)
    except DecodeError as error:
        raise BadBatchError("it is not a push of streams, packed by snappy") from error
    lines = _Lines(tuple(service_keys))
    for stream in push.streams:
        lines.begin_stream(labels_of(text_of(stream.labels)))
        for entry in stream.entries:
            at_ms = entry.at.seconds * 1000 + entry.at.nanoseconds // 1_000_000
            metadata = {text_of(each.name): text_of(each.value) for each in entry.metadata}
            lines.add(at_ms, text_of(entry.line), metadata)
    return lines.gathering.decoded()


def labels_of(text: str) -> dict[str, str]:
    r"""Labels as the message has them.

    >>> labels_of(r'{app="order", note="it said \"no\""}')
    {'app': 'order', 'note': 'it said "no"'}
    """
    return {
        name: _ESCAPED.sub(lambda found: _ESCAPES.get(found[1], found[1]), value)
        for name, value in _LABEL.findall(text)
    }


class _Lines:
    """The lines of a push so far, and the labels of the stream at hand."""

    def __init__(self, service_keys: tuple[str, ...]) -> None:
        self.gathering = LogGathering()
        self._service_keys = service_keys
        self._n_lines = 0

    def begin_stream(self, labels: Mapping[str, Any]) -> None:
        """Begin a stream with some labels."""
        self._labels = labels
        self._around = fields_of(labels, self._service_keys).line

    def add_value(self, value: object) -> None:
        """Add a line as JSON has it, or reject it."""
        if not isinstance(value, list) or len(value) < 2 or not isinstance(value[1], str):  # noqa: PLR2004
            self._reject("it is not a time and a line")
            return
        try:
            at_ms = milliseconds_of(value[0])
        except BadSampleError as error:
            self._reject(str(error))
        else:
            self.add(at_ms, value[1], mapped(value[2]) if len(value) > 2 else {})  # noqa: PLR2004

    def add(self, at_ms: int, text: str, metadata: Mapping[str, Any]) -> None:
        """Add a line with its own metadata, or reject it."""
        if len(text) > MAX_LINE_BYTES:
            self._reject(f"its {len(text)} characters are over the limit of {MAX_LINE_BYTES}")
            return
        around = self._around
        if metadata:
            around = fields_of({**self._labels, **metadata}, self._service_keys).line
        severity, logger, _, trace_id, template, service, host, _ = around
        around = Line(severity, logger, "", trace_id, template, service, host, at_ms)
        try:
            self.gathering.add(read_line(text, around, service_keys=self._service_keys))
        except BadSampleError as error:
            self._reject(str(error))
        else:
            self._n_lines += 1

    def _reject(self, reason: str) -> None:
        self.gathering.reject(self._n_lines, reason)
        self._n_lines += 1
