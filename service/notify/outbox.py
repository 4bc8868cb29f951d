"""Messages to people, sent from the store until they arrive or are given up."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, Protocol

from telemetry.addresses import shown_address
from telemetry.instants import MILLISECOND

if TYPE_CHECKING:
    from collections.abc import Mapping

    from service.clock import WallClock
    from service.store.outbox import OutboxMessage, OutboxStore

FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=5), timedelta(hours=1)
MAX_TRIES: Final = 33
"""A message is given up after so many: ten within 85 minutes, then one an hour, which makes a day."""

DEAD_SHOWN = timedelta(days=7)
AT_ONCE = 50
MAX_PROBLEM = 500


class Post(Protocol):
    """Sends a document to a target."""

    def __call__(self, document: Mapping[str, Any]) -> None:
        """Send a document; it has arrived when this returns.

        Raises
        ------
        OSError
            If the target is down, so that another message would fail alike.
        Exception
            If this message cannot be made or is refused; another one may arrive.
        """
        ...


class Outbox:
    """Sends what is due, the oldest first; a message that fails waits longer each time, up to an hour."""

    def __init__(self, outbox_messages: OutboxStore, post: Post | None, clock: WallClock) -> None:
        self._messages = outbox_messages
        self._post = post
        self._clock = clock

    @property
    def has_target(self) -> bool:
        """Whether there is somewhere to send to."""
        return self._post is not None

    def put(self, document: Mapping[str, Any]) -> None:
        """Store a document to be sent; without a target nothing is stored."""
        if self._post is not None:
            self._messages.add(document, at=self._clock.now())

    def bury(self, document: Mapping[str, Any], problem: str) -> None:
        """Store a document that cannot be sent, with the reason, for people to look at."""
        self._messages.bury(document, problem, at=self._clock.now())

    def deliver(self) -> int:
        """Try every message that is due once, and return how many arrived.

        A message that fails delays no other. A target that is down is tried once: the messages after that one
        stay due.
        """
        if self._post is None:
            return 0
        n_sent = 0
        for message in self._messages.due(self._clock.now(), limit=AT_ONCE):
            try:
                self._post({**message.document, "delivery": message.id})
            except OSError as error:
                self._failed(message, error)
                break
            except Exception as error:  # noqa: BLE001  the others go out, whatever is wrong with one message
                self._failed(message, error)
            else:
                self._messages.sent(message.id, at=self._clock.now())
                n_sent += 1
        return n_sent

    def bring_back(self, latest_ms: int) -> int | None:
        """Send what waits since an instant beyond the latest one; return that instant, or ``None``."""
        waits = [_wait(n_tries) // MILLISECOND if n_tries else 0 for n_tries in range(MAX_TRIES)]
        stood_ms = self._messages.waiting_since(latest_ms, waits)
        if stood_ms is not None:
            self._messages.bring_forward(self._clock.now(), latest_ms, waits)
        return stood_ms

    def health_problems(self) -> list[str]:
        """Return how many messages did not arrive, and why; usually nothing."""
        found = []
        n_waiting, problem = self._messages.waiting()
        if n_waiting:
            found.append(f"notify: {n_waiting} page(s) could not be sent yet: {problem}")
        n_dead, problem = self._messages.dead(since=self._clock.now() - DEAD_SHOWN)
        if n_dead:
            found.append(f"notify: {n_dead} page(s) were given up in the last seven days: {problem}")
        return found

    def _failed(self, message: OutboxMessage, error: Exception) -> None:
        problem, now = shown_address(str(error) or type(error).__name__)[:MAX_PROBLEM], self._clock.now()
        if message.n_tries + 1 >= MAX_TRIES:
            self._messages.give_up(message.id, problem, at=now)
        else:
            self._messages.failed(message.id, problem, due=now + _wait(message.n_tries + 1))


def _wait(n_tries: int) -> timedelta:
    """How long a message waits after so many tries, the first included."""
    doublings = min(n_tries - 1, 20)
    return min(FIRST_WAIT * 2.0**doublings, LONGEST_WAIT)
