"""Messages posted to a server on this machine."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from service.errors import MessageRefusedError, TargetDownError
from service.notify.http_post import post_to
from service.outgoing import Outgoing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def post(url: str, document: Mapping[str, Any]) -> None:
    """Post a document where the settings name no other receiver."""
    post_to(url, Outgoing({}, configured={"SUNSPOT_NOTIFY_URL": url}))(document)


class Receiver(HTTPServer):
    """A server that answers every request with one status, and remembers what it was sent."""

    def __init__(self, status: int) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.status = status
        self.received: list[tuple[str, str, Any]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/pages"


class Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.append((self.path, self.headers["Content-Type"], json.loads(body)))
        self.send_response(self.server.status)
        self.send_header("Location", f"{self.server.url}/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the base class's name
        """Print nothing."""


@contextmanager
def a_receiver(status: int = 200) -> Iterator[Receiver]:
    """Run a server until the block ends."""
    with Receiver(status) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_a_document_arrives_as_json(status: int) -> None:
    with a_receiver(status) as server:
        post(server.url, {"item": "订单", "delivery": 7})
    assert server.received == [("/pages", "application/json", {"item": "订单", "delivery": 7})]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_a_refusal_and_is_not_followed(status: int) -> None:
    with a_receiver(status) as server, pytest.raises(MessageRefusedError, match="redirects are not followed"):
        post(server.url, {"item": "order"})
    assert [path for path, _, _ in server.received] == ["/pages"]


@pytest.mark.parametrize("status", [400, 401, 404, 410, 413, 422, 499])
def test_a_refusal_concerns_one_message(status: int) -> None:
    with a_receiver(status) as server, pytest.raises(MessageRefusedError, match=f"it answered {status}"):
        post(server.url, {"item": "order"})


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_an_answer_to_try_later_concerns_the_target(status: int) -> None:
    with a_receiver(status) as server, pytest.raises(TargetDownError, match=f"it answered {status}"):
        post(server.url, {"item": "order"})


def test_a_target_that_does_not_answer_is_down_and_its_address_stays_secret() -> None:
    with a_receiver() as server:
        url = f"{server.url}?token=secret"
    with pytest.raises(TargetDownError) as caught:
        post(url, {"item": "order"})
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("url", ["http://[", "http://127.0.0.1:99999/", "http://"])
def test_an_address_that_is_none_is_a_target_that_is_down(url: str) -> None:
    with pytest.raises(TargetDownError):
        post_to(url, Outgoing({}))({"item": "order"})


def test_a_proxy_of_the_environment_is_not_asked_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with a_receiver() as server:
        post(server.url, {"item": "order"})
    assert len(server.received) == 1


def test_a_proxy_of_the_environment_is_asked_for_other_machines(monkeypatch: pytest.MonkeyPatch) -> None:
    with a_receiver() as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.server_port}")
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        post("http://chat.invalid/pages", {"item": "order"})
    assert [path for path, _, _ in proxy.received] == ["http://chat.invalid/pages"]
