"""From evidence to belief: a conditional logit over the items and two answers that name none.

McFadden, "Conditional logit analysis of qualitative choice behavior", Frontiers in Econometrics 1974. An
item's log-odds against an item without evidence are ``sharpness × ln(1 + evidence)``. The logarithm is needed
because surprises are −ln p of models that are never quite right far out in their tails. "Nothing observed
explains this" has the log-odds ``doubt`` for each item under suspicion, because the more there are, the more
likely one of them stands out by chance. A "traffic surge" has the log-odds of its own evidence plus
``surge_bonus``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

N_UNSEEN = 10
"""Suspects that are always counted: seeing few items does not make it likelier that one is the cause."""


@dataclass(frozen=True)
class Belief:
    """How evidence turns into belief.

    The defaults are rounded from maximum-likelihood fits on incidents and on normal windows. Each data set
    has the same weight, and a normal window has a quarter of an incident's. The bonus of a surge is set on
    the simulator, because no public set has one. docs/benchmarks.md gives the errors.

    Attributes
    ----------
    sharpness
        Factor of ln(1 + evidence).
    doubt
        Log-odds of "nothing observed explains this" for each suspect: every item with evidence against it,
        and `N_UNSEEN` more.
    surge_bonus
        Added to the log-odds of a surge, because much traffic explains what it slows down.
    """

    sharpness: float = 4.4
    doubt: float = 3.4
    surge_bonus: float = 1.0

    def log_odds(self, evidence: NDArray[np.float64]) -> NDArray[np.float64]:
        """Log-odds of each item against an item without evidence, the shape of ``evidence``; 0 and up."""
        odds: NDArray[np.float64] = self.sharpness * np.log1p(np.maximum(evidence, 0.0))
        return odds

    def posterior(self, evidence: NDArray[np.float64], surge: float) -> Posterior:
        """Distribute belief among the items, a surge, and none of them.

        Parameters
        ----------
        evidence
            Shape ``(n_items,)``, 0 and up.
        surge
            Evidence for a surge; 0 for none.

        Examples
        --------
        >>> round(Belief(doubt=0.0).posterior(np.zeros(10), 0.0).none, 2)  # no evidence: all shares are equal
        0.5
        """
        odds = self.log_odds(evidence)
        none = self.doubt + float(np.log(np.count_nonzero(evidence > 0) + N_UNSEEN))
        surged = self.surge_bonus + self.sharpness * np.log1p(surge) if surge > 0 else -np.inf
        largest = max(float(odds.max(initial=0.0)), none, surged)
        shares = np.exp(odds - largest)
        none_share, surge_share = float(np.exp(none - largest)), float(np.exp(surged - largest))
        total = float(shares.sum()) + none_share + surge_share
        return Posterior(shares / total, surge_share / total, none_share / total)


@dataclass(frozen=True)
class Posterior:
    """Belief in each answer; all of them sum to 1.

    Attributes
    ----------
    candidates
        Shape ``(n_items,)``.
    """

    candidates: NDArray[np.float64]
    surge: float
    none: float
