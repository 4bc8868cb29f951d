"""The history of accepted spans on disk."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from service.settings import Settings
    from telemetry.damage import Damage
    from telemetry.spans import SpanBatch

logger = logging.getLogger(__name__)

SPANS_PART = "spans"
"""Name of the part whose health says whether spans can be written."""


class SpanLog(Protocol):
    """The history of spans."""

    @property
    def position(self) -> int:
        """Position of the last batch that is safe."""
        ...

    @property
    def damage(self) -> Sequence[Damage]:
        """Damage found since it was opened."""
        ...

    def append(self, batch: SpanBatch) -> int:
        """Write a batch and return its position; it is safe when this returns."""
        ...

    def replay(self, *, after: int = 0, since_s: float = 0.0) -> Iterator[tuple[int, SpanBatch]]:
        """Read the batches after a position again, in order of arrival."""
        ...

    def retain(self, days: float) -> int:
        """Remove what is older; return how many files that were."""
        ...


def retain_spans(history: SpanLog, settings: Settings) -> int:
    """Remove the spans that are older than the settings allow; return how many files that were."""
    n_removed = history.retain(settings.span_retention / timedelta(days=1))
    if n_removed:
        logger.info("old spans removed", extra={"files": n_removed})
    return n_removed
