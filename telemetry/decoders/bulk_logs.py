"""Log lines as documents of Elasticsearch's bulk interface: an action and a document, a line each.

``{"create": {"_index": "logs-order"}}``, ``{"@timestamp": "2026-03-04T02:00:00Z", "message": "placed", …}``
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from telemetry.decoders.documents import mapped
from telemetry.decoders.gathering import BadSampleError
from telemetry.decoders.gathering_logs import (
    MAX_BODY_BYTES,
    MAX_LINE_BYTES,
    DecodedLogs,
    LogGathering,
    storable,
)
from telemetry.decoders.json_logs import add_object
from telemetry.decoders.text_bytes import text_of
from telemetry.errors import BadBatchError
from telemetry.json_text import json_of
from telemetry.log_text.fields import SERVICE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ACTIONS = frozenset({"create", "index", "update", "delete"})


@dataclass(frozen=True, slots=True)
class BulkItem:
    """One action of a request.

    Attributes
    ----------
    action
        One of `ACTIONS`.
    index, id
        What the sender calls the index and the document; empty where it does not.
    line
        Place of its line in the batch; ``None`` if it brought none that can be read.
    reason
        Why not.
    """

    action: str
    index: str
    id: str
    line: int | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class DecodedBulk:
    """The actions of a request in their order, and the lines that they brought."""

    items: tuple[BulkItem, ...]
    decoded: DecodedLogs


def decode(
    body: bytes, *, index: str = "", service_keys: Sequence[str] = SERVICE, max_bytes: int = MAX_BODY_BYTES
) -> DecodedBulk:
    r"""The actions of a request, and their documents as log lines; a bad document is rejected alone.

    Parameters
    ----------
    index
        The index of actions that name none.

    Raises
    ------
    BadBatchError
        If the body is over ``max_bytes``, or actions and documents cannot be told apart.

    Examples
    --------
    >>> decode(b'{"create": {}}\n{"@timestamp": 1e9, "message": "placed"}\n').decoded.logs.bodies
    ('placed',)
    """
    if len(body) > max_bytes:
        raise BadBatchError(f"{len(body)} bytes are over the limit of {max_bytes}")
    gathering, keys, items, n_lines = LogGathering(), tuple(service_keys), list[BulkItem](), 0
    for action, about, document in _pairs(body):
        named = (action, storable(str(about.get("_index") or index)), storable(str(about.get("_id", ""))))
        try:
            add_object(gathering, _document(document, action), keys)
        except BadSampleError as error:
            gathering.reject(len(items), str(error))
            items.append(BulkItem(*named, None, str(error)))
        else:
            items.append(BulkItem(*named, n_lines))
            n_lines += 1
    return DecodedBulk(tuple(items), gathering.decoded())


def _pairs(body: bytes) -> Iterator[tuple[str, dict[str, Any], bytes]]:
    """Each action with what it says, and the line of its document; a deletion has none."""
    lines = (line for line in body.splitlines() if line.strip())
    for number, line in enumerate(lines):
        try:
            (found,) = mapped(json_of(text_of(line))).items()
        except (ValueError, RecursionError) as error:
            raise BadBatchError(f"its action {number} is not an object with one field") from error
        action, about = found
        if action not in ACTIONS:
            raise BadBatchError(f"its action {number} is none of {', '.join(sorted(ACTIONS))}")
        document = b"" if action == "delete" else next(lines, None)
        if document is None:
            raise BadBatchError("its last action has no document")
        yield action, mapped(about), document


def _document(line: bytes, action: str) -> object:
    if action == "delete":
        raise BadSampleError("nothing is deleted here")
    if len(line) > MAX_LINE_BYTES:
        raise BadSampleError(f"its {len(line)} bytes are over the limit of {MAX_LINE_BYTES}")
    try:
        document = json_of(text_of(line))
    except (ValueError, RecursionError) as error:
        raise BadSampleError("it is not JSON") from error
    return mapped(document).get("doc") if action == "update" else document
