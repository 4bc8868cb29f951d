"""Errors as HTTP answers: problem documents (RFC 9457).

The only place with HTTP statuses. Nottingham, Wilde and Dalal, "Problem Details for HTTP APIs",
RFC 9457, 2023.
"""

from __future__ import annotations

import logging
import math
import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlencode

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse, Response
from pydantic import BaseModel, ConfigDict
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from cmdb.errors import BadTableError, ShrinkingGraphError, UnknownItemError
from service.errors import (
    BadEncodingError,
    BadFormError,
    BadJsonError,
    BadMediaTypeError,
    BadVerdictError,
    BadWebhookError,
    BodyTooLargeError,
    BusyError,
    ForeignHostError,
    ForeignOriginError,
    ForgedFormError,
    MissingScopeError,
    NotOfYourTeamsError,
    NoTokenError,
    NoTurnError,
    PartlyRejectedError,
    SignInNeededError,
    StoreUnavailableError,
    TooManySeriesError,
    TryLaterError,
    UnknownIncidentError,
    UnknownMaintenanceError,
    WeakPasswordError,
    WrongPasswordError,
)
from service.http import rpc_status
from telemetry.errors import BadBatchError, HistoryWriteError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fastapi import FastAPI
    from starlette.types import Scope

logger = logging.getLogger(__name__)

PROBLEM_TYPE = "application/problem+json"


class Problem(BaseModel):
    """What is wrong with a request (RFC 9457)."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "urn:sunspot:problem:unknown-incident",
                    "title": "Unknown incident",
                    "status": 404,
                    "detail": "there is no incident 7",
                }
            ]
        }
    )

    type: str
    title: str
    status: int
    detail: str


class Kind(NamedTuple):
    """The status and title of one kind of error."""

    status: HTTPStatus
    title: str


KINDS: dict[type[Exception], Kind] = {
    BadJsonError: Kind(HTTPStatus.BAD_REQUEST, "Not JSON"),
    BadBatchError: Kind(HTTPStatus.BAD_REQUEST, "Not a batch of signals"),
    PartlyRejectedError: Kind(HTTPStatus.BAD_REQUEST, "Some samples rejected"),
    BadWebhookError: Kind(HTTPStatus.BAD_REQUEST, "Not an alert webhook"),
    BadTableError: Kind(HTTPStatus.UNPROCESSABLE_ENTITY, "Not a CMDB document"),
    ShrinkingGraphError: Kind(HTTPStatus.CONFLICT, "Much less than the graph in use"),
    BadVerdictError: Kind(HTTPStatus.UNPROCESSABLE_ENTITY, "Not a verdict"),
    BadFormError: Kind(HTTPStatus.UNPROCESSABLE_ENTITY, "Not a form of these pages"),
    RequestValidationError: Kind(HTTPStatus.UNPROCESSABLE_ENTITY, "Not what this route reads"),
    BodyTooLargeError: Kind(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "Body too large"),
    BusyError: Kind(HTTPStatus.SERVICE_UNAVAILABLE, "Busy"),
    BadEncodingError: Kind(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Encoding not understood"),
    BadMediaTypeError: Kind(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Form not understood"),
    TooManySeriesError: Kind(HTTPStatus.TOO_MANY_REQUESTS, "Too many series"),
    UnknownItemError: Kind(HTTPStatus.NOT_FOUND, "Unknown configuration item"),
    UnknownIncidentError: Kind(HTTPStatus.NOT_FOUND, "Unknown incident"),
    UnknownMaintenanceError: Kind(HTTPStatus.NOT_FOUND, "Unknown window of maintenance"),
    NoTokenError: Kind(HTTPStatus.UNAUTHORIZED, "Token needed"),
    WrongPasswordError: Kind(HTTPStatus.UNAUTHORIZED, "Wrong name or password"),
    WeakPasswordError: Kind(HTTPStatus.UNPROCESSABLE_ENTITY, "Not a password"),
    TryLaterError: Kind(HTTPStatus.TOO_MANY_REQUESTS, "Try again later"),
    MissingScopeError: Kind(HTTPStatus.FORBIDDEN, "Scope missing"),
    NotOfYourTeamsError: Kind(HTTPStatus.FORBIDDEN, "Not of your teams"),
    ForgedFormError: Kind(HTTPStatus.FORBIDDEN, "Forged form"),
    ForeignHostError: Kind(HTTPStatus.MISDIRECTED_REQUEST, "Foreign host name"),
    ForeignOriginError: Kind(HTTPStatus.FORBIDDEN, "Foreign origin"),
    HistoryWriteError: Kind(HTTPStatus.SERVICE_UNAVAILABLE, "History unavailable"),
    StoreUnavailableError: Kind(HTTPStatus.SERVICE_UNAVAILABLE, "Store unavailable"),
}
"""Every error that a route can raise, with its status and title."""

HEADERS: dict[type[Exception], Mapping[str, str]] = {
    NoTokenError: {"WWW-Authenticate": "Bearer"},
    BusyError: {"Retry-After": "1"},
    NoTurnError: {"Retry-After": "1"},
    TooManySeriesError: {"Retry-After": "60"},
    HistoryWriteError: {"Retry-After": "5"},
    StoreUnavailableError: {"Retry-After": "5"},
}
"""Headers of the answers to some errors."""

READ_ERRORS: tuple[type[Exception], ...] = (NoTokenError, MissingScopeError, StoreUnavailableError)
"""What any guarded route may answer."""

BODY_ERRORS: tuple[type[Exception], ...] = (BodyTooLargeError, BadEncodingError, BusyError)
"""What any route that reads a body may answer."""

WRITE_ERRORS: tuple[type[Exception], ...] = (BadJsonError, *BODY_ERRORS, *READ_ERRORS)
"""What any guarded route that reads a JSON body may answer."""

NOT_READY = HTTPStatus.SERVICE_UNAVAILABLE
SEE_OTHER = HTTPStatus.SEE_OTHER


def problem_of(error: Exception) -> dict[str, Any]:
    """Problem document of an error that `KINDS` knows, or of a class derived from one."""
    known, kind = next((each, KINDS[each]) for each in type(error).__mro__ if each in KINDS)
    slug = re.sub(r"(?<!^)(?=[A-Z])", "-", known.__name__.removesuffix("Error")).lower()
    detail = str(error)
    if isinstance(error, RequestValidationError):
        detail = "; ".join(f"{_place(each)}: {each['msg']}" for each in error.errors()[:20])
    return {
        "type": f"urn:sunspot:problem:{slug}",
        "title": kind.title,
        "status": int(kind.status),
        "detail": detail.encode(errors="replace").decode(),  # half a surrogate pair cannot be sent
    }


def status_of(error: Exception) -> int:
    """Status of an error that `KINDS` knows."""
    return int(problem_of(error)["status"])


def problem_answer(document: dict[str, Any], headers: Mapping[str, str] | None = None) -> JSONResponse:
    """Answer with a problem document and the status it names."""
    return JSONResponse(document, document["status"], headers=headers, media_type=PROBLEM_TYPE)


def answer_error(error: Exception, scope: Scope) -> Response:
    """Answer with the problem document of an error that `KINDS` knows, or in the words of the protocol.

    A browser that has to sign in first is sent there.
    """
    if isinstance(error, SignInNeededError):
        return RedirectResponse(f"/sign-in?{urlencode({'to': error.path})}", SEE_OTHER)
    return _answer(problem_of(error), scope, headers_of(error))


def _answer(document: dict[str, Any], scope: Scope, headers: Mapping[str, str] | None = None) -> Response:
    if scope["path"] in rpc_status.PATHS:
        return rpc_status.status_answer(document, Headers(scope=scope).get("content-type", ""), headers)
    return problem_answer(document, headers)


def headers_of(error: Exception) -> Mapping[str, str]:
    """Headers that tell a sender what to do about an error, or what was stored all the same."""
    if isinstance(error, TryLaterError):
        return {"Retry-After": str(math.ceil(error.retry_s))}
    if isinstance(error, PartlyRejectedError):
        return error.headers
    return next((HEADERS[each] for each in type(error).__mro__ if each in HEADERS), {})


def problems(*errors: type[Exception]) -> dict[int | str, dict[str, Any]]:
    """Responses to declare on a route that may raise these errors."""
    by_status: dict[int | str, list[Kind]] = {}
    for error in errors:
        by_status.setdefault(int(KINDS[error].status), []).append(KINDS[error])
    return {
        status: {
            "description": " or ".join(kind.title.lower() for kind in kinds).capitalize(),
            "content": {PROBLEM_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status, kinds in by_status.items()
    }


def statuses(*errors: type[Exception]) -> dict[int | str, dict[str, Any]]:
    """Responses to declare on a route of OpenTelemetry's protocol that may raise these errors."""
    content = {
        rpc_status.JSON: {"schema": {"$ref": f"#/components/schemas/{rpc_status.StatusOut.__name__}"}},
        rpc_status.PROTOBUF: {"schema": {"type": "string", "format": "binary"}},
    }
    return {status: {**each, "content": content} for status, each in problems(*errors).items()}


def install_handlers(app: FastAPI) -> None:
    """Have every error of the application answered by a problem document."""

    async def known(request: Request, error: Exception) -> Response:
        return answer_error(error, request.scope)

    for each in KINDS:
        app.add_exception_handler(each, known)

    @app.exception_handler(HTTPException)
    async def from_framework(_request: Request, error: HTTPException) -> Response:
        return problem_answer(_plain(HTTPStatus(error.status_code), error.detail), error.headers)

    @app.exception_handler(ClientDisconnect)
    async def gone(_request: Request, _error: ClientDisconnect) -> Response:
        return Response(status_code=HTTPStatus.BAD_REQUEST)  # counted, and read by nobody

    @app.exception_handler(Exception)
    async def unexpected(request: Request, error: Exception) -> Response:
        logger.error("request failed", exc_info=error, extra={"path": request.url.path})
        detail = "this is a fault in Sunspot; its log has the details"
        return _answer(_plain(HTTPStatus.INTERNAL_SERVER_ERROR, detail), request.scope)


def _plain(status: HTTPStatus, detail: str) -> dict[str, Any]:
    return {"type": "about:blank", "title": status.phrase, "status": int(status), "detail": detail}


def _place(error: Mapping[str, Any]) -> str:
    return ".".join(str(part) for part in error["loc"])
