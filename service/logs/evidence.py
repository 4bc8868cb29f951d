"""What log lines show for a ranking: what services logged lately, and what they usually log."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

    from features.logs.sums import LogSums
    from service.logs.closing import MinuteClosing
    from service.logs.memory import LogMemory


class LogEvidence:
    """The log lines of some services, with examples."""

    def __init__(self, memory: LogMemory, closing: MinuteClosing) -> None:
        self._memory = memory
        self._closing = closing

    def window(self, services: Collection[str], *, since_ms: int) -> LogSums | None:
        """Return what some services logged since an instant; ``None`` where no line was ever received."""
        with self._memory.lock:
            return self._memory.minutes.window(services, since_ms=since_ms)

    def normal(self, services: Collection[str]) -> LogSums | None:
        """Return what some services usually log, by the bundle or their own past; ``None`` without either."""
        self._closing.age()  # a ranking does not depend on when this was last done
        memory = self._memory
        with memory.lock:
            normal = memory.past.sums if memory.bundle is None else memory.bundle.normal
            return None if normal is None else memory.minutes.with_examples(normal.of_services(services))
