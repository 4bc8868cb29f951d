"""Requests are let in each on its own: who waits for the store keeps nobody else out."""

from __future__ import annotations

import asyncio
from threading import Event
from typing import TYPE_CHECKING, Any

from service.access.refusals import Refusals
from service.access.sender import LOCAL
from service.http.admission import N_AT_ONCE, AdmissionMiddleware
from service.metrics import Metrics
from service.settings import Settings

if TYPE_CHECKING:
    from service.access.sender import Sender
    from service.http.access import Found
    from service.http.credentials import Presented

COOKIE = (b"cookie", b"sunspot_session=secret")
TOKEN = (b"authorization", b"Bearer token")


class AdmissionWithSlowSessions:
    """Lets tokens in at once, and sessions when it is told."""

    def __init__(self) -> None:
        self.may_go_on = Event()

    def admit(self, _found: Found, presented: Presented) -> Sender:
        if not presented.token:
            assert self.may_go_on.wait(30)
        return LOCAL


async def admitted(middleware: AdmissionMiddleware, *headers: tuple[bytes, bytes]) -> None:
    scope: dict[str, Any] = {
        "type": "http",
        "method": "GET",
        "path": "/v1/incidents",
        "scheme": "http",
        "query_string": b"",
        "headers": [(b"host", b"localhost"), *headers],
        "client": ("127.0.0.1", 1),
    }
    await middleware(scope, None, None)  # type: ignore[arg-type]


def test_sessions_that_wait_for_the_store_keep_no_token_out() -> None:
    admission, reached = AdmissionWithSlowSessions(), []

    async def app(scope: Any, _receive: Any, _send: Any) -> None:
        reached.append(dict(scope["headers"]))

    async def both() -> None:
        middleware = AdmissionMiddleware(
            app,
            admission=admission,  # type: ignore[arg-type]
            refusals=Refusals(lambda: 0.0),
            metrics=Metrics(),
            settings=Settings.model_validate({}),
        )
        waiting = [asyncio.create_task(admitted(middleware, COOKIE)) for _ in range(2 * N_AT_ONCE)]
        await asyncio.sleep(0)
        await asyncio.wait_for(admitted(middleware, TOKEN), 20)
        assert reached[0][TOKEN[0]] == TOKEN[1]
        admission.may_go_on.set()
        await asyncio.gather(*waiting)

    asyncio.run(both())
    assert len(reached) == 2 * N_AT_ONCE + 1
