"""What a dependency that is not seen may be the cause of: all that its fault would show at its caller.

Where a caller's callee is silent, a fault of the one looks like a fault of the other: with the same evidence,
belief is shared between them. Only what a callee does not cause speaks for the caller alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from models.rankers.fusion import combined

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.evidence.calls import Calls
    from models.rankers.fusion import Gathered

    Floats = NDArray[np.float64]

OF_THE_ITEM_ALONE = frozenset({"cpu", "memory", "loss", "change"})
"""Meanings of evidence that no fault of a callee shows at its caller."""

NOBODY = -1


@dataclass(frozen=True)
class NotSeen:
    """Evidence that items inherit from the callers that they may explain, because they are not seen.

    Attributes
    ----------
    evidence
        Shape ``(n_items,)``: of the items themselves or, where it is more, of what they may explain.
    explained
        Shape ``(n_items,)``: the caller whose evidence it is; −1 where it is the item's own.
    """

    evidence: Floats
    explained: NDArray[np.int64]


BLIND = 0.25
"""Odds, of a caller's, that all its callees together share of which nothing is ever seen."""


def with_not_seen(
    evidence: Floats,
    gathered: Gathered,
    calls: Calls,
    is_unseen: NDArray[np.bool_],
    *,
    is_blind: NDArray[np.bool_] | None = None,
    hop_decay: float,
    sharpness: float = 1.0,
) -> NotSeen:
    """Give unseen callees the evidence against their callers, less what speaks for the caller alone.

    Parameters
    ----------
    evidence
        Shape ``(n_items,)``: the evidence of ``gathered``.
    is_unseen
        Shape ``(n_items,)``: items that usually send and are not seen in the incident.
    is_blind
        Shape ``(n_items,)``: items of which nothing is ever seen; they are believed in less.
    hop_decay
        Factor on evidence for each further hop from the alert.
    sharpness
        The power of 1 + evidence that belief is.
    """
    explained = np.full(len(evidence), NOBODY, dtype=np.int64)
    is_blind = np.zeros(len(evidence), dtype=bool) if is_blind is None else is_blind
    edges = np.flatnonzero((is_unseen | is_blind)[calls.callees])
    if not len(edges):
        return NotSeen(evidence, explained)
    alone = [row for row, each in enumerate(gathered.findings) if each.meaning in OF_THE_ITEM_ALONE]
    own = combined(gathered.weights[alone].sum(axis=0), gathered.usual)
    odds_left = (1.0 + evidence) / (
        1.0 + own
    )  # belief is a power of 1 + evidence: this part may be a callee's
    passed_on = np.maximum(odds_left - 1.0, 0.0)
    evidence = evidence.copy()
    n_blind = np.bincount(calls.callers, weights=is_blind[calls.callees], minlength=len(evidence))
    for _ in range(int((is_unseen | is_blind).sum())):  # an unseen callee may have one of its own
        is_settled = True
        for caller, callee in zip(calls.callers[edges].tolist(), calls.callees[edges].tolist(), strict=True):
            offered = hop_decay * passed_on[caller]
            if is_blind[callee]:
                share = (BLIND / n_blind[caller]) ** (1.0 / sharpness)
                offered = max((1.0 + offered) * share - 1.0, 0.0)
            if offered > evidence[callee]:
                evidence[callee] = passed_on[callee] = offered
                explained[callee] = caller
                is_settled = False
        if is_settled:
            break
    return NotSeen(evidence, explained)
