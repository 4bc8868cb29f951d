"""Errors as answers of OpenTelemetry's protocol: a ``google.rpc.Status`` in the request's own media type.

OpenTelemetry Protocol Specification 1.x, "OTLP/HTTP Response", "Failures".
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field

from telemetry.wire.rpc_status_pb2 import Status

if TYPE_CHECKING:
    from collections.abc import Mapping

PROTOBUF = "application/x-protobuf"
JSON = "application/json"
PATHS = frozenset({"/otlp/v1/metrics", "/otlp/v1/traces"})
"""Routes that answer so."""

INVALID_ARGUMENT, UNKNOWN = 3, 2
CODES: dict[int, int] = {
    HTTPStatus.UNAUTHORIZED: 16,
    HTTPStatus.FORBIDDEN: 7,
    HTTPStatus.MISDIRECTED_REQUEST: 7,
    HTTPStatus.SERVICE_UNAVAILABLE: 14,
    HTTPStatus.INTERNAL_SERVER_ERROR: 13,
}
"""gRPC's codes; any other status of a bad request is an invalid argument."""


class StatusOut(BaseModel):
    """What was wrong, as gRPC has it."""

    code: int = Field(description="a code of gRPC: 3 is an invalid argument, 14 unavailable")
    message: str


def is_protobuf(content_type: str) -> bool:
    """Whether a media type is that of Protocol Buffers."""
    return content_type.partition(";")[0].strip().lower() == PROTOBUF


def status_answer(
    problem: Mapping[str, Any], content_type: str, headers: Mapping[str, str] | None = None
) -> Response:
    """Answer a problem document's content as a status, in the media type that was sent."""
    http_status = problem["status"]
    is_server = http_status >= HTTPStatus.INTERNAL_SERVER_ERROR
    status = StatusOut(
        code=CODES.get(http_status, UNKNOWN if is_server else INVALID_ARGUMENT), message=problem["detail"]
    )
    if is_protobuf(content_type):
        content = Status(code=status.code, message=status.message).SerializeToString()
        return Response(content, http_status, headers=headers, media_type=PROTOBUF)
    return JSONResponse(status.model_dump(), http_status, headers=headers)
