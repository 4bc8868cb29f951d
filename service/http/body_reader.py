"""Request bodies: bounded, unpacked, and read as JSON."""

from __future__ import annotations

import re
import zlib
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from anyio import to_thread
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from starlette.datastructures import Headers

from service.errors import BadEncodingError, BadJsonError, BodyTooLargeError, BusyError
from service.http.body_budget import BodyBudget
from service.http.problems import answer_error
from telemetry.decoders import json_samples
from telemetry.errors import BadBatchError
from telemetry.snappy_block import BadBlockError, LongBlockError, unpack_block

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from service.http.body_budget import Share
    from telemetry.decoders.gathering import Decoded

Model = TypeVar("Model", bound=BaseModel)

GZIP = 16 + zlib.MAX_WBITS
REFUSALS = (BodyTooLargeError, BadEncodingError, BusyError)
MAX_NESTING = 64
CONTAINERS = frozenset({dict, list})
A_LENGTH = re.compile(r"[0-9]{1,18}")
METHODS_WITH_BODY = frozenset({"POST", "PUT", "PATCH", "DELETE"})


class BoundedBody:
    """Middleware that reads a body up to a limit and unpacks it, so that routes see plain bytes.

    Understood are gzip, and snappy's block format.

    A body is read only once a route asks for it, so that a request which is refused for its head costs no
    more. A body longer than the limit, packed or unpacked, is refused without being stored.

    Parameters
    ----------
    limit_bytes
        Longest body, unpacked.
    budget_bytes
        Most bytes of all bodies held at once; at least two of the longest body, one packed and one unpacked.
    """

    def __init__(self, app: ASGIApp, *, limit_bytes: int, budget_bytes: int) -> None:
        self.app = app
        self.limit_bytes = limit_bytes
        self.budget = BodyBudget(max(budget_bytes, 2 * limit_bytes))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, with a body that is read when it is asked for."""
        if scope["type"] != "http" or scope["method"] not in METHODS_WITH_BODY:
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)  # of the sender, from before they are changed
        _drop_encoding(scope)
        with self.budget.share() as share:
            reading = _Reading(lambda: self._read(headers, receive, share), receive, send)
            try:
                await self.app(scope, reading.receive, reading.send)
            except REFUSALS:
                if reading.refusal is None:
                    raise
            if reading.refusal is not None:
                await answer_error(reading.refusal, scope)(scope, receive, send)

    async def _read(self, headers: Headers, receive: Receive, share: Share) -> bytes | None:
        """Return the plain body, or ``None`` if the sender disconnected."""
        claimed = headers.get("content-length", "")
        if A_LENGTH.fullmatch(claimed) and int(claimed) > self.limit_bytes:
            raise BodyTooLargeError(self.limit_bytes)
        chunks: list[bytes] = []
        more = True
        with self.budget.arriving(share):
            while more:
                message = await receive()
                if message["type"] == "http.disconnect":
                    return None
                chunks.append(message.get("body", b""))
                more = message.get("more_body", False)
                if share.n_bytes + len(chunks[-1]) > self.limit_bytes:
                    raise BodyTooLargeError(self.limit_bytes)
                await self.budget.take(share, len(chunks[-1]))
        body = b"".join(chunks)
        chunks.clear()  # the budget counts a body once
        encoding = headers.get("content-encoding", "identity").strip().lower()
        if encoding in {"", "identity"}:
            return body
        unpack = UNPACK.get(encoding)
        if unpack is None:
            raise BadEncodingError(encoding, "only gzip and snappy are")
        await self.budget.take(share, self.limit_bytes)
        plain = await to_thread.run_sync(unpack, body, self.limit_bytes)
        self.budget.give_back(share, self.limit_bytes + len(body) - len(plain))
        return plain


class _Reading:
    """The body of one request, read at the first call of `receive`; a refused body is answered here alone."""

    def __init__(self, read: Callable[[], Awaitable[bytes | None]], receive: Receive, send: Send) -> None:
        self.refusal: Exception | None = None
        self._read = read
        self._receive = receive
        self._send = send
        self._is_read = self._is_answering = False

    async def receive(self) -> Message:
        """Return the body as one message, then what the server says."""
        if self._is_read:
            return await self._receive()
        self._is_read = True
        try:
            body = await self._read()
        except REFUSALS as error:
            if not self._is_answering:
                self.refusal = error
            raise
        if body is None:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(self, message: Message) -> None:
        """Pass on what the application answers, unless its body was refused."""
        if self.refusal is None:
            self._is_answering = True
            await self._send(message)


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
        If the body is not JSON, with a reason that names the position, or is nested deeper than
        `MAX_NESTING`: what looks at it next may recurse.
    """
    try:
        document = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadJsonError(str(error)) from error
    level = [document] if type(document) in CONTAINERS else []
    for _ in range(MAX_NESTING):
        below: list[Any] = []
        for each in level:
            below += each.values() if type(each) is dict else each
        level = [each for each in below if type(each) in CONTAINERS]
        if not level:
            return document
    raise BadJsonError(f"it is nested more than {MAX_NESTING} deep")


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
