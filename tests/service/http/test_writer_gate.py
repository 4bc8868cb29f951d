from __future__ import annotations

import asyncio

import pytest

from service.errors import NoTurnError
from service.http.problems import answer_error
from service.http.writer_gate import LARGE_BYTES, Lane, WriterGate


def a_lane(n_at_once: int = 1, *, max_waiting: int = 9, patience_s: float = 10.0) -> Lane:
    return Lane(n_at_once, max_waiting=max_waiting, max_waiting_bytes=100, patience_s=patience_s)


def test_requests_are_let_in_one_after_the_other_in_their_order() -> None:
    async def entered() -> tuple[list[int], int]:
        lane, order, n_inside, most = a_lane(2), [], 0, 0

        async def request(number: int) -> None:
            nonlocal n_inside, most
            async with lane.entered(1):
                order.append(number)
                n_inside += 1
                most = max(most, n_inside)
                await asyncio.sleep(0)
                n_inside -= 1

        await asyncio.gather(*(request(number) for number in range(6)))
        return order, most

    assert asyncio.run(entered()) == ([0, 1, 2, 3, 4, 5], 2)


@pytest.mark.parametrize(("max_waiting", "size_bytes"), [(1, 1), (9, 101)])
def test_too_many_and_too_much_that_waits_is_told_to_come_again(max_waiting: int, size_bytes: int) -> None:
    async def entered() -> None:
        lane = a_lane(max_waiting=max_waiting)

        async def request() -> None:
            async with lane.entered(size_bytes):
                await asyncio.sleep(0)

        async with lane.entered(1):
            waiting = asyncio.create_task(request())
            await asyncio.sleep(0)
            with pytest.raises(NoTurnError, match="1 requests wait"):
                async with lane.entered(1):
                    pass
        await waiting
        async with lane.entered(1):
            pass

    asyncio.run(entered())


def test_who_waits_too_long_is_told_when_to_come_again_and_frees_its_place_in_the_queue() -> None:
    async def entered() -> NoTurnError:
        lane = a_lane(max_waiting=1, patience_s=0.0)
        async with lane.entered(1):
            for _ in range(2):
                with pytest.raises(NoTurnError, match="no turn") as refused:
                    async with lane.entered(1):
                        pass
        return refused.value

    answer = answer_error(asyncio.run(entered()), {"type": "http", "path": "/v1/alerts", "headers": []})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")


def test_large_bodies_have_a_lane_of_their_own_and_readers_keep_threads() -> None:
    gate = WriterGate()
    n_threads = sum(each._places._value for each in (gate.signals, gate.store, gate.large))
    assert LARGE_BYTES < 2**20
    assert n_threads <= 2 / 3 * 40
