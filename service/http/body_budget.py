"""The memory that the bodies of all requests share, so that many senders at once cannot exhaust it."""

from __future__ import annotations

import time
from asyncio import Event
from contextlib import contextmanager
from typing import TYPE_CHECKING

from anyio import CancelScope, move_on_after

from service.errors import BusyError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PATIENCE_S = 5.0
"""How long a body waits for room."""

EVICTED_AFTER_S = 2.0
"""A body that has been arriving for longer may be given up for one that arrives faster."""


class Share:
    """What one body holds of the budget, from its first byte until its request is answered."""

    def __init__(self, began_s: float) -> None:
        self.began_s = began_s
        self.n_bytes = 0
        self.arriving: CancelScope | None = None

    def rate(self, now_s: float) -> float:
        """Bytes a second so far."""
        return self.n_bytes / max(now_s - self.began_s, 1e-3)


class BodyBudget:
    """Room for bodies in memory; belongs to one event loop.

    A body that finds no room waits for it. Meanwhile the body that arrives slowest is given up, so that slow
    senders cannot hold what others need.

    Parameters
    ----------
    limit_bytes
        Most bytes held at once.
    patience_s
        How long a body waits for room.
    elapsed_s
        A steady clock in seconds.
    """

    def __init__(
        self,
        limit_bytes: int,
        *,
        patience_s: float = PATIENCE_S,
        elapsed_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self.limit_bytes = limit_bytes
        self.n_bytes = 0
        self._patience_s = patience_s
        self._elapsed_s = elapsed_s
        self._shares: set[Share] = set()
        self._freed = Event()

    @contextmanager
    def share(self) -> Iterator[Share]:
        """Open a share of the budget; what it holds is given back at the end."""
        mine = Share(self._elapsed_s())
        self._shares.add(mine)
        try:
            yield mine
        finally:
            self._shares.discard(mine)
            self.give_back(mine, mine.n_bytes)

    @contextmanager
    def arriving(self, share: Share) -> Iterator[None]:
        """Receive a body, which may be given up meanwhile.

        Raises
        ------
        BusyError
            If it was given up for bodies that arrive faster.
        """
        with CancelScope() as share.arriving:
            yield
        given_up, share.arriving = share.arriving.cancelled_caught, None
        if given_up:
            raise BusyError("this body arrived too slowly while others needed its memory")

    async def take(self, share: Share, n_bytes: int) -> None:
        """Add bytes to a share, once there is room.

        Raises
        ------
        BusyError
            If there was none for too long.
        """
        if self.n_bytes + n_bytes > self.limit_bytes:
            with move_on_after(self._patience_s):
                while self.n_bytes + n_bytes > self.limit_bytes:
                    self._give_up_slowest(share)
                    self._freed.clear()
                    await self._freed.wait()
            if self.n_bytes + n_bytes > self.limit_bytes:
                raise BusyError("the memory for bodies is in use")
        self.n_bytes += n_bytes
        share.n_bytes += n_bytes

    def give_back(self, share: Share, n_bytes: int) -> None:
        """Take bytes from a share."""
        self.n_bytes -= n_bytes
        share.n_bytes -= n_bytes
        self._freed.set()

    def _give_up_slowest(self, asking: Share) -> None:
        """Give up the slowest of the bodies that have been arriving for some time, if it holds anything."""
        now_s = self._elapsed_s()
        slow = [
            each
            for each in self._shares
            if each is not asking
            and each.arriving is not None
            and each.n_bytes
            and now_s - each.began_s > EVICTED_AFTER_S
        ]
        slowest = min(slow, key=lambda each: each.rate(now_s), default=None)
        if slowest is not None and slowest.arriving is not None:
            slowest.arriving.cancel()
