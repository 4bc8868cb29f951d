"""Load at a given rate, whatever the answers take: waits count from the moment a request was due.

A sender that waits for an answer before it sends again would hide how long others would have waited
(coordinated omission: Tene, "How NOT to Measure Latency", 2013).
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from experiments.reliability.quantiles import Waits, waits
from experiments.reliability.sender import NO_ANSWER, Sender, is_success

if TYPE_CHECKING:
    from collections.abc import Callable

JOIN_TIMEOUT_S = 120.0


@dataclass
class Load:
    """Requests due at fixed intervals, sent by several connections; a context in which they are sent.

    Parameters
    ----------
    body
        Returns the body of each request, given its number; called by several threads.
    per_s
        Requests a second, over all connections.
    n_connections
        With all of them waiting for answers, requests are late, which counts as waiting.
    """

    port: int
    path: str
    body: Callable[[int], bytes]
    per_s: float
    n_connections: int = 2
    token: str = ""
    elapsed_s: list[float] = field(default_factory=list)
    refused: dict[str, int] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _number: int = 0

    def __post_init__(self) -> None:
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._send, daemon=True) for _ in range(self.n_connections)]

    def __enter__(self) -> Self:
        self._began_s = time.perf_counter()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join(JOIN_TIMEOUT_S)

    @property
    def waits(self) -> Waits:
        """Waits of the requests answered so far, and how many failed."""
        with self._lock:
            return waits(list(self.elapsed_s), n_failed=sum(self.refused.values()))

    def _send(self) -> None:
        with Sender(self.port, token=self.token) as sender:
            while not self._stopping.is_set():
                with self._lock:
                    number = self._number
                    self._number += 1
                due_s = self._began_s + number / self.per_s
                if self._stopping.wait(max(0.0, due_s - time.perf_counter())):
                    return
                try:
                    status, _ = sender.post(self.path, self.body(number))
                    outcome = "" if is_success(status) else str(status)
                except NO_ANSWER as error:
                    outcome = type(error).__name__
                elapsed_s = time.perf_counter() - due_s
                with self._lock:
                    if outcome:
                        self.refused[outcome] = self.refused.get(outcome, 0) + 1
                    else:
                        self.elapsed_s.append(elapsed_s)
