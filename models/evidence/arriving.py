"""How much of what items show can reach the alerting item, along the calls between them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models.cases.case import MAX_HOPS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.evidence.calls import Calls


def arriving_at_most(passed: NDArray[np.float64], calls: Calls, alerting: int) -> NDArray[np.float64]:
    """Most of a quantity of each item that can reach the alerting item, shape ``(n_items,)``.

    A caller passes on no more than it has itself. Calls of one caller may be all that are slow, so its share
    of the callee's requests is no bound. What no call leads to is not bounded: graphs have gaps.

    Parameters
    ----------
    passed
        Shape ``(n_items,)``: what each item has, 0 and up; infinite where that is not known.
    """
    arriving = np.zeros(calls.n_items)
    arriving[alerting] = passed[alerting] if passed[alerting] > 0 else np.inf
    for _ in range(MAX_HOPS):
        before = arriving
        through = np.minimum(arriving[calls.callers], passed[calls.callees])
        sums = np.bincount(calls.callees, weights=through, minlength=calls.n_items)
        arriving = np.maximum(arriving, np.minimum(sums, passed))
        if np.array_equal(arriving, before):
            break
    return np.where(_is_linked(calls, alerting), arriving, np.inf)


def _is_linked(calls: Calls, alerting: int) -> NDArray[np.bool_]:
    """Whom calls or messages lead to from the alerting item, itself included, shape ``(n_items,)``."""
    linked = np.zeros(calls.n_items, dtype=bool)
    linked[alerting] = True
    for _ in range(MAX_HOPS):
        linked[calls.callees[linked[calls.callers]]] = True
        linked[calls.takers[linked[calls.senders]]] = True
    return linked
