"""A server on loopback that plays Prometheus's documented answers."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from local_servers import serving

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES, COUNT, RANGE = "/api/v1/label/__name__/values", "/api/v1/query", "/api/v1/query_range"


@dataclass(frozen=True)
class Asked:
    """A request: its path, and its parameters wherever they were."""

    path: str
    parameters: dict[str, str]
    authorization: str = ""

    @property
    def n_ticks(self) -> int:
        start, end, step = (float(self.parameters[name]) for name in ("start", "end", "step"))
        return round((end - start) / step) + 1


@dataclass(frozen=True)
class Given:
    """An answer; ``length`` is claimed for its body if it is to be cut."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    length: int | None = None


Answering = Callable[[Asked], Given]


def success(data: Any, **others: Any) -> Given:
    return Given(200, json.dumps({"status": "success", "data": data, **others}).encode())


def failure(status: int, kind: str, error: str) -> Given:
    return Given(status, json.dumps({"status": "error", "errorType": kind, "error": error}).encode())


def matrix(*series: tuple[dict[str, str], list[tuple[float, str]]], **others: Any) -> Given:
    result = [{"metric": labels, "values": values} for labels, values in series]
    return success({"resultType": "matrix", "result": result}, **others)


def vector(counts: dict[str, int]) -> Given:
    result = [{"metric": {"__name__": name}, "value": [0, str(count)]} for name, count in counts.items()]
    return success({"resultType": "vector", "result": result})


def ticks_of(asked: Asked) -> list[float]:
    start, step = float(asked.parameters["start"]), float(asked.parameters["step"])
    return [round(start + number * step, 3) for number in range(asked.n_ticks)]


@contextmanager
def a_prometheus(answer: Answering) -> Iterator[tuple[str, list[Asked]]]:
    """Answer on loopback until the block ends; yields the address and what was asked."""
    asked: list[Asked] = []

    class Handler(BaseHTTPRequestHandler):
        def _handle(self) -> None:
            asked_for = urlsplit(self.path)
            sent = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            found = {name: texts[0] for name, texts in parse_qs(asked_for.query or sent).items()}
            request = Asked(asked_for.path, found, self.headers.get("Authorization", ""))
            asked.append(request)
            given = answer(request)
            self.send_response(given.status)
            for name, value in given.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(given.body) if given.length is None else given.length))
            self.end_headers()
            self.wfile.write(given.body)
            self.close_connection = True

        def do_GET(self) -> None:
            self._handle()

        def do_POST(self) -> None:
            self._handle()

    with serving(Handler) as address:
        yield address, asked
