"""Traffic surge: requests rose at the alerting item and at nearly all of its dependencies."""

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
"""A rise of less than a tenth is no surge, however steady requests usually are."""

LEAST_SURPRISE = 3.0
"""Below this, one normal window in twenty has as many requests, so there is no surge."""

MAX_ITEMS = 64
"""This many of the nearest items, plus all at the last one's distance, are enough to detect a surge."""

MIN_SHARE = 0.5
"""So large a share of the items looked at must count requests: the others may have had no more of them."""

MIN_ITEMS = 3
"""Fewer items with request counts cannot show that the rise is everywhere."""


def surge(case: Case, reach: Reach) -> float:
    """Surprise of the requests of the typical item within reach; 0 if they did not rise or are not counted.

    Parameters
    ----------
    reach
        Distances from the alert; the nearest items are examined, including the alerting one.
    """
    now, then = case.window.values.get(Role.REQUESTS), case.normal.values.get(Role.REQUESTS)
    if now is None or then is None:
        return 0.0
    within = np.flatnonzero(reach.hops >= 0)
    nearest = np.sort(reach.hops[within])[:MAX_ITEMS][-1]
    columns = within[reach.hops[within] <= nearest]
    level, usual = column_median(now[:, columns]), column_median(then[:, columns])
    counted = np.isfinite(level) & np.isfinite(usual) & (level > 0) & (usual > 0)
    if counted.sum() < max(MIN_ITEMS, MIN_SHARE * len(columns)):
        return 0.0
    columns, level, usual = columns[counted], level[counted], usual[counted]
    own = np.log(level / usual)[columns == np.flatnonzero(reach.hops == 0)[0]]
    if len(own) and own[0] < LEAST_RISE:  # whoever asks for more, it is not the users of the alerting item
        return 0.0
    if np.median(np.log(level / usual)) < LEAST_RISE:
        return 0.0
    logs = np.log(np.maximum(then[:, columns], 1e-9) / usual)
    spread = np.maximum(NORMAL_CONSISTENCY * column_median(np.abs(logs)), SPREAD_FLOOR)
    rise = np.log(level / usual) / spread
    typical = np.median(rise)
    surprise = float(surprise_of(np.array([typical]), np.array([MAX_FREEDOM]))[0])
    return min(surprise, MAX_SURPRISE) if surprise > LEAST_SURPRISE else 0.0
