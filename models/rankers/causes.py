"""Which candidates are independent causes, and which are symptoms of a named cause."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from models.cases.case import Case
    from models.rankers.posterior import Belief

FURTHER_FLOOR = 0.8
"""Least belief in a further cause, without what the others explain: two faults at once are rare."""

MAX_CAUSES = 3


@dataclass(frozen=True)
class Causes:
    """The named items, and what they explain.

    Attributes
    ----------
    named
        The causes, likeliest first.
    explains
        For each item that depends on a cause, directly or not, the first such cause.
    """

    named: tuple[str, ...] = ()
    explains: Mapping[str, str] | None = None

    def explanation_of(self, item: str) -> str:
        """The cause that explains an item's anomaly; empty for a cause and for an item that none explains."""
        return (self.explains or {}).get(item, "")


def causes_among(case: Case, first: str, evidence: NDArray[np.float64], belief: Belief) -> Causes:
    """Name further causes beside the first.

    Items that depend on a cause may show its symptoms: all of them are left out, and their belief is divided
    among the others and "nothing observed explains this". An item still beyond doubt has its own fault.

    Parameters
    ----------
    evidence
        Evidence against all items, shape ``(n_items,)``.
    """
    named: list[str] = []
    explains: dict[str, str] = {}
    posterior, cause = belief.posterior(evidence, 0.0), first
    left = posterior.candidates.copy()
    while True:
        named.append(cause)
        for item in case.graph.dependents(cause):
            explains.setdefault(item, cause)
        left[[index for index, item in enumerate(case.items) if item in explains or item in named]] = 0.0
        best = min(np.flatnonzero(left == left.max()).tolist(), key=case.items.__getitem__)
        if left[best] < FURTHER_FLOOR * (left.sum() + posterior.none) or len(named) == MAX_CAUSES:
            break
        cause = case.items[best]
    return Causes(tuple(named), {item: each for item, each in explains.items() if item not in named})
