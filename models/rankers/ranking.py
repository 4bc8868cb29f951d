"""A ranker's answer: candidates best first, with probability and evidence, or why none is named."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from models.cases.case import Case
    from models.evidence.log_words import TemplateChange

DEFAULT_VERSION = "default"


@dataclass(frozen=True, slots=True)
class Evidence:
    """One checkable reason for a candidate.

    Attributes
    ----------
    kind
        The kind of evidence, such as ``own_latency`` or ``own_failures``.
    weight
        Its contribution to the candidate's score; a candidate's weights sum to its score.
    sentence
        The reason in words, with figures and units.
    figures
        The numbers behind the sentence; names carry their units.
    templates
        The log templates behind the sentence, strongest first.
    """

    kind: str
    weight: float
    sentence: str
    figures: Mapping[str, float] = field(default_factory=dict)
    templates: tuple[TemplateChange, ...] = ()


class Candidate(NamedTuple):
    """A configuration item that may explain the alert; a tuple, because each alert has thousands.

    Attributes
    ----------
    score
        Higher is more likely the cause; comparable within one ranking only.
    probability
        Belief that this item is the cause; over all candidates and "none of them" they sum to 1.
    hops
        Distance from the alerting item; ``None`` if it cannot be reached.
    path
        Path from the alerting item to this one, both included; empty if it cannot be reached.
    explained_by
        The named cause that it depends on, if its anomaly is a symptom; empty otherwise.
    """

    item: str
    score: float
    probability: float
    hops: int | None = None
    path: tuple[str, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    explained_by: str = ""


@dataclass(frozen=True, slots=True)
class Ranking:
    """Candidates for one case, best first.

    Attributes
    ----------
    abstained
        Why no candidate is named; empty when one is. The candidates are listed in either case.
    unseen
        What could not be examined, in sentences.
    answers
        Probability of each answer that names no item; with the candidates' they sum to 1.
    causes
        The named items, likeliest first; several if one does not explain all, none if it abstains.
    found_normal
        What was examined and found normal, in sentences.
    ranker_version
        Version of the ranker's trained numbers; ``default`` for the built-in ones.
    """

    case_id: str
    ranker: str
    candidates: tuple[Candidate, ...]
    abstained: str = ""
    unseen: tuple[str, ...] = ()
    graph_version: str = ""
    bundle_version: str = ""
    window_start_ms: int = 0
    window_end_ms: int = 0
    answers: Mapping[str, float] = field(default_factory=dict)
    causes: tuple[str, ...] = ()
    found_normal: tuple[str, ...] = ()
    ranker_version: str = DEFAULT_VERSION


class Ranker(Protocol):
    """Orders the candidates for an alert; pure: the same case gives the same ranking."""

    @property
    def name(self) -> str:
        """The method's name in tables."""
        ...

    def rank(self, case: Case) -> Ranking:
        """Rank every item of the case, best first."""
        ...


def ranking_of(case: Case, ranker: str, scores: NDArray[np.float64]) -> Ranking:
    """Order a case's items by score, for a ranker that gives no evidence.

    Parameters
    ----------
    scores
        Shape ``(n_items,)``, higher is more likely the cause, none negative. Probabilities are each score's
        share of the sum: an order, not a belief.
    """
    total = float(scores.sum())
    hops = case.graph.hops(case.alert.item)
    order = sorted(range(len(case.items)), key=lambda index: (-scores[index], case.items[index]))
    candidates = tuple(
        Candidate(
            case.items[index],
            score=float(scores[index]),
            probability=float(scores[index]) / total if total > 0 else 0.0,
            hops=hops.get(case.items[index]),
        )
        for index in order
    )
    abstained = "" if total > 0 else "no item scores above zero"
    return Ranking(
        case.id,
        ranker,
        candidates,
        abstained,
        graph_version=case.graph_version,
        bundle_version=case.bundle_version,
    )
