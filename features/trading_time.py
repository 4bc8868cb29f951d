"""Trading time: the age of an event, counted mostly while there is traffic to reveal it.

A change at 17:00 meets almost no traffic until the next morning: at 09:31 it is minutes old.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from features.calendar import DAY_MS, MINUTE_MS, MINUTES_A_DAY, PHASE_STARTS, Phase

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from features.calendar import Clock

TRADING = (Phase.AUCTION, Phase.MORNING, Phase.AFTERNOON, Phase.CLOSE, Phase.ALWAYS)
"""The phases in which time passes at full pace."""

QUIET_PACE = 1 / 60
"""Outside of trading an hour counts as a minute."""

LONGEST_MS = 30 * DAY_MS
"""Everything that is older counts as this old."""


def trading_days_until(instant_ms: int, earlier_ms: Sequence[int], clock: Clock) -> NDArray[np.float64]:
    """Trading time from each earlier instant to a later one, in trading days.

    Parameters
    ----------
    earlier_ms
        Shape ``(n,)``; later instants count as ``instant_ms``, and ages over thirty days count as thirty.

    Returns
    -------
    Shape ``(n,)``, at least 0. A full trading day is 1, and without an exchange any full day is.

    Examples
    --------
    >>> from features.calendar import AlwaysClock
    >>> trading_days_until(2 * DAY_MS, [DAY_MS // 2, 2 * DAY_MS], AlwaysClock())
    array([1.5, 0. ])
    """
    since = np.clip(np.asarray(earlier_ms, dtype=np.int64), instant_ms - LONGEST_MS, instant_ms)
    if not len(since):
        return np.zeros(0)
    first = int(since.min()) // MINUTE_MS * MINUTE_MS
    minutes = np.arange(first, instant_ms + 1, MINUTE_MS, dtype=np.int64)
    phases = clock.phases(minutes)
    pace = np.where(np.isin(phases, TRADING), 1.0, QUIET_PACE)
    passed = np.concatenate([[0.0], np.cumsum(pace)])
    day = MINUTES_A_DAY if (phases == Phase.ALWAYS).all() else _minutes_of_a_trading_day()

    def reached(ms: NDArray[np.int64]) -> NDArray[np.float64]:
        place, rest = np.divmod(ms - first, MINUTE_MS)
        reached: NDArray[np.float64] = passed[place] + pace[place] * rest / MINUTE_MS
        return reached

    days: NDArray[np.float64] = (reached(np.array([instant_ms])) - reached(since)) / day
    return days


def _minutes_of_a_trading_day() -> float:
    ends = [start for start, _ in PHASE_STARTS[1:]] + [MINUTES_A_DAY]
    return sum(
        (end - start) * (1.0 if phase in TRADING else QUIET_PACE)
        for (start, phase), end in zip(PHASE_STARTS, ends, strict=True)
    )
