"""OpenTelemetry's protocol over gRPC.

A call's message is read only when one of a few threads is free and its sender is known, so that memory holds
no more messages than there are threads. Packed messages are unpacked by the library, up to the limit.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Any

import grpc

from service.doors.grpc_callers import admitted
from service.doors.grpc_status import DETAILS, refusal_of
from service.doors.otlp_methods import EXPORTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from service.doors.grpc_status import Refusal
    from service.doors.otlp_methods import Export
    from service.rooms import Rooms
    from service.settings import Settings

MOST_AT_ONCE = 8
"""Most calls that are worked on at the same time; the others wait without holding memory."""

MAX_WAITING = 1_000
LONGEST_MESSAGE_S = 30.0
"""A message that takes longer to arrive is given up: it holds a thread."""

GRACE_S = 5.0
IDLE_MS = 300_000
METHOD = "gRPC"
"""What calls are counted as, beside the methods of HTTP."""


class GrpcDoor:
    """A server of OpenTelemetry's protocol; it is bound when this returns, and answers once it is started.

    Attributes
    ----------
    port
        The port bound.

    Raises
    ------
    OSError
        If the address cannot be had, with what to do.
    """

    def __init__(self, rooms: Rooms, *, elapsed_s: Callable[[], float] = time.monotonic) -> None:
        settings = rooms.settings
        self._rooms = rooms
        self._elapsed_s = elapsed_s
        self._began_s: dict[Any, float] = {}
        self._lock = Lock()
        self._threads = ThreadPoolExecutor(n_at_once(settings), thread_name_prefix="grpc")
        self._server = grpc.server(
            self._threads,
            handlers=[self._handler(name, export) for name, export in EXPORTS.items()],
            options=_options(settings),
            maximum_concurrent_rpcs=MAX_WAITING,
        )
        try:
            self.port = self._server.add_insecure_port(_address(settings))
        except RuntimeError as error:
            self.stop()
            at = f"cannot listen on {settings.host} port {settings.otlp_grpc_port}"
            raise OSError(f"{at}: {error}; choose another with SUNSPOT_OTLP_GRPC_PORT") from error

    def start(self) -> None:
        """Answer calls from now on."""
        self._server.start()

    def stop(self, *, grace_s: float = GRACE_S) -> None:
        """Take no more calls, and wait for those in progress for at most ``grace_s`` seconds."""
        self._server.stop(grace_s).wait(2 * grace_s)
        self._threads.shutdown(wait=False, cancel_futures=True)

    def sweep(self) -> None:
        """Give up calls whose message takes too long to arrive."""
        latest_s = self._elapsed_s() - LONGEST_MESSAGE_S
        with self._lock:
            slow = [call for call, began_s in self._began_s.items() if began_s < latest_s]
        for each in slow:
            each.cancel()

    def _handler(self, service: str, export: Export) -> Any:
        # a stream of one message: so it is read here, after its sender was found valid
        call = grpc.stream_unary_rpc_method_handler(partial(self._call, f"/{service}/Export", export))
        return grpc.method_handlers_generic_handler(service, {"Export": call})

    def _call(self, path: str, export: Export, messages: Iterator[bytes], call: Any) -> bytes:
        answer = self._answer(path, export, messages, call)
        if isinstance(answer, bytes):
            self._rooms.metrics.count_request(METHOD, path, 0)
            return answer
        self._rooms.metrics.count_request(METHOD, path, answer.code.value[0])
        if answer.details:
            call.set_trailing_metadata(((DETAILS, answer.details),))
        call.abort(answer.code, answer.message)  # raises
        return b""

    def _answer(self, path: str, export: Export, messages: Iterator[bytes], call: Any) -> bytes | Refusal:
        try:
            sender = admitted(self._rooms, call.peer(), call.invocation_metadata(), path)
            with self._arriving(call):
                message = next(messages, b"")
            return export(message, self._rooms, sender.name)
        except grpc.RpcError:
            raise  # the sender is gone, or its message was too long: the library answers
        except Exception as error:  # noqa: BLE001  whatever it is, it is answered
            return refusal_of(error)

    @contextmanager
    def _arriving(self, call: Any) -> Iterator[None]:
        with self._lock:
            self._began_s[call] = self._elapsed_s()
        try:
            yield
        finally:
            with self._lock:
                del self._began_s[call]


def n_at_once(settings: Settings) -> int:
    """How many messages, each packed and unpacked, the memory for bodies has room for."""
    return max(1, min(MOST_AT_ONCE, settings.body_budget_bytes // (2 * settings.body_limit_bytes)))


def _options(settings: Settings) -> list[tuple[str, int]]:
    return [
        ("grpc.max_receive_message_length", settings.body_limit_bytes),  # unpacked, too
        ("grpc.max_allowed_incoming_connections", settings.max_connections),
        ("grpc.max_connection_idle_ms", IDLE_MS),
        ("grpc.so_reuseport", 0),  # a port in use is an error, and not shared
    ]


def _address(settings: Settings) -> str:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"{host}:{settings.otlp_grpc_port}"
