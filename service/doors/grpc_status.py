"""Errors as gRPC answers: a code, a sentence, and when to try again.

OpenTelemetry Protocol Specification 1.x, "OTLP/gRPC", "Failures": without ``RetryInfo``, a sender drops what
was answered by ``RESOURCE_EXHAUSTED``.
"""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import NamedTuple

import grpc
from google.protobuf.any_pb2 import Any as PackedAny
from google.protobuf.duration_pb2 import Duration

from service.http.problems import KINDS, headers_of, problem_of
from service.http.rpc_status import CODES, INVALID_ARGUMENT
from telemetry.wire.rpc_status_pb2 import Status

logger = logging.getLogger(__name__)

DETAILS = "grpc-status-details-bin"
RETRY_INFO = "type.googleapis.com/google.rpc.RetryInfo"
EXHAUSTED = frozenset({HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.TOO_MANY_REQUESTS})
MAX_MESSAGE = 1_000
"""Characters of a sentence: it is sent among the headers."""

_CODES = {each.value[0]: each for each in grpc.StatusCode}
_DETAILS_FIELD, _RETRY_DELAY_FIELD = b"\x1a", b"\x0a"


class Refusal(NamedTuple):
    """An error as gRPC answers it.

    Attributes
    ----------
    details
        Packed ``google.rpc.Status`` that says when to try again; empty where that would not help.
    """

    code: grpc.StatusCode
    message: str
    details: bytes = b""


def refusal_of(error: Exception) -> Refusal:
    """Return how an error is answered; one that is not known is a fault of the service, and logged."""
    if not any(each in KINDS for each in type(error).__mro__):
        logger.error("call failed", exc_info=error)
        return Refusal(grpc.StatusCode.INTERNAL, "this is a fault in Sunspot; its log has the details")
    document = problem_of(error)
    status = HTTPStatus(document["status"])
    number = CODES.get(status, INVALID_ARGUMENT)
    code = grpc.StatusCode.RESOURCE_EXHAUSTED if status in EXHAUSTED else _CODES[number]
    message = document["detail"][:MAX_MESSAGE]
    retry_after = headers_of(error).get("Retry-After")
    details = b"" if retry_after is None else retry_details(code, message, retry_s=int(retry_after))
    return Refusal(code, message, details)


def retry_details(code: grpc.StatusCode, message: str, *, retry_s: int) -> bytes:
    """Return a packed ``google.rpc.Status`` with one detail: after how many seconds to try again.

    It is put together here, because its package describes ``google.rpc`` a second time.
    """
    delay = Duration(seconds=retry_s).SerializeToString()
    info = PackedAny(type_url=RETRY_INFO, value=_field(_RETRY_DELAY_FIELD, delay)).SerializeToString()
    status: bytes = Status(code=code.value[0], message=message).SerializeToString()
    return status + _field(_DETAILS_FIELD, info)


def _field(tag: bytes, content: bytes) -> bytes:
    """A field of Protocol Buffers with up to 127 bytes."""
    return tag + bytes([len(content)]) + content
