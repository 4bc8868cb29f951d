"""A sender with one connection, cheap enough that what it measures is the service."""

from __future__ import annotations

import http.client
import json
import time
from typing import TYPE_CHECKING, Any, Self

from experiments.reliability.errors import RefusedError

if TYPE_CHECKING:
    from types import TracebackType

NO_ANSWER = (OSError, http.client.HTTPException)
"""Raised where the service was gone before it answered."""

TIMEOUT_S = 60.0
IDLE_S = 3.0
"""A connection that was idle for longer is made again: the server closes one after five seconds."""

OK, REDIRECTED = 200, 300


class Sender:
    """Sends requests one after another over one connection, which is made again where it was lost."""

    def __init__(self, port: int, *, token: str = "", timeout_s: float = TIMEOUT_S) -> None:
        self._http = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout_s)
        self._used_s = time.monotonic()
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def post(self, path: str, body: bytes | object) -> tuple[int, bytes]:
        """Post bytes, or a document as JSON; return the answer's status and body.

        Raises
        ------
        OSError, http.client.HTTPException
            If there was no answer.
        """
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self._ask("POST", path, content)

    def get(self, path: str) -> tuple[int, bytes]:
        """Return the status and body of an answer; see `post`."""
        return self._ask("GET", path, None)

    def accepted(self, path: str, body: bytes | object) -> Any:
        """Post something that must be accepted, and return the document of the answer.

        Raises
        ------
        RefusedError
            If it is not accepted.
        """
        status, answer = self.post(path, body)
        if not is_success(status):
            raise RefusedError(path, status, answer)
        return json.loads(answer)

    def read(self, path: str) -> Any:
        """Return the document that must be there; see `accepted`."""
        status, answer = self.get(path)
        if not is_success(status):
            raise RefusedError(path, status, answer)
        return json.loads(answer)

    def _ask(self, method: str, path: str, content: bytes | None) -> tuple[int, bytes]:
        headers = self._headers if content is None else {**self._headers, "Content-Type": "application/json"}
        if time.monotonic() - self._used_s > IDLE_S:
            self._http.close()
        try:
            self._http.request(method, path, body=content, headers=headers)
            answer = self._http.getresponse()
            received = answer.status, answer.read()
        except NO_ANSWER:
            self._http.close()
            raise
        self._used_s = time.monotonic()
        return received


def is_success(status: int) -> bool:
    """Whether a status says that the request was accepted."""
    return OK <= status < REDIRECTED
