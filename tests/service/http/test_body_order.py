from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from fastapi.routing import APIRoute
from service_builders import NOW, a_client, an_app

from service.data_directory import STORE
from service.store.database import Database
from service.store.tokens import TokenStore

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.types import Message

SIGN_IN = {"/sign-in", "/sign-out"}


def routes_of(routes: Any) -> list[tuple[str, str]]:
    """Method and path of every route that reads a body, also of included routers."""
    found = []
    for each in routes:
        if isinstance(each, APIRoute):
            found += [(method, each.path) for method in each.methods - {"GET", "HEAD"}]
        else:
            found += routes_of(getattr(getattr(each, "original_router", None), "routes", ()))
    return found


def test_no_route_reads_the_body_of_a_stranger(tmp_path: Path) -> None:
    database = Database(tmp_path / STORE)
    TokenStore(database).create("reader", ["read"], at=NOW, who="test")
    database.close()
    app = an_app(tmp_path)
    answers: list[Message] = []

    async def receive() -> Message:
        pytest.fail("the body was asked for")

    async def send(message: Message) -> None:
        answers.append(message)

    routes = routes_of(app.routes)
    assert len(routes) > 8
    with a_client(app):
        for method, path in sorted(set(routes)):
            if path not in SIGN_IN:
                answers.clear()
                scope = {
                    "type": "http",
                    "method": method,
                    "path": path.replace("{incident}", "1").replace("{window}", "1"),
                    "raw_path": b"",
                    "query_string": b"",
                    "root_path": "",
                    "scheme": "http",
                    "server": ("localhost", 80),
                    "headers": [(b"host", b"localhost"), (b"content-length", b"9")],
                }
                asyncio.run(app(scope, receive, send))
                assert answers[0]["status"] == 401, path
