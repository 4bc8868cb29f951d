"""Fit a conditional logit: a few weights that make the right answers of stored cases likely.

McFadden, "Conditional logit analysis of qualitative choice behavior", Frontiers in Econometrics 1974. The
weights are factors, so none is negative, and a penalty pulls each towards its shipped default: a few
systems teach little about the next one.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import minimize

from models.rankers.posterior import Belief
from training.ranker_examples import GROUPS, importance

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from training.ranker_examples import RankerExample

LARGEST_STEP = 3.0
"""No weight moves by more than a factor of e³."""


@dataclass(frozen=True)
class Tuning:
    """The learned parameters of a ranker."""

    weights: Mapping[str, float] = field(default_factory=lambda: dict.fromkeys(GROUPS, 1.0))
    belief: Belief = field(default_factory=Belief)

    def mean_loss(self, examples: Sequence[RankerExample], shares: NDArray[np.float64]) -> float:
        """−ln of the probability of the right answers, weighted by the share of each case."""
        losses = [each.loss(self.weights, self.belief) for each in examples]
        return float(np.dot(shares, losses))


@dataclass(frozen=True)
class Penalty:
    """How strongly each kind of parameter is pulled to its default, in nats of mean loss per unit squared.

    Weights and sharpness are penalised by their logarithm, the doubt directly.
    """

    weights: float = 0.3
    sharpness: float = 0.03
    doubt: float = 0.01


DEFAULT_TUNING = Tuning()
DEFAULT_PENALTY = Penalty()


def fit_tuning(
    examples: Sequence[RankerExample],
    *,
    calm_share: float,
    penalty: Penalty = DEFAULT_PENALTY,
    start: Tuning = DEFAULT_TUNING,
) -> Tuning:
    """The most likely parameters, given some cases and the pull towards the defaults.

    A group of evidence that no case has retains its default.
    """
    shares = importance(examples, calm_share=calm_share)
    pull = np.array([penalty.sharpness, penalty.doubt, *[penalty.weights] * len(GROUPS)])

    def loss(moved: NDArray[np.float64]) -> float:
        return _moved(start, moved).mean_loss(examples, shares) + float(np.dot(pull, moved**2))

    bounds = [(-LARGEST_STEP, LARGEST_STEP)] * len(pull)
    found = minimize(loss, np.zeros(len(pull)), method="L-BFGS-B", bounds=bounds)
    return _moved(start, found.x)


def folds(examples: Sequence[RankerExample], *, n_blocks: int) -> Iterator[tuple[list[int], list[int]]]:
    """Indices to learn from and to judge by: each system in turn or, for a single one, later after earlier.

    Incidents of one system are never on both sides; for a single one, no incident is judged by later ones.
    """
    systems = sorted({each.system for each in examples})
    everything = range(len(examples))
    if len(systems) > 1:
        for system in systems:
            own = [index for index in everything if examples[index].system == system]
            yield [index for index in everything if examples[index].system != system], own
        return
    blocks = [block.tolist() for block in np.array_split(np.arange(len(examples)), n_blocks)]
    for number in range(1, n_blocks):
        yield [index for block in blocks[:number] for index in block], blocks[number]


def _moved(start: Tuning, moved: NDArray[np.float64]) -> Tuning:
    sharper, doubt, *heavier = moved.tolist()
    belief = replace(
        start.belief,
        sharpness=start.belief.sharpness * float(np.exp(sharper)),
        doubt=start.belief.doubt + doubt,
    )
    weights = {
        group: start.weights[group] * float(np.exp(step)) for group, step in zip(GROUPS, heavier, strict=True)
    }
    return Tuning(weights, belief)
