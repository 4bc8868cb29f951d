"""Sunspot's own ranker: all evidence added up, and the belief that comes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import repeat
from typing import TYPE_CHECKING

import numpy as np

from models.evidence.calls import calls_and_reach, calls_of
from models.evidence.figures import whole_percent
from models.evidence.lateness import lateness
from models.evidence.surge import surge
from models.rankers.causes import Causes, causes_among
from models.rankers.explain import normal_sentences, silence_of, unseen_sentences
from models.rankers.fusion import gather
from models.rankers.not_seen import NOBODY, with_not_seen
from models.rankers.posterior import Belief, Posterior
from models.rankers.ranking import DEFAULT_VERSION, Candidate, Evidence, Ranking

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.cases.case import Case
    from models.evidence.calls import Reach
    from models.evidence.lateness import Lateness
    from models.rankers.fusion import Gathered
    from models.rankers.not_seen import NotSeen

DEFAULT_BELIEF = Belief()

LEAST_WEIGHT = 0.5
"""Weaker evidence gets no sentence of its own; it is summed up."""

MOST = 0.5
"""A candidate is not named if more than this share of its evidence is a level that is usual at times."""

UNEXPLAINED = ((), (), "")
"""Path, evidence and explanation of a candidate beyond those that are explained."""

NOT_SEEN = "not_seen"
"""The kind of evidence of an item that is silent, and may explain what is seen of its caller."""

WEAKER = "weaker_signs"
"""The kind of evidence that sums up what is too weak for a sentence of its own."""


@dataclass(frozen=True)
class SunspotRanker:
    """Ranks by all evidence there is.

    Parameters
    ----------
    share_floor
        Weight of surprise alone, against surprise that comes with all of the excess.
    hop_decay
        Factor on the score for each hop from the alert.
    unreachable_factor
        Factor for an item that no path leads to: damped, not excluded, for graphs have gaps.
    weights
        Factor of each meaning of evidence, 1 where it is not named.
    belief
        How evidence becomes belief.
    floor
        Below this probability no candidate is named.
    without
        Kinds of evidence to leave out, to see what they are worth.
    n_explained
        So many candidates get their evidence in words.
    version
        Version of these numbers, named by every ranking.
    """

    name: str = "sunspot"
    share_floor: float = 0.1
    hop_decay: float = 0.95
    unreachable_factor: float = 0.3
    weights: Mapping[str, float] = field(default_factory=dict)
    belief: Belief = DEFAULT_BELIEF
    floor: float = 0.5
    without: tuple[str, ...] = ()
    n_explained: int = 10
    version: str = DEFAULT_VERSION

    def rank(self, case: Case) -> Ranking:
        """Rank every item of the case, best first."""
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            gathered, reach = self.gathered(case)  # senders may send any number at all
            late = lateness(case)
            observed = gathered.evidence
            not_seen = with_not_seen(
                observed,
                gathered,
                calls_of(case),
                late.is_unseen,
                is_blind=late.is_blind,
                hop_decay=self.hop_decay,
                sharpness=self.belief.sharpness,
            )
        belief = self.belief.posterior(not_seen.evidence, surge(case, reach))
        scores = self.belief.log_odds(not_seen.evidence)
        total = gathered.weights.sum(axis=0)
        per_nat = np.divide(self.belief.log_odds(observed), total, out=np.zeros_like(scores), where=total > 0)
        order = _best_first(case, scores)
        abstained = self._reason_to_abstain(case, gathered, order, scores, belief)
        causes = Causes() if abstained else causes_among(case, case.items[order[0]], observed, self.belief)
        explained = tuple(
            Candidate(
                case.items[index],
                float(scores[index]),
                float(belief.candidates[index]),
                int(reach.hops[index]) if reach.hops[index] >= 0 else None,
                tuple(case.items[each] for each in reach.path(index)),
                self._evidence(gathered, index, float(per_nat[index]))
                if not_seen.explained[index] == NOBODY
                else (_silence(case, late, not_seen, index, float(scores[index])),),
                causes.explanation_of(case.items[index]) if scores[index] > 0 else "",
            )
            for index in order[: self.n_explained].tolist()
        )
        rest = order[self.n_explained :]
        names = [case.items[index] for index in rest.tolist()]
        hops = [each if each >= 0 else None for each in reach.hops[rest].tolist()]
        figures = names, scores[rest].tolist(), belief.candidates[rest].tolist(), hops
        others = tuple(map(Candidate._make, zip(*figures, *map(repeat, UNEXPLAINED), strict=False)))
        times = case.window.times_ms
        return Ranking(
            case_id=case.id,
            ranker=self.name,
            candidates=explained + others,
            abstained=abstained,
            unseen=unseen_sentences(case, list(gathered.excesses), late),
            graph_version=case.graph_version,
            bundle_version=case.bundle_version,
            window_start_ms=int(times[0]) if len(times) else 0,
            window_end_ms=int(times[-1]) + case.step_ms if len(times) else 0,
            answers={"traffic surge": belief.surge, "nothing observed explains this": belief.none},
            causes=causes.named,
            found_normal=normal_sentences(gathered.findings, late),
            ranker_version=self.version,
        )

    def gathered(self, case: Case) -> tuple[Gathered, Reach]:
        """All evidence of a case, weighed, and the distances from the alert."""
        position = _positions(case.items)
        calls, reach = calls_and_reach(case)
        nearness = np.ones(len(case.items))
        if case.graph.has_edges:
            decayed = self.hop_decay ** np.maximum(reach.hops, 0)
            nearness = np.where(reach.hops >= 0, decayed, self.unreachable_factor)
        gathered = gather(
            case,
            position,
            calls,
            nearness=nearness,
            share_floor=self.share_floor,
            weights=self.weights,
            without=self.without,
        )
        return gathered, reach

    def _evidence(self, gathered: Gathered, index: int, per_nat: float) -> tuple[Evidence, ...]:
        """Every piece of evidence, the weightiest first; all weights sum to the score."""
        weighed = [
            (finding, per_nat * float(weight))
            for finding, weight in zip(gathered.findings, gathered.weights[:, index], strict=True)
            if weight > 0
        ]
        shown = [
            Evidence(
                finding.kind,
                weight,
                *finding.sentence(index),
                templates=finding.templates(index) if finding.templates else (),
            )
            for finding, weight in weighed
            if weight >= LEAST_WEIGHT
        ]
        shown.sort(key=lambda evidence: -evidence.weight)
        weaker = [
            (finding.kind.replace("_", " "), weight) for finding, weight in weighed if weight < LEAST_WEIGHT
        ]
        if weaker:
            kinds = ", ".join(kind for kind, _ in weaker)
            shown.append(Evidence(WEAKER, sum(weight for _, weight in weaker), f"Weaker signs: {kinds}."))
        return tuple(shown)

    def _reason_to_abstain(
        self,
        case: Case,
        gathered: Gathered,
        order: NDArray[np.int64],
        scores: NDArray[np.float64],
        belief: Posterior,
    ) -> str:
        """Why no candidate is named, or an empty string."""
        if not len(case.window.times_ms) and case.window_spans is None and case.window_logs is None:
            return "no signal was received around the alert"
        if not _any_known(gathered):
            return "no item has both signals around the alert and enough history to compare them with"
        best, probability = case.items[order[0]], belief.candidates[order[0]]
        if scores[order[0]] <= 0:
            return "nothing observed is worse than usual"
        if belief.surge > max(probability, belief.none):
            share = whole_percent(belief.surge)
            return f"traffic surge ({share}): requests rose everywhere, and no item stands out"
        strongest = f"not enough evidence: the strongest candidate is {best} ({whole_percent(probability)})"
        if probability < max(belief.none, self.floor):
            return f"{strongest}; a cause outside what is observed has {whole_percent(belief.none)}"
        is_usual = _weight_of_usual(gathered, int(order[0])) > MOST * gathered.weights[:, order[0]].sum()
        return f"{strongest}, for a level that it reaches in normal operation, too" if is_usual else ""


def _weight_of_usual(gathered: Gathered, index: int) -> float:
    """What speaks against an item by levels that it often reaches in normal operation."""
    return sum(
        float(weight)
        for finding, weight in zip(gathered.findings, gathered.weights[:, index], strict=True)
        if finding.is_usual is not None and finding.is_usual[index]
    )


def _silence(case: Case, late: Lateness, not_seen: NotSeen, index: int, score: float) -> Evidence:
    """What an item that is not seen may explain, in place of what was seen of it earlier."""
    n_missing = late.silence(index)
    caller = case.items[not_seen.explained[index]]
    if late.is_blind[index]:
        why = "nothing was ever received of it"
    elif late.is_starved[index] and not late.is_late[index]:
        why = "it gets no requests, and usually does"
    else:
        why = silence_of(case, late, n_missing)
    text = f"{case.items[index]} is not seen ({why}): it may explain what is wrong with {caller}."
    return Evidence(NOT_SEEN, score, text, {"n_missing_ticks": n_missing})


def _best_first(case: Case, scores: NDArray[np.float64]) -> NDArray[np.int64]:
    """Indices of the items by score; equal scores by name, whatever order the items come in."""
    by_name = _by_name(case.items)
    return by_name[np.argsort(-scores[by_name], kind="stable")]


@lru_cache(maxsize=16)
def _positions(items: tuple[str, ...]) -> Mapping[str, int]:
    return {item: index for index, item in enumerate(items)}


@lru_cache(maxsize=16)  # alerts on one item come again
def _by_name(items: tuple[str, ...]) -> NDArray[np.int64]:
    return np.array(sorted(range(len(items)), key=items.__getitem__), dtype=np.int64)


def _any_known(gathered: Gathered) -> bool:
    known: list[NDArray[np.bool_]] = [each.is_known for each in gathered.findings if each.kind != "change"]
    return any(bool(each.any()) for each in known)
