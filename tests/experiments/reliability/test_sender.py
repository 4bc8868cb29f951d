from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING

import pytest

from experiments.reliability.errors import RefusedError
from experiments.reliability.load import Load
from experiments.reliability.sender import Sender

if TYPE_CHECKING:
    from collections.abc import Iterator


class Echo(BaseHTTPRequestHandler):
    """Answers a post with its own body, and ``/no`` with 418."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(418 if self.path == "/no" else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def port() -> Iterator[int]:
    with HTTPServer(("127.0.0.1", 0), Echo) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join(10)


def test_what_must_be_accepted_and_is_not_is_an_error(port: int) -> None:
    with Sender(port) as sender:
        assert sender.accepted("/yes", {"a": 1}) == {"a": 1}
        with pytest.raises(RefusedError, match=r"/no was answered with 418"):
            sender.accepted("/no", {})


def test_every_request_due_is_sent_once_and_failures_are_counted(port: int) -> None:
    sent: list[int] = []
    enough = threading.Event()

    def body(number: int) -> bytes:
        sent.append(number)
        if len(sent) > 9:
            enough.set()
        return b"{}"

    for path in ("/yes", "/no"):
        sent.clear()
        enough.clear()
        with Load(port, path, body, per_s=1_000, n_connections=1) as load:
            assert enough.wait(20)
        assert sent == list(range(len(sent)))
        assert load.waits.n + load.waits.n_failed == len(sent)
        assert load.refused == ({} if path == "/yes" else {"418": len(sent)})
