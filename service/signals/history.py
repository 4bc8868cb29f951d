"""The history of accepted signals on disk."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

from service.health import damage_problems
from telemetry.instants import to_ms

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from service.settings import Settings
    from telemetry.batches import Samples
    from telemetry.damage import Damage

logger = logging.getLogger(__name__)

HISTORY_PART = "history"
"""Name of the part whose health says whether signals can be written."""


class SignalLog(Protocol):
    """The history of signals."""

    @property
    def position(self) -> int:
        """Position of the last batch that is safe."""
        ...

    @property
    def damage(self) -> Sequence[Damage]:
        """Damage found since it was opened."""
        ...

    @property
    def sealing_failure(self) -> str:
        """Why the last attempt to seal it failed; empty if it succeeded."""
        ...

    def append(self, samples: Samples) -> int:
        """Write a batch; it is safe when this returns."""
        ...

    def replay(self, since_ms: int = 0) -> Iterator[Samples]:
        """Read the batches again, in order of arrival."""
        ...

    def retain(self, days: float, *, now_ms: int) -> int:
        """Remove what is older; return how many segments that were."""
        ...


def history_problems(history: SignalLog) -> list[str]:
    """Return problems with the history on disk, usually none."""
    failure = history.sealing_failure
    return damage_problems("history", history.damage) + ([f"history: {failure}"] if failure else [])


def retain_history(history: SignalLog, settings: Settings, *, now: datetime) -> int:
    """Remove the history that is older than the settings allow; return how many segments that were."""
    n_removed = history.retain(settings.retention / timedelta(days=1), now_ms=to_ms(now))
    if n_removed:
        logger.info("old history removed", extra={"segments": n_removed})
    return n_removed
