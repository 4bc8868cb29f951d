"""The application called without a socket: a request in, status and body out, thousands a second."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

from service.app import create_app
from service.model_registry.refresher import NoSource
from service.model_registry.sources import Sources
from service.settings import Settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, MutableMapping, Sequence
    from pathlib import Path

    Headers = Sequence[tuple[bytes, bytes]]

HOST = (b"host", b"localhost")


@dataclass(frozen=True)
class StillClock:
    """A clock that stands still."""

    at: datetime

    def now(self) -> datetime:
        """The present."""
        return self.at


@dataclass(frozen=True)
class Asked:
    """A request as it reaches the application.

    Attributes
    ----------
    path
        Percent-encoded, without the query.
    headers
        Names in lower case; the host is added where it is missing.
    """

    method: str
    path: str
    query: bytes = b""
    headers: tuple[tuple[bytes, bytes], ...] = ()
    body: bytes = b""


@dataclass(frozen=True)
class Answered:
    """An answer; or an error that came out of the application, as well.

    Attributes
    ----------
    status
        The status, 0 if there was no answer.
    headers
        Names in lower case.
    error
        What was raised, if anything: a server would log it.
    """

    status: int
    headers: dict[str, str]
    body: bytes
    error: BaseException | None = None


@asynccontextmanager
async def application(directory: Path, clock: StillClock, **chosen: object) -> AsyncIterator[Any]:
    """Run the application without its workers; whoever calls it does their rounds."""
    settings = Settings.model_validate({"data_dir": directory, **chosen})
    app: Any = create_app(settings, sources=Sources(NoSource), clock=clock, background=False)
    async with app.router.lifespan_context(app):
        yield app


async def ask(app: Any, asked: Asked, *, address: str = "127.0.0.1") -> Answered:
    """Call the application with one request from an address, as a server would."""
    headers = list(asked.headers)
    if all(name != b"host" for name, _ in headers):
        headers.append(HOST)
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": asked.method,
        "scheme": "http",
        "path": unquote_to_bytes(asked.path).decode("utf-8", errors="replace"),
        "raw_path": asked.path.encode("ascii", errors="replace"),
        "query_string": asked.query,
        "root_path": "",
        "headers": headers,
        "client": (address, 40_000),
        "server": ("localhost", 80),
    }
    waiting = [{"type": "http.request", "body": asked.body, "more_body": False}]
    started: list[MutableMapping[str, Any]] = []
    chunks: list[bytes] = []

    async def receive() -> MutableMapping[str, Any]:
        return waiting.pop() if waiting else {"type": "http.disconnect"}

    async def send(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            started.append(message)
        else:
            chunks.append(message.get("body", b""))

    error = None
    try:
        await app(scope, receive, send)
    except Exception as raised:  # noqa: BLE001  whatever comes out is what is looked for
        error = raised
    status = started[0]["status"] if started else 0
    sent = started[0]["headers"] if started else ()
    answer = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in sent}
    return Answered(status, answer, b"".join(chunks), error)
