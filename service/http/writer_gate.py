"""How many requests that write are worked on at once: the others wait in order, without holding a thread.

Threads are few, and a writer that waits for the store or the disk holds one. Were all of them held, nobody
could read. Large webhooks have a lane of their own, so that an alert does not wait for thousands of others.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from fastapi import Depends, Request

from service.errors import NoTurnError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

LARGE_BYTES = 64 * 1024
"""A body of more bytes is large: a webhook of some hundred alerts."""

PATIENCE_S = 60.0
"""How long a request waits before it is told to come again."""


class Lane:
    """A queue of requests, first come, first served.

    Parameters
    ----------
    n_at_once
        Requests that are worked on at the same time.
    max_waiting, max_waiting_bytes
        Requests that may wait, and the bytes of their bodies together.
    """

    def __init__(
        self, n_at_once: int, *, max_waiting: int, max_waiting_bytes: int, patience_s: float = PATIENCE_S
    ) -> None:
        self._places = asyncio.Semaphore(n_at_once)
        self._max_waiting = max_waiting
        self._max_waiting_bytes = max_waiting_bytes
        self._patience_s = patience_s
        self._n_waiting = self._waiting_bytes = 0

    @asynccontextmanager
    async def entered(self, size_bytes: int) -> AsyncIterator[None]:
        """Wait for a place, and keep it until the block ends.

        Raises
        ------
        NoTurnError
            If too many wait already, or no place becomes free in time.
        """
        is_full = self._n_waiting >= self._max_waiting or self._waiting_bytes > self._max_waiting_bytes
        if self._places.locked() and is_full:
            raise NoTurnError(f"{self._n_waiting} requests wait to be written already")
        self._n_waiting += 1
        self._waiting_bytes += size_bytes
        try:
            async with asyncio.timeout(self._patience_s):
                await self._places.acquire()
        except TimeoutError:
            raise NoTurnError(f"no turn to write came within {self._patience_s:g} s") from None
        finally:
            self._n_waiting -= 1
            self._waiting_bytes -= size_bytes
        try:
            yield
        finally:
            self._places.release()


class WriterGate:
    """The lanes of a service; together they leave a third of its forty threads to those who read."""

    def __init__(self) -> None:
        self.signals = Lane(16, max_waiting=1_000, max_waiting_bytes=128 * 2**20)
        self.store = Lane(8, max_waiting=5_000, max_waiting_bytes=128 * 2**20)
        self.large = Lane(2, max_waiting=100, max_waiting_bytes=128 * 2**20)


def _in_lane(choose: Callable[[WriterGate, int], Lane]) -> Callable[[Request], AsyncIterator[None]]:
    async def entered(request: Request) -> AsyncIterator[None]:
        gate: WriterGate = request.app.state.writers
        size_bytes = len(await request.body())
        async with choose(gate, size_bytes).entered(size_bytes):
            yield

    return entered


WRITES_SIGNALS = Depends(_in_lane(lambda gate, _: gate.signals), scope="function")
"""Dependency of a route that writes samples or lines."""

WRITES = Depends(
    _in_lane(lambda gate, size_bytes: gate.large if size_bytes > LARGE_BYTES else gate.store),
    scope="function",
)
"""Dependency of a route that writes to the store; it is left before the answer goes to a slow receiver."""
