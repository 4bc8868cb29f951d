"""Training examples of the ranker: stored cases as arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from models.evidence.surge import surge
from models.rankers.fusion import combined
from models.rankers.sunspot import SunspotRanker
from telemetry.instants import to_ms

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from models.cases.case import Case
    from models.rankers.posterior import Belief

    Floats = NDArray[np.float64]

GROUPS: dict[str, tuple[str, ...]] = {
    "itself": ("own", "failures"),
    "between": ("gap", "structure"),
    "resources": ("cpu", "memory", "saturation", "loss"),
    "logs": ("missing", "new"),
    "reported": ("change", "alerts"),
}
"""Meanings of evidence that share one trained weight; those in no group have weight 1."""


RANKS = (1, 3, 5)

LEAST_CHANCE = 1e-9
"""Lowest probability in a loss: no case costs more than −ln of this."""


@dataclass(frozen=True)
class Judgement:
    """Comparison of an answer with the confirmed cause.

    Attributes
    ----------
    loss
        −ln of the probability of the right answer; several causes are one answer.
    confidence
        Probability of the first candidate.
    within
        Chance that a cause is among the first k candidates, for each k of `RANKS`: a tie of t counts 1/t at
        its ranks. All 0 where no item is to blame.
    named
        Whether the first candidate is more likely than "none of them", and than the floor.
    """

    loss: float
    confidence: float
    within: tuple[float, ...]
    named: bool


@dataclass(frozen=True)
class RankerExample:
    """One case, reduced to what belief depends on.

    Attributes
    ----------
    system, at_ms
        The system of the case, and the time of its alert.
    totals
        Weighted surprise of each group, and of evidence in no group, shape ``(n_groups + 1, n_items)``.
    usual
        Usual sum of a normal item, shape ``(n_items,)``.
    surge
        Evidence for a traffic surge.
    is_cause
        Shape ``(n_items,)``; all false where no item is to blame.
    """

    system: str
    at_ms: int
    totals: Floats
    usual: Floats
    surge: float
    is_cause: NDArray[np.bool_]

    def chances(self, weights: Mapping[str, float], belief: Belief) -> tuple[Floats, float]:
        """Probability of each item, and that none of them is to blame."""
        factors = np.array([*(weights.get(group, 1.0) for group in GROUPS), 1.0])
        posterior = belief.posterior(combined(factors @ self.totals, self.usual), self.surge)
        return posterior.candidates, posterior.surge + posterior.none

    def loss(self, weights: Mapping[str, float], belief: Belief) -> float:
        """−ln of the probability of the right answer."""
        items, none = self.chances(weights, belief)
        right = float(items[self.is_cause].sum()) if self.is_cause.any() else none
        return -float(np.log(max(right, LEAST_CHANCE)))

    def judged(self, weights: Mapping[str, float], belief: Belief, *, floor: float) -> Judgement:
        """Compare the answer under these parameters with the confirmed cause."""
        items, none = self.chances(weights, belief)
        within = (0.0,) * len(RANKS)
        if self.is_cause.any():
            best = items[self.is_cause].max()
            ahead, tied = int((items > best).sum()), int((items == best).sum())
            within = tuple(min(max(k - ahead, 0), tied) / tied for k in RANKS)
        first = float(items.max())
        return Judgement(self.loss(weights, belief), first, within, first >= max(none, floor))


def examples_of(cases: Iterable[Case], *, on_case: Callable[[], None] = lambda: None) -> list[RankerExample]:
    """Turn every case into an example, with Sunspot's ranker as shipped, in order of time.

    A case whose confirmed causes are all outside its graph counts as one without a cause: among the observed
    items, "none of them" is the right answer.
    """
    ranker = SunspotRanker()
    examples = []
    for case in cases:
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            gathered, reach = ranker.gathered(case)
        totals = np.zeros((len(GROUPS) + 1, len(case.items)))
        for finding, weights in zip(gathered.findings, gathered.weights, strict=True):
            totals[_row_of(finding.meaning)] += weights
        examples.append(
            RankerExample(
                case.system,
                to_ms(case.at),
                totals,
                gathered.usual,
                surge(case, reach),
                np.isin(np.array(case.items), case.cause),
            )
        )
        on_case()
    return sorted(examples, key=lambda each: (each.at_ms, each.system))


def weights_by_meaning(weights: Mapping[str, float]) -> dict[str, float]:
    """Weight of each meaning, from that of each group."""
    return {
        meaning: weights[group]
        for group, meanings in GROUPS.items()
        for meaning in meanings
        if group in weights
    }


def weights_by_group(weights: Mapping[str, float]) -> dict[str, float]:
    """Weight of each group, from that of its first meaning."""
    return {group: weights.get(meanings[0], 1.0) for group, meanings in GROUPS.items()}


def importance(examples: Sequence[RankerExample], *, calm_share: float) -> Floats:
    """How much each case counts, shape ``(n_cases,)``; all sum to 1.

    Every system counts alike, however many cases it has. Within a system, all cases without a cause
    together count ``calm_share`` times as much as those with one.
    """
    shares: Floats = np.zeros(len(examples))
    for system in sorted({each.system for each in examples}):
        for has_cause, share in ((True, 1.0), (False, calm_share)):
            own = np.array(
                [each.system == system and bool(each.is_cause.any()) is has_cause for each in examples]
            )
            if own.any():
                shares[own] = share / own.sum()
    shares /= shares.sum()
    return shares


def _row_of(meaning: str) -> int:
    for row, meanings in enumerate(GROUPS.values()):
        if meaning in meanings:
            return row
    return len(GROUPS)
