"""Overload: an item suffers from requests that its callers did not use to send.

Where an item's requests are many times their usual and those of its callers are not, somebody sends more for
each request of its own: a new version, a batch, retries. If the item itself suffers, each caller is under
suspicion, by its usual share of the requests. The callers need not lie between the alert and the item: what
floods a shared service is often beside the path. So their distance is that of the item that suffers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from features.golden import Role
from features.robust import NORMAL_CONSISTENCY
from models.cases.normal_ticks import MIN_NORMAL_TICKS
from models.evidence.columns import column_median, median_and_seen
from models.evidence.comparison import MAX_FREEDOM, surprise_of
from models.evidence.figures import figure
from models.evidence.finding import MAX_SURPRISE, Finding

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from models.cases.case import Case
    from models.evidence.calls import Calls
    from models.evidence.own_excess import OwnExcess

    Floats = NDArray[np.float64]

LEAST_FACTOR = 2.0
"""Requests at less than twice what the callers' own requests explain are no overload."""

LEAST_SUFFERING = 3.0
"""Surprise of the item's own excess from which it counts as suffering: one normal window in twenty."""

SPREAD_FLOOR = 0.1
"""Least spread of log requests: traffic is never steadier than ±10 %."""


def overload(case: Case, calls: Calls, excesses: Sequence[OwnExcess]) -> Finding | None:
    """Hold an item's unusual requests against its callers; ``None`` where nobody is overloaded."""
    n_items = len(case.items)
    now, then = case.window.of(Role.REQUESTS, n_items), case.normal.of(Role.REQUESTS, n_items)
    if not len(now) or not len(calls.callers):
        return None
    level, (usual, n_seen) = column_median(now), median_and_seen(then)
    counted = (n_seen >= MIN_NORMAL_TICKS) & (usual > 0) & (level > 0)
    logs = np.log(np.maximum(then, 1e-9) / np.where(counted, usual, np.nan))
    spread = np.hypot(NORMAL_CONSISTENCY * column_median(np.abs(logs)), SPREAD_FLOOR)
    factor = np.where(counted, level / usual, np.nan)
    suffers = np.max([np.where(each.is_known, each.surprise, 0.0) for each in excesses], axis=0)
    sent = np.where(counted, usual, 0.0)[calls.callers]
    received = np.bincount(calls.callees, weights=sent, minlength=n_items)
    expected = np.bincount(
        calls.callees, weights=sent * np.nan_to_num(factor[calls.callers], nan=1.0), minlength=n_items
    )
    explained = np.maximum(np.divide(expected, received, out=np.ones(n_items), where=received > 0), 1.0)
    more = factor / explained
    is_overloaded = (more >= LEAST_FACTOR) & (suffers >= LEAST_SUFFERING)
    edges = np.flatnonzero(is_overloaded[calls.callees] & counted[calls.callers])
    if not len(edges):
        return None
    rise = surprise_of(np.log(more) / spread, np.full(n_items, MAX_FREEDOM))
    surprise, share, near = np.full(n_items, np.nan), np.ones(n_items), np.arange(n_items)
    surprise[counted] = 0.0
    for edge in edges.tolist():
        caller, callee = int(calls.callers[edge]), int(calls.callees[edge])
        found = min(float(rise[callee]), MAX_SURPRISE)
        if found > surprise[caller]:
            surprise[caller], near[caller] = found, callee
            share[caller] = sent[edge] / received[callee]

    def sentence(index: int) -> tuple[str, dict[str, float]]:
        callee = int(near[index])
        text = (
            f"{case.items[callee]}, which {case.items[index]} calls, gets {figure(factor[callee])} times its "
            f"usual requests, and its callers have no more than {figure(explained[callee])} times their own."
        )
        return text, {
            "requests_factor": float(factor[callee]),
            "explained_factor": float(explained[callee]),
            "usual_share_of_requests": float(share[index]),
        }

    return Finding("overload", "overload", surprise, share, sentence, near=near)
