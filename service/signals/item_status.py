"""Whether the samples of an item arrive, and whether they arrive in time to be scored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

STALE_TICKS = 10
"""An item that has sent nothing for more ticks is silent, not late, unless its samples are further apart."""


@dataclass(frozen=True, slots=True)
class ItemStatus:
    """How current the samples of an item are.

    Attributes
    ----------
    status
        ``current`` if a series of it had a sample in the tick that closed last before that tick closed,
        ``late`` if none had, ``silent`` if it has not sent any for longer, ``unknown`` if none was received.
    n_ticks
        By how many ticks its samples are late, or for how many ticks it has sent nothing; else 0.
    """

    status: Literal["current", "late", "silent", "unknown"] = "unknown"
    n_ticks: int = 0


def item_status(
    newest_ticks: NDArray[np.int64],
    late_ticks: NDArray[np.int64],
    held_ticks: NDArray[np.int64],
    *,
    last_closed: int | None,
    present: int,
) -> ItemStatus:
    """Return the status of an item from the ticks of its samples.

    Parameters
    ----------
    newest_ticks
        Tick of the newest sample of each of its series.
    late_ticks
        How many ticks were closed, that one included, when that sample came; 0 if it came in time.
    held_ticks
        Every tick in which it has a sample, in order: an item is not late before its next sample is due.
    last_closed
        Tick that closed last; ``None`` before one did.
    present
        Tick that ended last.
    """
    if not len(newest_ticks):
        return ItemStatus()
    spacing = int(np.median(np.diff(held_ticks))) if len(held_ticks) > 1 else 1
    n_silent = present - int((newest_ticks + late_ticks).max())
    if n_silent > max(STALE_TICKS, spacing):
        return ItemStatus("silent", n_silent)
    if last_closed is None or ((late_ticks == 0) & (newest_ticks > last_closed - spacing)).any():
        return ItemStatus("current")
    return ItemStatus("late", int(np.where(late_ticks > 0, late_ticks, last_closed - newest_ticks).min()))
