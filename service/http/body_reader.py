"""Request bodies: bounded, unpacked, and read as JSON."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from anyio import to_thread
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from starlette.datastructures import Headers

from service.errors import BadEncodingError, BadJsonError, BodyTooLargeError
from service.http.problems import answer_error
from telemetry.decoders import json_samples
from telemetry.errors import BadBatchError
from telemetry.snappy_block import BadBlockError, LongBlockError, unpack_block

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from telemetry.decoders.gathering import Decoded

Model = TypeVar("Model", bound=BaseModel)

GZIP = 16 + zlib.MAX_WBITS
METHODS_WITH_BODY = frozenset({"POST", "PUT", "PATCH", "DELETE"})


class BoundedBody:
    """Middleware that reads a body up to a limit and unpacks it, so that routes see plain bytes.

    Understood are gzip, and snappy's block format.

    A body longer than the limit, packed or unpacked, is refused without being stored.
    """

    def __init__(self, app: ASGIApp, *, limit_bytes: int) -> None:
        self.app = app
        self.limit_bytes = limit_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on with its body read, or refuse the body."""
        if scope["type"] != "http" or scope["method"] not in METHODS_WITH_BODY:
            await self.app(scope, receive, send)
            return
        try:
            body = await self._read(Headers(scope=scope), receive)
        except (BodyTooLargeError, BadEncodingError) as error:
            await answer_error(error, scope)(scope, receive, send)
            return
        if body is None:
            return
        waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def replay() -> Message:
            return waiting.pop() if waiting else await receive()

        _drop_encoding(scope)
        await self.app(scope, replay, send)

    async def _read(self, headers: Headers, receive: Receive) -> bytes | None:
        """Return the plain body, or ``None`` if the sender disconnected."""
        claimed = headers.get("content-length", "")
        if claimed.isdigit() and int(claimed) > self.limit_bytes:
            raise BodyTooLargeError(self.limit_bytes)
        chunks, size, more = [], 0, True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            chunks.append(message.get("body", b""))
            more = message.get("more_body", False)
            size += len(chunks[-1])
            if size > self.limit_bytes:
                raise BodyTooLargeError(self.limit_bytes)
        body = b"".join(chunks)
        encoding = headers.get("content-encoding", "identity").strip().lower()
        if encoding in {"", "identity"}:
            return body
        unpack = UNPACK.get(encoding)
        if unpack is None:
            raise BadEncodingError(encoding, "only gzip and snappy are")
        return await to_thread.run_sync(unpack, body, self.limit_bytes)


def unpack_gzip(body: bytes, limit_bytes: int) -> bytes:
    """Return what a gzip body holds, never more than ``limit_bytes``.

    Raises
    ------
    BodyTooLargeError
        If it holds more; no more than the limit is ever unpacked.
    BadEncodingError
        If it is not gzip, or cut short.
    """
    unpacker = zlib.decompressobj(GZIP)
    try:
        plain = unpacker.decompress(body, limit_bytes + 1)
    except zlib.error as error:
        raise BadEncodingError("gzip", str(error)) from error
    if len(plain) > limit_bytes:
        raise BodyTooLargeError(limit_bytes)
    if not unpacker.eof:
        raise BadEncodingError("gzip", "it is cut short")
    return plain


def unpack_snappy(body: bytes, limit_bytes: int) -> bytes:
    """Return what a body in snappy's block format holds, never more than ``limit_bytes``.

    Raises
    ------
    BodyTooLargeError
        If it claims to hold more; nothing is unpacked then.
    BadEncodingError
        If it is not snappy, or cut short.
    """
    try:
        return unpack_block(body, max_bytes=limit_bytes)
    except LongBlockError as error:
        raise BodyTooLargeError(limit_bytes) from error
    except BadBlockError as error:
        raise BadEncodingError("snappy", str(error)) from error


UNPACK = {"gzip": unpack_gzip, "snappy": unpack_snappy}
"""How to unpack each encoding that a body may have."""


def read_json(body: bytes) -> Any:
    """Return a JSON document.

    Raises
    ------
    BadJsonError
        If the body is not JSON; the reason names the position.
    """
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadJsonError(str(error)) from error


def read_samples(body: bytes) -> Decoded:
    """Return the samples of a JSON document.

    Raises
    ------
    BadJsonError
        If the body is no JSON at all.
    BadBatchError
        If it is, but no batch.
    """
    try:
        return json_samples.decode(body)
    except BadBatchError:
        read_json(body)
        raise


def read_as(body: bytes, model: type[Model]) -> Model:
    """Return a JSON document as a model of it.

    Raises
    ------
    BadJsonError
        If the body is no JSON at all.
    RequestValidationError
        If it is, but not what the model describes.
    """
    document = read_json(body)
    try:
        return model.model_validate(document)
    except ValidationError as error:
        raise RequestValidationError(error.errors(include_url=False, include_context=False)) from error


def _drop_encoding(scope: Scope) -> None:
    dropped = {b"content-encoding", b"content-length"}
    scope["headers"] = [each for each in scope["headers"] if each[0].lower() not in dropped]
