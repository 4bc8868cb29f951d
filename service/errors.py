"""What can go wrong with a request, and how it is told: problem documents (RFC 9457).

The only place with HTTP statuses. Nottingham, Wilde and Dalal, "Problem Details for HTTP APIs",
RFC 9457, 2023.
"""

from __future__ import annotations

import logging
import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlencode

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException

from cmdb.errors import BadTableError, UnknownItemError
from telemetry.errors import BadBatchError, HistoryWriteError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from fastapi import FastAPI

logger = logging.getLogger(__name__)

PROBLEM_TYPE = "application/problem+json"


class BadJsonError(ValueError):
    """A body that is not JSON."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the body is not JSON: {reason}")
        self.reason = reason


class BadWebhookError(ValueError):
    """A JSON document that is not an alert webhook."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"not an alert webhook: {reason}")
        self.reason = reason


class BodyTooLargeError(ValueError):
    """A body over the limit, packed or unpacked."""

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(f"the body is longer than {limit_bytes:,} bytes")
        self.limit_bytes = limit_bytes


class BadEncodingError(ValueError):
    """A body packed in a way that is not understood, or not packed as its header says."""

    def __init__(self, encoding: str, reason: str) -> None:
        super().__init__(f"cannot unpack the body as {encoding!r}: {reason}")
        self.encoding = encoding
        self.reason = reason


class BadMediaTypeError(ValueError):
    """A body in a form that is not read here."""

    def __init__(self, media_type: str) -> None:
        super().__init__(f"cannot read a body of {media_type!r}: have it sent as JSON")
        self.media_type = media_type


class UnknownIncidentError(LookupError):
    """An incident number that was never given."""

    def __init__(self, incident: int) -> None:
        super().__init__(f"there is no incident {incident}")
        self.incident = incident


class UnknownMaintenanceError(LookupError):
    """The number of a window of maintenance that is not there."""

    def __init__(self, window: int) -> None:
        super().__init__(f"there is no window of maintenance {window}")
        self.window = window


class BadVerdictError(ValueError):
    """A verdict that contradicts itself or names what is not there."""


class BadFormError(ValueError):
    """A form that is not one of the pages' own."""


class StoreUnavailableError(OSError):
    """The store cannot be written or read just now; the sender should try again."""


class NewerStoreError(StoreUnavailableError):
    """A store's file that a later Sunspot wrote."""

    def __init__(self, revision: str, written_by: str, *, newest: str, running: str) -> None:
        super().__init__(
            f"the store was written by Sunspot {written_by} at revision {revision}, and this is Sunspot "
            f"{running}, which knows revisions up to {newest}: run the newer version, or restore a backup"
        )
        self.revision = revision
        self.written_by = written_by


class UnreadableStoreError(StoreUnavailableError):
    """A store's file whose tables are not those that its revision has."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the store cannot be used as it is: {reason}; restore a backup")
        self.reason = reason


class TargetDownError(OSError):
    """A target of messages that does not answer, or asks to be tried later."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class MessageRefusedError(ValueError):
    """A message that its target refused."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class NoTokenError(PermissionError):
    """A request without a valid token where one is needed."""

    def __init__(self) -> None:
        super().__init__("a valid bearer token is needed: see `sunspot token --help`")


class MissingScopeError(PermissionError):
    """A token that does not allow what was asked."""

    def __init__(self, sender: str, scope: str) -> None:
        super().__init__(f"the token {sender!r} lacks the scope {scope!r}")
        self.sender = sender
        self.scope = scope


class SignInNeededError(PermissionError):
    """A page asked for by a browser that has not signed in."""

    def __init__(self, path: str) -> None:
        super().__init__(f"sign in to read {path}")
        self.path = path


class ForeignHostError(PermissionError):
    """A request addressed to another name than this machine's own, while no token protects it."""

    def __init__(self, host: str) -> None:
        super().__init__(f"without tokens only loopback names are answered, not {host!r}")
        self.host = host


class ForeignOriginError(PermissionError):
    """A change asked for by a page of another site."""

    def __init__(self, origin: str) -> None:
        super().__init__(f"pages of {origin!r} may not change anything here")
        self.origin = origin


class OpenToTheNetworkError(RuntimeError):
    """A service that would listen beyond this machine without a single token."""

    def __init__(self, host: str) -> None:
        super().__init__(
            f"refusing to listen on {host} without tokens: create one with "
            "`sunspot token create NAME --scope …`, or listen on 127.0.0.1"
        )
        self.host = host


class BadCalendarFileError(ValueError):
    """A file of closures and openings that cannot be read."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"cannot read the calendar overrides in {path}: {reason}")
        self.path = path
        self.reason = reason


class Kind(NamedTuple):
    """How one kind of error is told."""

    status: HTTPStatus
    title: str


KINDS: dict[type[Exception], Kind] = {
    BadJsonError: Kind(HTTPStatus.BAD_REQUEST, "Not JSON"),
    BadBatchError: Kind(HTTPStatus.BAD_REQUEST, "Not a batch of signals"),
    BadWebhookError: Kind(HTTPStatus.BAD_REQUEST, "Not an alert webhook"),
    BadTableError: Kind(HTTPStatus.UNPROCESSABLE_ENTITY, "Not a CMDB document"),
    BadVerdictError: Kind(HTTPStatus.UNPROCESSABLE_ENTITY, "Not a verdict"),
    BadFormError: Kind(HTTPStatus.UNPROCESSABLE_ENTITY, "Not a form of these pages"),
    RequestValidationError: Kind(HTTPStatus.UNPROCESSABLE_ENTITY, "Not what this route reads"),
    BodyTooLargeError: Kind(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "Body too large"),
    BadEncodingError: Kind(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Encoding not understood"),
    BadMediaTypeError: Kind(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Form not understood"),
    UnknownItemError: Kind(HTTPStatus.NOT_FOUND, "Unknown configuration item"),
    UnknownIncidentError: Kind(HTTPStatus.NOT_FOUND, "Unknown incident"),
    UnknownMaintenanceError: Kind(HTTPStatus.NOT_FOUND, "Unknown window of maintenance"),
    NoTokenError: Kind(HTTPStatus.UNAUTHORIZED, "Token needed"),
    MissingScopeError: Kind(HTTPStatus.FORBIDDEN, "Scope missing"),
    ForeignHostError: Kind(HTTPStatus.MISDIRECTED_REQUEST, "Foreign host name"),
    ForeignOriginError: Kind(HTTPStatus.FORBIDDEN, "Foreign origin"),
    HistoryWriteError: Kind(HTTPStatus.SERVICE_UNAVAILABLE, "History unavailable"),
    StoreUnavailableError: Kind(HTTPStatus.SERVICE_UNAVAILABLE, "Store unavailable"),
}
"""Every error that a route can raise, and how it is told."""

NOT_READY = HTTPStatus.SERVICE_UNAVAILABLE
SEE_OTHER = HTTPStatus.SEE_OTHER
SIGN_IN_REFUSED = HTTPStatus.UNAUTHORIZED


def problem_of(error: Exception) -> dict[str, Any]:
    """Problem document of an error that `KINDS` knows, or of a class derived from one."""
    known, kind = next((each, KINDS[each]) for each in type(error).__mro__ if each in KINDS)
    slug = re.sub(r"(?<!^)(?=[A-Z])", "-", known.__name__.removesuffix("Error")).lower()
    document = {
        "type": f"urn:sunspot:problem:{slug}",
        "title": kind.title,
        "status": int(kind.status),
        "detail": str(error),
    }
    if isinstance(error, RequestValidationError):
        document["detail"] = "; ".join(f"{_place(each)}: {each['msg']}" for each in error.errors()[:20])
    return document


def problem_answer(document: dict[str, Any], headers: Mapping[str, str] | None = None) -> JSONResponse:
    """Answer with a problem document and the status it names."""
    return JSONResponse(document, document["status"], headers=headers, media_type=PROBLEM_TYPE)


def answer_error(error: Exception) -> JSONResponse:
    """Answer with the problem document of an error that `KINDS` knows."""
    headers = {"WWW-Authenticate": "Bearer"} if isinstance(error, NoTokenError) else None
    return problem_answer(problem_of(error), headers)


def problems(*errors: type[Exception]) -> dict[int | str, dict[str, Any]]:
    """Responses to declare on a route that may raise these errors."""
    told: dict[int | str, list[Kind]] = {}
    for error in errors:
        told.setdefault(int(KINDS[error].status), []).append(KINDS[error])
    return {
        status: {
            "description": " or ".join(kind.title.lower() for kind in kinds).capitalize(),
            "content": {PROBLEM_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status, kinds in told.items()
    }


def install_handlers(app: FastAPI) -> None:
    """Have every error of the application answered by a problem document."""

    async def known(_request: Request, error: Exception) -> Response:
        return answer_error(error)

    for each in KINDS:
        app.add_exception_handler(each, known)

    @app.exception_handler(HTTPException)
    async def from_framework(_request: Request, error: HTTPException) -> Response:
        return problem_answer(_plain(HTTPStatus(error.status_code), error.detail), error.headers)

    @app.exception_handler(SignInNeededError)
    async def sign_in(_request: Request, error: SignInNeededError) -> Response:
        return RedirectResponse(f"/sign-in?{urlencode({'to': error.path})}", SEE_OTHER)

    @app.exception_handler(Exception)
    async def unexpected(request: Request, error: Exception) -> Response:
        logger.error("request failed", exc_info=error, extra={"path": request.url.path})
        return problem_answer(
            _plain(HTTPStatus.INTERNAL_SERVER_ERROR, "this is a fault in Sunspot; its log has the details")
        )


def _plain(status: HTTPStatus, detail: str) -> dict[str, Any]:
    return {"type": "about:blank", "title": status.phrase, "status": int(status), "detail": detail}


def _place(error: Mapping[str, Any]) -> str:
    return ".".join(str(part) for part in error["loc"])
