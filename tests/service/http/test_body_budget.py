from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from service.errors import BusyError
from service.http.body_budget import BodyBudget
from service.http.body_reader import BoundedBody

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.types import Message, Receive, Scope, Send


class Steady:
    """A steady clock that is moved by hand."""

    def __init__(self) -> None:
        self.at_s = 0.0

    def __call__(self) -> float:
        return self.at_s


def test_what_a_share_holds_is_given_back_when_it_ends() -> None:
    async def told() -> None:
        budget = BodyBudget(10)
        with budget.share() as share:
            await budget.take(share, 8)
            budget.give_back(share, 3)
            assert (budget.n_bytes, share.n_bytes) == (5, 5)
        assert budget.n_bytes == 0

    asyncio.run(told())


def test_a_body_waits_for_room_and_gets_it() -> None:
    async def told() -> None:
        budget = BodyBudget(10)
        with budget.share() as second:
            with budget.share() as first:
                await budget.take(first, 8)
                waiting = asyncio.ensure_future(budget.take(second, 8))
                await asyncio.sleep(0)
                assert not waiting.done()
            await waiting
            assert budget.n_bytes == 8

    asyncio.run(told())


def test_a_body_without_room_is_refused_in_the_end() -> None:
    async def told() -> None:
        budget = BodyBudget(10, patience_s=0)
        with budget.share() as first, budget.share() as second:
            await budget.take(first, 8)
            with pytest.raises(BusyError, match="memory"):
                await budget.take(second, 8)
            assert budget.n_bytes == 8

    asyncio.run(told())


def test_the_body_that_arrives_slowest_makes_room() -> None:
    async def told() -> None:
        clock = Steady()
        budget = BodyBudget(10, elapsed_s=clock)
        never = asyncio.Event()

        async def arrive(n_bytes: int) -> str:
            with budget.share() as share:
                try:
                    with budget.arriving(share):
                        await budget.take(share, n_bytes)
                        await never.wait()
                except BusyError as error:
                    return str(error)
            return ""

        slow, fast = (asyncio.ensure_future(arrive(n_bytes)) for n_bytes in (3, 5))
        await asyncio.sleep(0)
        clock.at_s = 3.0
        with budget.share() as asking:
            await budget.take(asking, 4)
            assert "too slowly" in await slow
            assert not fast.done()
        never.set()
        assert await fast == ""
        assert budget.n_bytes == 0

    asyncio.run(told())


def asked(app: object, headers: dict[bytes, bytes], pieces: Iterator[bytes]) -> list[Message]:
    """What `BoundedBody` around an application answers to a POST."""
    answers: list[Message] = []

    async def receive() -> Message:
        piece = next(pieces, None)
        return {"type": "http.request", "body": piece or b"", "more_body": piece is not None}

    async def send(message: Message) -> None:
        answers.append(message)

    scope = {"type": "http", "method": "POST", "path": "/", "headers": list(headers.items())}
    middleware = BoundedBody(app, limit_bytes=100, budget_bytes=0)  # type: ignore[arg-type]
    asyncio.run(middleware(scope, receive, send))
    assert middleware.budget.n_bytes == 0
    return answers


async def refusing(_scope: Scope, _receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 401, "headers": []})
    await send({"type": "http.response.body", "body": b""})


async def reading(_scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def test_a_body_that_nobody_asks_for_is_not_read() -> None:
    pieces = iter([b"a"] * 9)
    assert asked(refusing, {}, pieces)[0]["status"] == 401
    assert len(list(pieces)) == 9


@pytest.mark.parametrize(
    ("headers", "sent", "status"),
    [
        ({}, [b"a" * 60] * 2, 413),
        ({b"content-length": b"101"}, [], 413),
        ({b"content-encoding": b"br"}, [b"a"], 415),
        ({b"content-encoding": b"gzip"}, [b"a"], 415),
        ({}, [b"a" * 60, b"b" * 40], 200),
    ],
)
def test_a_body_is_refused_once_it_is_asked_for(
    headers: dict[bytes, bytes], sent: list[bytes], status: int
) -> None:
    assert asked(reading, headers, iter(sent))[0]["status"] == status
