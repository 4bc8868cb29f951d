"""Writers in the order in which they came, and the work of those who wait done together.

SQLite lets one writer in at a time and has the others poll, which serves whoever happens to look first. Here
they queue. Whoever has the turn also does the work of those who wait directly behind, so that one commit to
disk serves all of them (Gawlick and Kinkade, Varieties of Concurrency Control in IMS/VS Fast Path, IEEE
Database Engineering Bulletin, 1985).
"""

from __future__ import annotations

from collections import deque
from contextlib import contextmanager
from itertools import islice, takewhile
from threading import Event, Lock
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from service.errors import NoTurnError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

Result = TypeVar("Result")
Tool = TypeVar("Tool")

MAX_TOGETHER = 32
"""Pieces of work in one transaction: it stays short, and the next in the queue is not kept waiting."""


class Job(Generic[Tool]):
    """A piece of work and, once it is done, its result or its error.

    Parameters
    ----------
    work
        What is to be done; ``None`` for a writer that takes its turn alone.
    """

    def __init__(self, work: Callable[[Tool], Any] | None = None) -> None:
        self.work = work
        self.result: Any = None
        self.error: BaseException | None = None
        self.is_done = False
        self.has_turn = False
        self.woken = Event()


class Turns(Generic[Tool]):
    """The queue of writers.

    Parameters
    ----------
    run
        Does the work of some jobs in one transaction, and gives each its result or its error. What it raises
        itself is the error of all of them.
    patience_s
        How long a writer waits for its turn.
    """

    def __init__(self, run: Callable[[Sequence[Job[Tool]]], None], *, patience_s: float) -> None:
        self._run = run
        self._patience_s = patience_s
        self._changing = Lock()
        self._queue: deque[Job[Tool]] = deque()
        self._is_taken = False

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Wait for the turn, and keep it until the block ends.

        Raises
        ------
        NoTurnError
            If the turn does not come in time.
        """
        self._wait(Job())
        try:
            yield
        finally:
            self._pass_on()

    def do(self, work: Callable[[Tool], Result]) -> Result:
        """Have work done, alone or together with that of others, and return its result.

        Raises
        ------
        NoTurnError
            If the turn does not come in time.
        """
        mine = Job(work)
        self._wait(mine)
        if mine.has_turn:
            jobs = [mine, *self._followers()]
            try:
                self._run(jobs)
            except BaseException as error:  # noqa: BLE001  each of the jobs raises it
                for each in jobs:
                    each.error = error
            self._pass_on()
            for each in jobs:
                each.is_done = True
                each.woken.set()
        if mine.error is not None:
            raise mine.error
        result: Result = mine.result
        return result

    def _wait(self, mine: Job[Tool]) -> None:
        """Return once a job has the turn, or another writer has done it."""
        with self._changing:
            if not self._is_taken:
                self._is_taken = mine.has_turn = True
                return
            self._queue.append(mine)
        if mine.woken.wait(self._patience_s):
            return
        with self._changing:
            if mine in self._queue:
                self._queue.remove(mine)
                raise NoTurnError(f"no turn to write came within {self._patience_s:g} s")
        mine.woken.wait()  # it is being done

    def _followers(self) -> list[Job[Tool]]:
        """Take the jobs directly behind out of the queue, up to the first that wants to be alone."""
        with self._changing:
            following = takewhile(lambda each: each.work is not None, self._queue)
            jobs = list(islice(following, MAX_TOGETHER - 1))
            for _ in jobs:
                self._queue.popleft()
        return jobs

    def _pass_on(self) -> None:
        with self._changing:
            if not self._queue:
                self._is_taken = False
                return
            following = self._queue.popleft()
            following.has_turn = True
        following.woken.set()
