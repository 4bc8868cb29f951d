"""The history of accepted log lines on disk."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from service.settings import Settings
    from telemetry.damage import Damage
    from telemetry.logs import Logs

logger = logging.getLogger(__name__)

LINES_PART = "log lines"
"""Name of the part whose health says whether log lines can be written."""


class LineLog(Protocol):
    """The history of log lines."""

    @property
    def position(self) -> int:
        """Position of the last batch that is safe."""
        ...

    @property
    def damage(self) -> Sequence[Damage]:
        """Damage found since it was opened."""
        ...

    def append(self, logs: Logs) -> int:
        """Write a batch and return its position; it is safe when this returns."""
        ...

    def replay(self, *, after: int = 0, since_s: float = 0.0) -> Iterator[tuple[int, Logs]]:
        """Read the batches after a position again, in order of arrival."""
        ...

    def retain(self, days: float) -> int:
        """Remove what is older; return how many files that were."""
        ...


def retain_lines(history: LineLog, settings: Settings) -> int:
    """Remove the lines that are older than the settings allow; return how many files that were."""
    n_removed = history.retain(settings.log_retention / timedelta(days=1))
    if n_removed:
        logger.info("old log lines removed", extra={"files": n_removed})
    return n_removed
