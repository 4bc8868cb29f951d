"""Background work that repeats."""

from __future__ import annotations

from threading import Event, Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from service.health import HealthRecord


class Repeating:
    """A thread that repeats one piece of work at intervals until it is stopped.

    An error is recorded and the work continues: one failed round must not end the later ones.

    Parameters
    ----------
    health
        Where each round's outcome is recorded.
    at_once
        Whether to work first and then wait, or to wait first.
    """

    def __init__(
        self, work: Callable[[], object], health: HealthRecord, *, every_s: float, at_once: bool = True
    ) -> None:
        self._work = work
        self._health = health
        self._every_s = every_s
        self._at_once = at_once
        self._stopping = Event()
        self._thread = Thread(
            target=lambda: self.rounds(self._stopping.wait), name=health.now.name, daemon=True
        )

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self, *, wait_s: float = 5.0) -> None:
        """Stop after the present round, waiting for it at most ``wait_s`` seconds."""
        self._stopping.set()
        self._thread.join(wait_s)

    def rounds(self, wait: Callable[[float], bool]) -> None:
        """Do the work and wait in turn, until a wait is cut short.

        Parameters
        ----------
        wait
            Waits for a number of seconds; true if it was cut short because the work must stop.
        """
        if not self._at_once and wait(self._every_s):
            return
        while True:
            self._health.run(self._work)
            if wait(self._every_s):
                return
