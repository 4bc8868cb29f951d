"""All kinds of evidence combined: the corrected sum, which needs no training.

Every surprise is divided by its kind's inflation over the items of the case, weighed with its share of
the whole, and reduced by the distance from the alert. Kinds of one meaning are views of one thing: the
largest counts. Meanings are added up, and the sum is judged by what the case's other items show. The maximum
over all kinds and reciprocal ranks were tried and lose. A new kind joins by one line in `findings_of`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from features.golden import Role
from models.evidence.alerts import alerts
from models.evidence.call_structure import call_structure
from models.evidence.changes import changes
from models.evidence.edge_gap import edge_gap
from models.evidence.finding import MIN_JUDGES, Finding
from models.evidence.log_templates import log_findings
from models.evidence.new_calls import new_calls
from models.evidence.onset import onset
from models.evidence.overload import overload
from models.evidence.own_excess import own_excesses
from models.evidence.own_time import own_time
from models.evidence.resources import resources
from models.rankers.explain import own_excess_sentence

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from numpy.typing import NDArray

    from models.cases.case import Case
    from models.evidence.calls import Calls
    from models.evidence.own_excess import OwnExcess

    Floats = NDArray[np.float64]

LEAST_CHANCE = 1e-300
"""Smaller chances count as this one, so that their logarithm is finite."""

TIE_BREAKERS = {"onset"}
"""Meanings that only separate what is otherwise equal."""

FACTS = {"change"}
"""Meanings that are recorded, not measured: many of them in one night are no sign of noise."""

BLAMED_ROLES = {Role.LATENCY: ("own_latency", "own"), Role.ERRORS: ("own_failures", "failures")}
"""The roles whose excess is blamed, and the kind and meaning of evidence each gives."""


SHOWN = 3.0
"""Surprise from which the alerting item counts as showing a role: one normal window in twenty."""

INCLUSIVE = {"own_latency", "log_waits"}
"""Kinds that hold the time of what an item calls: they are left out where spans show its own time."""

SHIPPED_WEIGHTS = {"cpu": 0.5}
"""Factor of a meaning; 1 where it is not named. Processors also work harder for what goes wrong elsewhere:
failures, retries and stack traces cost time, so that theirs is a symptom as often as a cause."""


@dataclass(frozen=True)
class Gathered:
    """All that can be held against a case's items.

    Attributes
    ----------
    findings
        One per kind of evidence that had anything to look at.
    weights
        Shape ``(n_findings, n_items)``: what each adds to each item's score; 0 where another kind of the same
        meaning weighs more.
    usual
        Shape ``(n_items,)``: what all meanings that looked at an item add to one with which nothing is wrong.
    excesses
        Own excess by role, for what could not be seen.
    """

    findings: tuple[Finding, ...]
    weights: Floats
    usual: Floats
    excesses: tuple[OwnExcess, ...]

    @property
    def evidence(self) -> Floats:
        """What all findings amount to together, shape ``(n_items,)``: −ln p of their sum."""
        return combined(self.weights.sum(axis=0), self.usual)


def combined(total: Floats, usual: Floats) -> Floats:
    """−ln p of Fisher's combined test, the shape of ``total``.

    The sum of independent surprises is a gamma variable where nothing is wrong, and its shape is its mean
    (Fisher, "Statistical Methods for Research Workers", 4th ed., 1932, section 21.1): an item that is
    looked at in more ways must stand out by more.

    Parameters
    ----------
    total
        Sum of the weighed surprises of each item, 0 and up.
    usual
        What that sum is where nothing is wrong; at least 1 is counted.
    """
    chance = special.gammaincc(np.maximum(usual, 1.0), total)
    evidence: Floats = -np.log(np.maximum(chance, LEAST_CHANCE))
    return evidence


def usual_surprise(surprises: Floats) -> float:
    """Surprise that one meaning gives to a healthy item, from 0 to 1.

    An exact −ln p has the mean 1. Many are smaller: one-sided ones, shares of a whole, the strongest of many
    corrected for their number. To expect 1 of each would hide what one of them shows, so the other items of
    the case show what is usual (an empirical null: Efron, "Large-scale simultaneous hypothesis testing",
    Journal of the American Statistical Association 2004). It is their mean, the most surprising left out,
    joined by as many items of surprise 1 as are needed to judge at all.

    Parameters
    ----------
    surprises
        Shape ``(n,)``: weighed surprises of the items looked at, 0 and up.

    Examples
    --------
    >>> usual_surprise(np.zeros(1)), usual_surprise(np.append(np.zeros(18), 9.0))
    (1.0, 0.25)
    """
    n_others = max(len(surprises) - 1, 0)
    others = float(surprises.sum() - surprises.max(initial=0.0))
    return min((MIN_JUDGES + others) / (MIN_JUDGES + n_others), 1.0)


def findings_of(
    case: Case, position: Mapping[str, int], calls: Calls, *, without: Collection[str] = ()
) -> tuple[list[Finding], list[OwnExcess]]:
    """Every kind of evidence that has something to look at, and the own excess behind two of them.

    Parameters
    ----------
    position
        Index of each item among the case's.
    without
        Kinds to leave out, to see what they are worth.
    """
    excesses = own_excesses(case, tuple(BLAMED_ROLES), calls=calls)
    found = [own_time(case, position), edge_gap(case, position), call_structure(case, position)]
    found += [new_calls(case, position), alerts(case, position, calls), onset(case, excesses)]
    found += [_of_excess(case, excess) for excess in excesses]
    found += [_as_far_as_it_explains(each, excesses) for each in resources(case)]
    overloads = overload(case, calls, excesses)
    changed = changes(case, position)
    if changed is not None and overloads is not None:  # what made an item send more is near what suffers
        changed = replace(changed, near=overloads.near)
    found += [changed, overloads]
    found += log_findings(case)
    present = [each for each in found if each is not None and each.kind not in without]
    return _without_inherited(present, calls), excesses


def gather(
    case: Case,
    position: Mapping[str, int],
    calls: Calls,
    *,
    nearness: Floats,
    share_floor: float,
    weights: Mapping[str, float],
    without: Collection[str] = (),
) -> Gathered:
    """Weigh every finding for every item.

    Parameters
    ----------
    nearness
        Shape ``(n_items,)``: factor for the distance from the alert.
    share_floor
        Weight of surprise alone, against surprise that comes with all of the excess.
    weights
        Factor of each meaning beside the shipped one; 1 where it is not named. What is usual is judged
        without it: trusting a meaning more is no reason to expect more of it.
    """
    findings, excesses = findings_of(case, position, calls, without=without)
    weighed = np.zeros((len(findings), len(case.items)))
    for row, finding in enumerate(findings):
        inflation = 1.0 if finding.meaning in FACTS else finding.inflation
        factor = SHIPPED_WEIGHTS.get(finding.meaning, 1.0) / (inflation * (1.0 + share_floor))
        known = np.where(np.isfinite(finding.surprise), finding.surprise, 0.0)
        share = np.where(np.isfinite(finding.share), finding.share, 1.0)
        near = nearness if finding.near is None else nearness[finding.near]
        weighed[row] = known * (share_floor + share) * near * factor
    _only_largest(findings, weighed)
    usual = _usual_sums(findings, weighed)
    weighed *= np.array([weights.get(each.meaning, 1.0) for each in findings])[:, None]
    return Gathered(tuple(findings), weighed, usual, tuple(excesses))


def _as_far_as_it_explains(finding: Finding, excesses: Sequence[OwnExcess]) -> Finding:
    """Share a resource's evidence by what the item shows that reaches the alert, in its better role.

    Where the alerting item shows neither latency nor failures, its alert is about another thing: the
    evidence stays as it is.
    """
    if not any(each.symptom >= SHOWN for each in excesses):
        return finding
    return replace(finding, share=finding.share * np.maximum.reduce([each.explains for each in excesses]))


def _usual_sums(findings: Sequence[Finding], weighed: Floats) -> Floats:
    """Usual sum of the meanings that looked at each item, shape ``(n_items,)``.

    Tie-breakers do not count: who comes late in an order is not cleared by it.
    """
    usual = np.zeros(weighed.shape[1])
    for meaning in sorted({each.meaning for each in findings} - TIE_BREAKERS):
        rows = [row for row, each in enumerate(findings) if each.meaning == meaning]
        known = np.any([findings[row].is_known for row in rows], axis=0)
        usual += known * usual_surprise(weighed[rows].sum(axis=0)[known])
    return usual


def _only_largest(findings: Sequence[Finding], weights: Floats) -> None:
    """Set all but the largest weight of each meaning to 0, in place."""
    rows_of: dict[str, list[int]] = {}
    for row, finding in enumerate(findings):
        rows_of.setdefault(finding.meaning, []).append(row)
    for rows in rows_of.values():
        if len(rows) > 1:
            best = np.argmax(weights[rows], axis=0)
            for place, row in enumerate(rows):
                weights[row][best != place] = 0.0


def _of_excess(case: Case, excess: OwnExcess) -> Finding:
    kind, meaning = BLAMED_ROLES[excess.role]
    surprise = np.where(excess.is_known, excess.surprise, np.nan)
    return Finding(
        kind,
        meaning,
        surprise,
        excess.share,
        lambda index: own_excess_sentence(case, excess, index),
        is_far=excess.is_far,
    )


def _without_inherited(findings: list[Finding], calls: Calls) -> list[Finding]:
    """Remove from the inclusive kinds what an item's dependencies explain.

    Latency of metrics and waits between log lines hold the callees', so they are left out where the own time
    is known from spans; a pool or a queue fills when what it waits for is slow, so of saturation only what
    exceeds the evidence against any callee or taker of messages is left.
    """
    own = next((each for each in findings if each.kind == "own_time"), None)
    full = next((each for each in findings if each.kind == "saturation"), None)
    result = []
    for each in findings:
        if each.kind in INCLUSIVE and own is not None:
            result.append(replace(each, surprise=np.where(own.is_known, np.nan, each.surprise)))
        elif each is full:
            against = np.zeros(len(full.surprise))
            for other in findings:
                if other.meaning in {"own", "failures", "saturation", "cpu", "gap"}:
                    against += np.where(other.is_known, other.surprise, 0.0)
            explained = np.zeros(len(against))
            np.maximum.at(explained, calls.callers, against[calls.callees])
            np.maximum.at(explained, calls.senders, against[calls.takers])
            result.append(replace(full, surprise=np.maximum(full.surprise - explained, 0.0)))
        else:
            result.append(each)
    return result
