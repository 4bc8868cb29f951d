"""Pages sent to where people are told: kept first, tried until they arrive."""

from __future__ import annotations

import json
from datetime import timedelta
from http.client import HTTPException
from typing import TYPE_CHECKING, Any, Protocol
from urllib.request import Request, urlopen

if TYPE_CHECKING:
    from collections.abc import Mapping

    from service.clock import WallClock
    from service.store.outbox import OutboxStore

FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=5), timedelta(hours=1)
TIMEOUT_S = 10.0
AT_ONCE = 50


class Post(Protocol):
    """Sends a document, or raises an `OSError` that says why it did not arrive."""

    def __call__(self, document: Mapping[str, Any]) -> None:
        """Send it; it has arrived when this returns."""
        ...


class Outbox:
    """Sends what waits, the oldest first; what fails is tried again, ever later up to once an hour."""

    def __init__(self, outbox_messages: OutboxStore, post: Post | None, clock: WallClock) -> None:
        self._messages = outbox_messages
        self._post = post
        self._clock = clock

    def put(self, document: Mapping[str, Any]) -> None:
        """Keep a document to be sent; nothing is kept where there is nowhere to send it."""
        if self._post is not None:
            self._messages.add(document, at=self._clock.now())

    def bury(self, document: Mapping[str, Any], problem: str) -> None:
        """Store a document that cannot be sent, with the reason, for people to look at."""
        self._messages.bury(document, problem, at=self._clock.now())

    def deliver(self) -> int:
        """Try what is due, and return how many outbox_messages arrived.

        A message that fails ends the round: those after it would most likely fail alike.
        """
        if self._post is None:
            return 0
        n_sent = 0
        for message in self._messages.due(self._clock.now(), limit=AT_ONCE):
            try:
                self._post({**message.document, "delivery": message.id})
            except (OSError, HTTPException) as error:
                wait = min(FIRST_WAIT * 2 ** min(message.n_tries, 20), LONGEST_WAIT)
                self._messages.failed(message.id, str(error)[:500], due=self._clock.now() + wait)
                break
            self._messages.sent(message.id, at=self._clock.now())
            n_sent += 1
        return n_sent


def post_to(url: str) -> Post:
    """Post JSON to an address of http or https; any answer but a 2xx is a failure."""

    def post(document: Mapping[str, Any]) -> None:
        body = json.dumps(document).encode()
        request = Request(url, data=body, headers={"Content-Type": "application/json"}, method="POST")  # noqa: S310  the settings allow http and https only
        with urlopen(request, timeout=TIMEOUT_S):  # noqa: S310
            pass

    return post
