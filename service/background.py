"""Work that repeats beside the requests."""

from __future__ import annotations

import logging
from threading import Event, Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger(__name__)


class Repeating:
    """A thread that does one thing, waits, and does it again until it is stopped.

    An error is logged and the work goes on: one bad round must not end all that follow.

    Parameters
    ----------
    at_once
        Do it first and then wait, or wait first.
    """

    def __init__(
        self, name: str, work: Callable[[], object], *, every_s: float, at_once: bool = True
    ) -> None:
        self._work = work
        self._every_s = every_s
        self._first_after_s = 0.0 if at_once else every_s
        self._stopping = Event()
        self._thread = Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, *, wait_s: float = 5.0) -> None:
        """End after the round under way, waiting for it at most so long."""
        self._stopping.set()
        self._thread.join(wait_s)

    def _run(self) -> None:
        stopped = self._stopping.wait(self._first_after_s)
        while not stopped:
            try:
                self._work()
            except Exception:  # the next round may do better
                logger.exception("background work failed", extra={"work": self._thread.name})
            stopped = self._stopping.wait(self._every_s)
