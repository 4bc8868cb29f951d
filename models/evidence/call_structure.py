"""Call structure: calls that an item's operations usually make but now do not.

The share of an operation's spans with at least one call of a kind is compared after 2·asin√p, which gives
every share the same variance (Freeman and Tukey, "Transformations related to the angular and the square
root", Annals of Mathematical Statistics 1950). Only drops count. The operation's own item is blamed or, for
a client span that lost its server span, the callee.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models.evidence.comparison import MIN_NORMAL, compare, largest, surprise_of
from models.evidence.figures import percent
from models.evidence.finding import MAX_SURPRISE, Finding

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from features.span_sums import Cells, SpanSums
    from models.cases.case import Case

    Floats = NDArray[np.float64]

FLOOR = 0.05
"""Least spread of 2·asin√p from one period to another."""

LEAST_USUAL = 0.5
"""An operation at the entry makes a call by itself if so large a share of its spans does."""

LEAST_VARIANCE = 0.02
"""Least divisor p(1 − p) of the spread of shares, for shares near 0 and 1."""


def call_structure(case: Case, position: Mapping[str, int]) -> Finding | None:
    """Find missing calls; ``None`` if no span was seen."""
    if case.window_spans is None or case.normal_spans is None:
        return None
    n_items = len(case.items)
    calls, answers = case.normal_spans.calls, case.normal_spans.answers
    able = _spans_of_kind(case.window_spans)
    in_vain = _made_in_vain(case.window_spans.answers.of_kinds(answers.kinds), able)
    lost, share_now, share_then = _drops(case.window_spans.calls, calls, able, in_vain)
    lost = np.where(_is_choice(calls.kinds, share_then), np.nan, lost)
    unanswered, answered_now, answered_then = _drops(case.window_spans.answers, answers, able, {})
    blamed = np.array(
        [position.get(kind[0], -1) for kind in calls.kinds]
        + [position.get(kind[4], -1) for kind in answers.kinds],
        dtype=np.int64,
    )
    callee = np.array([position.get(kind[4], -1) for kind in calls.kinds], dtype=np.int64)
    called_less = _called_less(lost, blamed[: len(lost)], callee, n_items)
    surprise, which = largest(blamed, np.concatenate([lost, unanswered]), n_items)
    if not np.isfinite(surprise).any():
        return None
    surprise = np.minimum(np.maximum(surprise - called_less, 0.0), MAX_SURPRISE)
    kinds = calls.kinds + answers.kinds
    now, then = np.concatenate([share_now, answered_now]), np.concatenate([share_then, answered_then])

    def sentence(index: int) -> tuple[str, dict[str, float]]:
        kind = int(which[index])
        _, operation, _, _, target, target_operation = kinds[kind]
        figures = {"share": float(now[kind]), "usual_share": float(then[kind])}
        usual = f"in {percent(now[kind])} of its spans, usually {percent(then[kind])}"
        if kind < len(calls.kinds):
            return (
                f"{operation} of {case.items[index]} calls {target_operation} of {target} {usual}.",
                figures,
            )
        return f"{target} answers the calls of {operation} of {kinds[kind][0]} {usual}.", figures

    return Finding("call_structure", "structure", surprise, np.ones(n_items), sentence)


def _is_choice(kinds: tuple[tuple[str, ...], ...], usual: Floats) -> NDArray[np.bool_]:
    """Which calls are made as users choose, shape ``(n_kinds,)``: rare ones of operations that nobody calls.

    A gateway has one operation for everything that users ask for. How often each is asked is not its own.
    """
    is_entry = np.array([not kind[2] for kind in kinds], dtype=bool)
    return is_entry & (usual < LEAST_USUAL)


def _called_less(lost: Floats, caller: NDArray[np.int64], callee: NDArray[np.int64], n_items: int) -> Floats:
    """Surprise that each item is called less, ``(n_items,)``: its calls then differ anyway."""
    less = np.zeros(n_items)
    remote = np.flatnonzero((callee >= 0) & (callee != caller) & np.isfinite(lost))
    np.maximum.at(less, callee[remote], lost[remote])
    return less


def _spans_of_kind(sums: SpanSums) -> dict[tuple[str, ...], float]:
    """Count the window's spans of each (service, operation, parent's service and operation).

    A client span that no longer gets an answer looks like any other span, so both are counted.
    """
    able: dict[tuple[str, ...], float] = {}
    for cells in (sums.own, sums.answers):
        counts = np.bincount(cells.kind, weights=cells.n, minlength=len(cells.kinds))
        for kind, count in zip(cells.kinds, counts.tolist(), strict=True):
            able[kind[:4]] = able.get(kind[:4], 0.0) + count
    return able


def _made_in_vain(answers: Cells, able: Mapping[tuple[str, ...], float]) -> dict[tuple[str, ...], float]:
    """Calls without an answer, by service and operation of the caller and of the callee."""
    answered = np.bincount(answers.kind, weights=answers.total, minlength=len(answers.kinds))
    return {
        kind[2:]: able.get(kind[:4], 0.0) - count
        for kind, count in zip(answers.kinds, answered.tolist(), strict=True)
    }


def _drops(
    now: Cells,
    then: Cells,
    able: Mapping[tuple[str, ...], float],
    in_vain: Mapping[tuple[str, ...], float],
) -> tuple[Floats, Floats, Floats]:
    """Surprise of each kind's drop in share, its share now and its usual share, ``(n_kinds,)`` each."""
    both = compare(now, then)
    n_now = np.array([able.get(kind[:4], 0.0) for kind in then.kinds])
    known = (n_now > 0) & (both.n_then >= MIN_NORMAL)
    made = np.nan_to_num(both.mean_now) * both.n_now
    made += [in_vain.get((*kind[:2], *kind[4:]), 0.0) for kind in then.kinds]
    made = np.minimum(made, n_now)
    share_now = np.divide(made, n_now, out=np.zeros_like(made), where=n_now > 0)
    share_then = np.nan_to_num(both.mean_then)
    drop = _angle(share_then) - _angle(share_now)
    between = both.between / np.maximum(share_then * (1.0 - share_then), LEAST_VARIANCE)
    variance = 1.0 / np.maximum(n_now, 1.0) + 1.0 / np.maximum(both.n_then, 1.0)
    z = drop / np.sqrt(variance + np.maximum(between, FLOOR**2))
    surprise = np.where(known, surprise_of(z, both.freedom), np.nan)
    return surprise, share_now, share_then


def _angle(share: Floats) -> Floats:
    angle: Floats = 2.0 * np.arcsin(np.sqrt(np.clip(share, 0.0, 1.0)))
    return angle
