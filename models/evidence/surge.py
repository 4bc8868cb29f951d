"""Traffic surge: requests rose, at the alert and nearly everywhere below it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from features.golden import Role
from features.robust import NORMAL_CONSISTENCY
from models.evidence.columns import column_median
from models.evidence.comparison import MAX_FREEDOM, surprise_of
from models.evidence.finding import MAX_SURPRISE

if TYPE_CHECKING:
    from models.cases.case import Case
    from models.evidence.calls import Reach

SPREAD_FLOOR = 0.1
"""Least spread of log requests: traffic is never steadier than ±10 %."""

LEAST_RISE = 0.1
"""Less than a tenth more requests is no surge, however steady they usually are."""

LEAST_SURPRISE = 3.0
"""One normal window in twenty has as many requests: no surge."""

MAX_ITEMS = 64
"""So many of the nearest items, with all as near as the last, are enough to tell a surge."""

MIN_ITEMS = 3
"""Fewer items that count requests cannot show that it is everywhere."""


def surge(case: Case, reach: Reach) -> float:
    """Surprise at the requests of the typical item within reach; 0 where none rose or none is counted.

    Parameters
    ----------
    reach
        Distances from the alert; the nearest items are looked at, itself included.
    """
    now, then = case.window.values.get(Role.REQUESTS), case.normal.values.get(Role.REQUESTS)
    if now is None or then is None:
        return 0.0
    within = np.flatnonzero(reach.hops >= 0)
    nearest = np.sort(reach.hops[within])[:MAX_ITEMS][-1]
    columns = within[reach.hops[within] <= nearest]
    level, usual = column_median(now[:, columns]), column_median(then[:, columns])
    counted = np.isfinite(level) & np.isfinite(usual) & (level > 0) & (usual > 0)
    if counted.sum() < MIN_ITEMS:
        return 0.0
    columns, level, usual = columns[counted], level[counted], usual[counted]
    if np.median(np.log(level / usual)) < LEAST_RISE:
        return 0.0
    logs = np.log(np.maximum(then[:, columns], 1e-9) / usual)
    spread = np.maximum(NORMAL_CONSISTENCY * column_median(np.abs(logs)), SPREAD_FLOOR)
    rise = np.log(level / usual) / spread
    typical = np.median(rise)
    surprise = float(surprise_of(np.array([typical]), np.array([MAX_FREEDOM]))[0])
    return min(surprise, MAX_SURPRISE) if surprise > LEAST_SURPRISE else 0.0
