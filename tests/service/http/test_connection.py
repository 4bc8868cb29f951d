"""Hostile and slow senders, as raw bytes to a real server on this machine."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING

import pytest
from fastapi import Response
from service_builders import NOW, an_app

from service.data_directory import STORE
from service.http.connection import BoundedConnection, Limits
from service.http.server import AnnouncingServer, bind, bounded_config
from service.store.database import Database
from service.store.tokens import TokenStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

N_LARGE = 32 * 2**20
QUICK = Limits(head_s=0.6, grace_s=0.6, body_bytes_s=1000.0, stalled_s=0.6, discarded_bytes=200_000)
GET = b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n"
POST = b"POST /v1/samples HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000\r\n\r\n"


@contextmanager
def a_server(directory: Path, limits: Limits = QUICK, **chosen: object) -> Iterator[tuple[str, int]]:
    """Run the application on a free port; yield its address."""
    with a_running_server(directory, limits, **chosen) as (address, _):
        yield address


@contextmanager
def a_running_server(
    directory: Path, limits: Limits, **chosen: object
) -> Iterator[tuple[tuple[str, int], AnnouncingServer]]:
    """Run the application on a free port; yield its address and the server."""
    app = an_app(directory, port=0, **chosen)
    app.add_route("/large", lambda _request: Response(b"a" * N_LARGE))  # beside the table of access
    listener, settings = bind(app.state.rooms.settings)
    is_listening = threading.Event()
    server = AnnouncingServer(
        bounded_config(app, settings, limits=limits),
        settings,
        app.state.rooms.access.gate,
        announce=lambda _line: is_listening.set(),
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    with listener:
        thread.start()
        try:
            assert is_listening.wait(20)
            yield listener.getsockname(), server
        finally:
            server.force_exit = server.should_exit = True
            thread.join(20)
    assert not thread.is_alive()


@contextmanager
def connected(address: tuple[str, int], sent: bytes = b"") -> Iterator[socket.socket]:
    with socket.create_connection(address, timeout=10) as connection:
        connection.sendall(sent)
        yield connection


def wait_until(is_so: Callable[[], bool]) -> None:
    """Wait for what another thread does, at most half a minute."""
    for _ in range(3_000):
        if is_so():
            return
        time.sleep(0.01)
    pytest.fail("it did not come to pass")


def n_at_work(server: AnnouncingServer) -> int:
    """Number of connections with a request in progress."""
    connections = [each for each in server.server_state.connections if isinstance(each, BoundedConnection)]
    return sum(not each.is_between_requests for each in connections)


def all_of(connection: socket.socket) -> bytes:
    """Everything until the server closes; it must close."""
    received = b""
    try:
        while piece := connection.recv(65_536):
            received += piece
    except ConnectionResetError:
        pass
    return received


def send_until_closed(connection: socket.socket, piece: bytes, *, at_most: int) -> int:
    """Send without an end; return how many bytes the server took before it closed."""
    n_sent = 0
    try:
        while n_sent < at_most:
            connection.sendall(piece)
            n_sent += len(piece)
    except OSError:
        pass
    return n_sent


def answered(address: tuple[str, int]) -> float:
    """Seconds that an ordinary request takes."""
    began_s = time.perf_counter()
    with connected(address, GET) as connection:
        assert connection.recv(100).startswith(b"HTTP/1.1 200")
    return time.perf_counter() - began_s


@pytest.mark.parametrize(
    ("start", "piece"),
    [
        (b"GET / HTTP/1.1\r\nx: ", b"a" * 65_536),
        (b"GET / HTTP/1.1\r\n", b"a: b\r\n" * 10_000),
        (b"GET /", b"a" * 65_536),
        (b"POST /v1/samples HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n1;", b"a" * 65_536),
        (b"POST /v1/samples HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n0\r\nx: ", b"a" * 65_536),
    ],
    ids=["value", "headers", "url", "chunk", "trailer"],
)
def test_a_head_without_an_end_is_cut_off(tmp_path: Path, start: bytes, piece: bytes) -> None:
    with a_server(tmp_path) as address, connected(address, start) as connection:
        used_s = time.process_time()
        assert send_until_closed(connection, piece, at_most=64 * 2**20) < 16 * 2**20
        assert time.process_time() - used_s < 2
        answered(address)


def test_a_head_that_is_too_large_is_answered_so(tmp_path: Path) -> None:
    with a_server(tmp_path) as address, connected(address) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nhost: localhost\r\nx: " + b"a" * 66_000 + b"\r\n\r\n")
        assert all_of(connection).startswith(b"HTTP/1.1 431 ")


def test_a_large_head_within_the_limit_is_read(tmp_path: Path) -> None:
    with a_server(tmp_path) as address, connected(address) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nx: " + b"a" * 60_000)
        connection.sendall(b"\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("sent", [b"GET /healthz HTTP/1.1\r\nhost:", POST + b"{"], ids=["head", "body"])
def test_what_stays_away_is_given_up_with_408(tmp_path: Path, sent: bytes) -> None:
    with a_server(tmp_path) as address, connected(address, sent) as connection:
        assert all_of(connection).startswith(b"HTTP/1.1 408 ")


def test_a_connection_that_sends_nothing_is_closed_without_a_word(tmp_path: Path) -> None:
    with a_server(tmp_path) as address, connected(address) as connection:
        assert all_of(connection) == b""


def test_a_body_that_trickles_is_given_up(tmp_path: Path) -> None:
    with a_server(tmp_path) as address, connected(address, POST) as connection:
        connection.settimeout(0.1)
        began_s = time.perf_counter()
        received = b""
        while not received and time.perf_counter() - began_s < 10:
            connection.sendall(b" ")
            with suppress(TimeoutError):
                received = connection.recv(100)
        assert received.startswith(b"HTTP/1.1 408 ")


def test_slow_senders_cost_others_nothing(tmp_path: Path) -> None:
    patient = Limits(connections=400)
    with a_server(tmp_path, patient) as address, ExitStack() as opened:
        for number in range(200):
            sent = POST + b"{" if number % 2 else b"GET / HTTP/1.1\r\nx:"
            opened.enter_context(connected(address, sent))
        assert sorted(answered(address) for _ in range(20))[10] < 1


def test_beyond_the_most_connections_the_longest_idle_one_makes_room(tmp_path: Path) -> None:
    patient = Limits(connections=3, head_s=60, grace_s=60)
    with a_running_server(tmp_path, patient) as (address, server), ExitStack() as opened:
        first, second, third = (opened.enter_context(connected(address, POST)) for _ in range(3))
        wait_until(lambda: n_at_work(server) == 3)
        with connected(address) as one_too_many:
            assert all_of(one_too_many).startswith(b"HTTP/1.1 503 ")
        second.sendall(b" " * 1000)
        assert second.recv(1000).startswith(b"HTTP/1.1 400 ")
        with connected(address, GET) as another:
            assert another.recv(1000).startswith(b"HTTP/1.1 200 ")
            assert not all_of(second).startswith(b"HTTP")
        for each in (first, third):
            each.sendall(b" " * 1000)
            assert each.recv(1000).startswith(b"HTTP/1.1 400 ")


def test_requests_ahead_of_their_answers_are_bounded(tmp_path: Path) -> None:
    with a_server(tmp_path) as address:
        with connected(address, GET * 10) as few:
            received = b""
            while received.count(b"HTTP/1.1 200") < 10:
                received += few.recv(65_536)
        with connected(address, GET * 1000) as many:
            assert all_of(many).count(b"HTTP/1.1 200") < 1000


def test_without_a_token_no_body_is_read(tmp_path: Path) -> None:
    database = Database(tmp_path / STORE)
    TokenStore(database).create("reader", ["read"], at=NOW, who="test")
    database.close()
    head = b"POST /v1/samples HTTP/1.1\r\nhost: localhost\r\ncontent-length: 8000000\r\n\r\n"
    with a_server(tmp_path) as address, connected(address, head) as connection:
        assert connection.recv(1000).startswith(b"HTTP/1.1 401 ")
        assert send_until_closed(connection, b"a" * 10_000, at_most=8_000_000) < 8_000_000
        with connected(address, head.replace(b"8000000", b"100000") + b"a" * 100_000) as small:
            assert small.recv(1000).startswith(b"HTTP/1.1 401 ")
            small.sendall(GET)
            assert small.recv(1000).startswith(b"HTTP/1.1 200 ")


def test_an_answer_that_nobody_reads_is_given_up(tmp_path: Path) -> None:
    with a_running_server(tmp_path, QUICK) as (address, server), connected(address) as connection:
        connection.sendall(b"GET /large HTTP/1.1\r\nhost: localhost\r\n\r\n")
        wait_until(lambda: connection.recv(1, socket.MSG_PEEK) != b"")
        wait_until(lambda: not server.server_state.connections)
        assert len(all_of(connection)) < N_LARGE


def test_an_answer_that_is_read_slowly_arrives(tmp_path: Path) -> None:
    with a_server(tmp_path, Limits(stalled_s=60)) as address, connected(address) as reader:
        reader.sendall(b"GET /large HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
        assert len(all_of(reader)) > N_LARGE
