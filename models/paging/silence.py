"""Sources that stop sending. They are no longer scored, which does not mean that nothing is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models.detectors.first_stage import STALE_MS
from models.state import NEVER_MS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from features.calendar import Clock
    from features.frame import Frame

USUALLY_SENDS = 0.9
"""A source must send in this share of a phase's ticks for its silence in that phase to mean anything."""


def sending_phases(normal: Frame, clock: Clock) -> dict[str, frozenset[int]]:
    """Session phases in which each item usually sends something, as seen in normal operation.

    A feed that is off at night is not reported as silent at night.
    """
    phases = clock.phases(normal.times_ms)
    is_seen = np.isfinite(normal.values)
    columns: dict[str, list[int]] = {}
    for column, key in enumerate(normal.keys):
        columns.setdefault(key.item, []).append(column)
    kinds = np.unique(phases).tolist()
    found = {}
    for item, own in columns.items():
        sends = is_seen[:, own].any(axis=1)
        found[item] = frozenset(
            int(kind) for kind in kinds if float(sends[phases == kind].mean()) >= USUALLY_SENDS
        )
    return found


def silent_items(
    items: Sequence[str], seen_ms: NDArray[np.int64], tick_ms: int, *, after_ms: int = STALE_MS
) -> frozenset[str]:
    """Items that used to send and have sent nothing for a while.

    Parameters
    ----------
    items
        Item of each series.
    seen_ms
        Shape ``(n_series,)``: start of the tick of the last value of each series; `NEVER_MS` if it had none.
    tick_ms
        Start of the present tick.
    """
    if not (tick_ms - seen_ms > after_ms).any():
        return frozenset()
    latest: dict[str, int] = {}
    for item, at_ms in zip(items, seen_ms.tolist(), strict=True):
        latest[item] = max(latest.get(item, NEVER_MS), at_ms)
    return frozenset(
        item for item, at_ms in latest.items() if at_ms != NEVER_MS and tick_ms - at_ms > after_ms
    )
