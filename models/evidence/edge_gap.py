"""Edge gaps: the network time between a client span and its server span, blamed on the right end.

Each edge's gap is compared with its own past. One value per node over all its edges would be wrong: a
delayed callee shows on its inbound edges only. The rises are therefore fitted as ``d_ab = s_a + r_b``, the
sum of the caller's sending and the callee's receiving, neither negative. The ridge is heavier on the caller,
so that a lone slow edge is blamed on the callee and many slow edges of one caller on the caller. The evidence
against an item is how much worse the fit is without its two ends.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from models.evidence.comparison import compare
from models.evidence.figures import figure
from models.evidence.finding import MAX_SURPRISE, Finding

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from models.cases.case import Case

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

FLOOR = 0.05
"""Least spread of a log gap's mean from one period to another."""

CALLER_RIDGE, CALLEE_RIDGE = 0.5, 0.2

N_ROUNDS = 30
"""Rounds of coordinate descent, more than enough for the fit to converge."""

MAX_REFITS = 64
"""Most items judged by a fit without them; the others contribute less."""


@dataclass(frozen=True)
class Edges:
    """The largest rise of the gaps between two items, for each edge; all of shape ``(n_edges,)``."""

    caller: Ints
    callee: Ints
    rise: Floats
    ratio: Floats


def edge_gap(case: Case, position: Mapping[str, int]) -> Finding | None:
    """Blame the network's delay on items; ``None`` if no gap was seen."""
    edges = _edges(case, position)
    if edges is None:
        return None
    n_items = len(case.items)
    sent, received = _fit(edges, n_items, without=-1)
    complete = _loss(edges, sent, received)
    surprise = np.full(n_items, np.nan)
    surprise[edges.caller] = 0.0
    surprise[edges.callee] = 0.0
    ends = sent + received
    for item in np.argsort(-ends, kind="stable")[:MAX_REFITS].tolist():
        if ends[item] > 0:
            worse = _loss(edges, *_fit(edges, n_items, without=item)) - complete
            surprise[item] = min(max(worse, 0.0), MAX_SURPRISE)
    share = ends / ends.max(initial=1e-12)

    def sentence(index: int) -> tuple[str, dict[str, float]]:
        item = case.items[index]
        mine = np.flatnonzero((edges.caller == index) | (edges.callee == index))
        worst = int(mine[np.argmax(edges.rise[mine])])
        between = f"{case.items[edges.caller[worst]]} and {case.items[edges.callee[worst]]}"
        n_slow = int((edges.rise[mine] > 1.0).sum())
        text = (
            f"The network of {item} is slow: calls between {between} spend {figure(edges.ratio[worst])} "
            f"times their usual time in transit; {n_slow} of its {len(mine)} edges are slower than usual."
        )
        return text, {"gap_ratio": float(edges.ratio[worst]), "n_slow_edges": n_slow, "n_edges": len(mine)}

    return Finding("edge_gap", "gap", surprise, share, sentence)


def _edges(case: Case, position: Mapping[str, int]) -> Edges | None:
    if case.window_spans is None or case.normal_spans is None:
        return None
    kinds = case.normal_spans.gap.kinds
    comparison = compare(case.window_spans.gap, case.normal_spans.gap)
    surprises = comparison.surprise(floor=FLOOR)
    caller = np.array([position.get(kind[0], -1) for kind in kinds], dtype=np.int64)
    callee = np.array([position.get(kind[1], -1) for kind in kinds], dtype=np.int64)
    usable = np.flatnonzero((caller >= 0) & (callee >= 0) & np.isfinite(surprises))
    if not len(usable):
        return None
    surprise = surprises[usable]
    pair = caller[usable] * len(case.items) + callee[usable]
    pairs, which = np.unique(pair, return_inverse=True)
    tested = np.bincount(which)
    largest = np.zeros(len(pairs), dtype=np.int64)
    order = np.argsort(surprise, kind="stable")
    largest[which[order]] = order
    found = np.minimum(surprise[largest] - np.log(tested), MAX_SURPRISE)
    return Edges(
        pairs // len(case.items),
        pairs % len(case.items),
        np.sqrt(2.0 * np.maximum(found - np.log(2.0), 0.0)),  # the normal deviate of equal surprise
        np.exp((comparison.mean_now - comparison.mean_then)[usable][largest]),
    )


def _fit(edges: Edges, n_items: int, *, without: int) -> tuple[Floats, Floats]:
    """Delay that each item adds by sending and by receiving, ``(n_items,)`` each, by coordinate descent."""
    received = np.zeros(n_items)
    sent = np.zeros(n_items)
    out_degree = np.bincount(edges.caller, minlength=n_items) + CALLER_RIDGE
    in_degree = np.bincount(edges.callee, minlength=n_items) + CALLEE_RIDGE
    for _ in range(N_ROUNDS):
        left = edges.rise - sent[edges.caller]
        received = np.maximum(np.bincount(edges.callee, weights=left, minlength=n_items) / in_degree, 0.0)
        if without >= 0:
            received[without] = 0.0
        left = edges.rise - received[edges.callee]
        sent = np.maximum(np.bincount(edges.caller, weights=left, minlength=n_items) / out_degree, 0.0)
        if without >= 0:
            sent[without] = 0.0
    return sent, received


def _loss(edges: Edges, sent: Floats, received: Floats) -> float:
    left = edges.rise - sent[edges.caller] - received[edges.callee]
    return float(
        0.5 * (left**2).sum()
        + 0.5 * CALLER_RIDGE * (sent**2).sum()
        + 0.5 * CALLEE_RIDGE * (received**2).sum()
    )
