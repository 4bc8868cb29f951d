"""Which ticks of normal operation an incident is compared with."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from features.calendar import Clock
    from features.frame import Frame

MAX_NORMAL_TICKS = 600
"""At most so many normal ticks that hold values go into a case: the nearest in the exchange day."""

MIN_NORMAL_TICKS = 30
"""Fewer ticks of normal history than this count as no history."""


COLUMNS_AT_ONCE = 16
"""So many series are looked at together for a value in a tick."""


def comparable_ticks(
    normal: Frame, before_ms: int, window: Frame, clock: Clock, items: Sequence[str]
) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Earlier ticks at the incident's part of the day, nearest slots first, and what had to be relaxed."""
    earlier = np.flatnonzero(normal.times_ms + normal.step_ms <= before_ms)
    notes = _later_ticks_note(normal, window, items)
    if not window.n_ticks:
        chosen, n_empty = _with_values(normal, earlier[::-1], items)
    else:
        middle = window.times_ms[len(window.times_ms) // 2 :][:1]
        same = earlier[clock.phases(normal.times_ms[earlier]) == clock.phases(middle)]
        chosen, n_empty = _with_values(normal, _nearest_first(normal, same, middle, clock), items)
        if len(chosen) < MIN_NORMAL_TICKS:
            if len(same) < len(earlier):
                notes += ("no normal history of this session phase: compared with all of it",)
            chosen, n_empty = _with_values(normal, _nearest_first(normal, earlier, middle, clock), items)
    if n_empty:
        left_out = f"{n_empty:,} ticks without any value were left out of normal operation"
        notes += (f"{left_out}: {len(chosen):,} ticks remain to compare with.",)
    return np.sort(chosen), notes


def _later_ticks_note(normal: Frame, window: Frame, items: Sequence[str]) -> tuple[str, ...]:
    """Report the ticks with values after the window, which are not normal operation."""
    later = np.flatnonzero(normal.times_ms >= window.end_ms) if window.n_ticks else np.zeros(0, np.int64)
    n_later = len(_with_values(normal, later, items)[0]) if len(later) else 0
    if not n_later:
        return ()
    many = f"{n_later:,} ticks" if n_later < MAX_NORMAL_TICKS else f"{n_later:,} ticks or more"
    return (f"{many} after the incident's window were left out: what follows an incident is not normal.",)


def _nearest_first(
    normal: Frame, ticks: NDArray[np.int64], middle: NDArray[np.int64], clock: Clock
) -> NDArray[np.int64]:
    """Ticks by their distance in the exchange day, equal ones by time."""
    distance = np.abs(clock.slots(normal.times_ms[ticks]) - clock.slots(middle))
    return ticks[np.argsort(distance, kind="stable")]


def _with_values(
    normal: Frame, ticks: NDArray[np.int64], items: Sequence[str]
) -> tuple[NDArray[np.int64], int]:
    """The first `MAX_NORMAL_TICKS` ticks that hold a value of any item, and how many empty ones precede."""
    wanted = set(items)
    chosen: list[NDArray[np.int64]] = []
    n_chosen = n_empty = 0
    for start in range(0, len(ticks), MAX_NORMAL_TICKS):
        some = ticks[start : start + MAX_NORMAL_TICKS]
        holds = np.zeros(len(some), dtype=bool)
        columns = (column for column, key in enumerate(normal.keys) if key.item in wanted)
        while not holds.all() and (few := list(islice(columns, COLUMNS_AT_ONCE))):  # most ticks are full
            empty = np.flatnonzero(~holds)
            holds[empty] = np.isfinite(normal.values[some[empty][:, None], few]).any(axis=1)
        full = np.flatnonzero(holds)[: MAX_NORMAL_TICKS - n_chosen]
        chosen.append(some[full])
        n_chosen += len(full)
        if n_chosen == MAX_NORMAL_TICKS:
            n_empty += int(full[-1]) + 1 - len(full)
            break
        n_empty += len(some) - len(full)
    return np.concatenate([*chosen, np.zeros(0, dtype=np.int64)]), n_empty
