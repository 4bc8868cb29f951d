"""Sunspot's own ranker: surprise of the own excess × its share of the whole × a mild decay per hop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from features.golden import Role
from models.evidence.own_excess import own_excess
from models.rankers.explain import own_excess_sentence, unseen_sentences
from models.rankers.ranking import Candidate, Evidence, Ranking

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.case import Case
    from models.evidence.own_excess import OwnExcess

LEAST_WEIGHT = 0.5
"""Evidence that adds less to a score is none, and is not told."""

BLAMED_ROLES = {Role.LATENCY: "own_latency", Role.ERRORS: "own_failures"}
"""The roles whose excess is blamed, and the kind of evidence each gives."""


@dataclass(frozen=True)
class SunspotRanker:
    """Ranks by own excess.

    Parameters
    ----------
    share_floor
        Weight of surprise alone, against surprise that comes with all of the excess.
    hop_decay
        Factor on the score for each hop from the alert.
    unreachable_factor
        Factor for an item that no path leads to: damped, not excluded, for graphs have gaps.
    prior_none
        Prior odds that none of the candidates is the cause.
    n_explained
        So many candidates get their evidence in words.
    """

    name: str = "sunspot"
    share_floor: float = 0.1
    hop_decay: float = 0.95
    unreachable_factor: float = 0.3
    prior_none: float = 1.0
    n_explained: int = 10

    def rank(self, case: Case) -> Ranking:
        """Rank every item of the case, best first."""
        excesses = [own_excess(case, role) for role in BLAMED_ROLES]
        hops = case.graph.hops(case.alert.item)
        weights = self._weights(case, excesses, hops)
        scores = weights.sum(axis=0)
        probabilities, none = self._posterior(scores)
        order = sorted(range(len(case.items)), key=lambda index: (-scores[index], case.items[index]))
        candidates = tuple(
            Candidate(
                item=case.items[index],
                score=float(scores[index]),
                probability=float(probabilities[index]),
                hops=hops.get(case.items[index]),
                path=self._path(case, index, position),
                evidence=self._evidence(case, excesses, weights, index, position),
            )
            for position, index in enumerate(order)
        )
        return Ranking(
            case_id=case.id,
            ranker=self.name,
            candidates=candidates,
            abstained=_reason_to_abstain(case, excesses, candidates, none),
            unseen=unseen_sentences(case, excesses),
            graph_version=case.graph_version,
            bundle_version=case.bundle_version,
            window_start_ms=int(case.window.times_ms[0]) if len(case.window.times_ms) else 0,
            window_end_ms=int(case.window.times_ms[-1]) + case.step_ms if len(case.window.times_ms) else 0,
        )

    def _weights(self, case: Case, excesses: list[OwnExcess], hops: dict[str, int]) -> NDArray[np.float64]:
        """What each role adds to each item's score, shape ``(n_roles, n_items)``."""
        distance = np.array([hops.get(item, -1) for item in case.items])
        reach = np.where(distance >= 0, self.hop_decay ** np.maximum(distance, 0), self.unreachable_factor)
        if not case.graph.edges:
            reach = np.ones(len(case.items))
        share = np.array([each.share for each in excesses])
        surprise = np.array([each.surprise for each in excesses])
        return surprise * (self.share_floor + share) / (self.share_floor + 1.0) * reach

    def _posterior(self, scores: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
        """Probability of each item, and of none of them.

        A surprise of s = −ln p speaks for a candidate by a factor of at most exp(s) / (e s) (Sellke, Bayarri
        and Berger, "Calibration of p values for testing precise null hypotheses", American Statistician
        2001). Every item starts alike; one that surprises nobody is hardly a cause.
        """
        factors = np.where(scores > 1.0, np.exp(scores - 1.0) / np.maximum(scores, 1.0), scores)
        none = self.prior_none * len(scores)
        total = float(factors.sum()) + none
        return factors / total, none / total

    def _path(self, case: Case, index: int, position: int) -> tuple[str, ...]:
        return case.graph.path(case.alert.item, case.items[index]) if position < self.n_explained else ()

    def _evidence(
        self, case: Case, excesses: list[OwnExcess], weights: NDArray[np.float64], index: int, position: int
    ) -> tuple[Evidence, ...]:
        if position >= self.n_explained:
            return ()
        found = [
            Evidence(kind, float(weights[row, index]), *own_excess_sentence(case, excess, index))
            for row, (excess, kind) in enumerate(zip(excesses, BLAMED_ROLES.values(), strict=True))
            if weights[row, index] >= LEAST_WEIGHT
        ]
        return tuple(sorted(found, key=lambda evidence: -evidence.weight))


def _reason_to_abstain(
    case: Case, excesses: list[OwnExcess], candidates: tuple[Candidate, ...], none: float
) -> str:
    """Why no candidate is named, or an empty string."""
    if not len(case.window.times_ms):
        return "no signal was received around the alert"
    if not any(excess.is_known.any() for excess in excesses):
        return "no item has both signals around the alert and enough history to compare them with"
    best = candidates[0]
    if best.score <= 0:
        return "nothing observed is worse than usual"
    if best.probability < none:
        return (
            f"not enough evidence: the strongest candidate, {best.item}, is less likely "
            f"({best.probability:.0%}) than a cause outside what is observed ({none:.0%})"
        )
    return ""
