"""One connection of a sender: what it may cost before a request is complete, and how long it may take.

uvicorn's parser sets no bounds: a header without an end is joined again with every packet, and a sender that
writes nothing is waited for. Here both end, so that slow senders cost nothing that others need.
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

if TYPE_CHECKING:
    import asyncio
    from typing import Self


LONGEST_STEP_S = 1.0
"""Time between two sweeps that counts at most: while the service stands still, nobody else is late."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a connection may cost.

    Attributes
    ----------
    head_bytes
        Longest head of a request, and most bytes in a row that bring neither a head nor a body forward.
    head_s
        Longest time without a complete head: on a new connection, and after each answer.
    grace_s, body_bytes_s
        After so many seconds of a body, its sender must have kept up so many bytes a second on average. The
        time in which the service itself does not read does not count.
    discarded_bytes
        Rest of a body that is read on after its answer, so that the sender sees the answer.
    stalled_s
        Longest time for which an answer may wait for its receiver to read on.
    connections
        Most connections; beyond it, the one that has waited longest for a head is closed for a new one.
    pipelined
        Most requests that are sent before the answers to earlier ones.
    """

    head_bytes: int = 64 * 1024
    head_s: float = 10.0
    grace_s: float = 10.0
    body_bytes_s: float = 4096.0
    discarded_bytes: int = 8 * 1024 * 1024
    stalled_s: float = 30.0
    connections: int = 500
    pipelined: int = 100


class _TooLargeError(ValueError):
    """A head or a queue over its limit; the parser turns it into an error of its own."""


class BoundedConnection(HttpToolsProtocol):
    """uvicorn's connection within `Limits`; the server calls `sweep` about once a second."""

    limits: ClassVar[Limits] = Limits()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.url = b""
        self.headers = []
        self._is_refused = False
        self._progress = 0  # heads and pieces of bodies that were read
        self._n_fruitless = 0  # bytes since then
        self._n_body = 0  # bytes of the body of the present request
        self._waited_s = 0.0  # for the head, or for the body, that is awaited
        self._n_unsent = 0
        self._stalled_s = 0.0
        self._swept_at = self._waiting_since = self.loop.time()

    @classmethod
    def within(cls, limits: Limits) -> type[Self]:
        """Return the class with other limits."""
        return type(cls.__name__, (cls,), {"limits": limits})

    @property
    def is_between_requests(self) -> bool:
        """Whether the next that it owes is a head: no request is in progress, and no body is left."""
        cycle = self.cycle
        return cycle is None or (cycle.response_complete and not cycle.more_body)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Make room for a new connection, or refuse it if every other one is at work."""
        super().connection_made(transport)
        if len(self.connections) <= self.limits.connections:
            return
        others = [each for each in self.connections if each is not self and not _is_closing(each)]
        if len(others) < self.limits.connections:
            return
        idle = [each for each in others if isinstance(each, BoundedConnection) and each.is_between_requests]
        if idle:
            min(idle, key=lambda each: each._waiting_since).transport.abort()  # noqa: SLF001  its own kind
        else:
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE, b"retry-after: 1\r\n")

    def data_received(self, data: bytes) -> None:
        """Parse what arrived, as long as it brings a request forward."""
        if self._is_refused:
            return
        before = self._progress
        super().data_received(data)
        self._n_fruitless = 0 if self._progress > before else self._n_fruitless + len(data)
        if self._n_fruitless > self.limits.head_bytes:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def on_headers_complete(self) -> None:
        """Start the request, unless its head is too large."""
        if self._head_is_large or len(self.pipeline) >= self.limits.pipelined:
            raise _TooLargeError
        self._progress += 1
        self._n_body, self._waited_s = 0, 0.0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Count a piece of a body, and pass it on unless its request was answered."""
        self._progress += 1
        self._n_body += len(body)
        if self.cycle.response_complete and self._n_body > self.limits.discarded_bytes:
            self._is_refused = True
            self.transport.close()
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Note that the request is complete, even if it was answered before."""
        self._progress += 1
        self.cycle.more_body = False
        self._waiting_since, self._waited_s = self.loop.time(), 0.0
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Go on to the next request."""
        super().on_response_complete()
        if not self.cycle.more_body:
            self._waiting_since, self._waited_s = self.loop.time(), 0.0
        else:
            self._unset_keepalive_if_required()  # the rest of the body has a time-out of its own

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  the base class's signature
        """Refuse what the parser did not understand, or did not finish because of its size."""
        is_large = self._head_is_large
        self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE if is_large else HTTPStatus.BAD_REQUEST)

    def sweep(self) -> None:
        """Close the connection if its sender takes too long."""
        now, limits = self.loop.time(), self.limits
        passed_s, self._swept_at = min(now - self._swept_at, LONGEST_STEP_S), now
        if self._is_stalled(passed_s):
            self.transport.abort()
        elif self.transport.is_closing():
            return
        elif self.is_between_requests:
            self._waited_s += passed_s
            if self._waited_s > limits.head_s:
                self._refuse(HTTPStatus.REQUEST_TIMEOUT)
        elif self.cycle.more_body and not self.flow.read_paused:
            self._waited_s += passed_s
            if self._waited_s > limits.grace_s and self._n_body < self._waited_s * limits.body_bytes_s:
                self._refuse(HTTPStatus.REQUEST_TIMEOUT)

    @property
    def _head_is_large(self) -> bool:
        size = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
        return size > self.limits.head_bytes

    def _is_stalled(self, passed_s: float) -> bool:
        """Whether the receiver has read next to nothing of its answer for too long."""
        before, self._n_unsent = self._n_unsent, self.transport.get_write_buffer_size()
        is_moving = not self._n_unsent or before - self._n_unsent > passed_s * self.limits.body_bytes_s
        self._stalled_s = 0.0 if is_moving else self._stalled_s + passed_s
        return self._stalled_s > self.limits.stalled_s

    def _refuse(self, status: HTTPStatus, headers: bytes = b"") -> None:
        """Answer in the place of the application, if it has not begun to, and close the connection."""
        self._is_refused = True
        if self.transport.is_closing():
            return
        is_answering = self.cycle is not None and not self.cycle.response_complete
        is_idle = not is_answering and not self._n_fruitless and status is HTTPStatus.REQUEST_TIMEOUT
        if not is_idle and not self.pipeline and not (is_answering and self.cycle.response_started):
            line = f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode()
            self.transport.write(line + headers + b"content-length: 0\r\nconnection: close\r\n\r\n")
        self.transport.close()


def _is_closing(connection: Any) -> bool:
    return connection.transport is None or connection.transport.is_closing()
