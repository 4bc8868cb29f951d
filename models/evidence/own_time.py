"""Own time: how long an item's operations take without the calls that they make."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models.evidence.comparison import compare, largest
from models.evidence.figures import figure
from models.evidence.finding import MAX_SURPRISE, Finding

if TYPE_CHECKING:
    from collections.abc import Mapping

    from models.cases.case import Case

FLOOR = 0.05
"""Least spread of a mean log time from one period to another."""


def own_time(case: Case, position: Mapping[str, int]) -> Finding | None:
    """Compare each item's own times with their past; ``None`` if no span was seen.

    Operations are distinguished by their callers: (service, operation, parent's service and operation).
    """
    if case.window_spans is None or case.normal_spans is None:
        return None
    kinds = case.normal_spans.own.kinds
    items = np.array([position.get(kind[0], -1) for kind in kinds], dtype=np.int64)
    now = compare(case.window_spans.own, case.normal_spans.own)
    surprises = now.surprise(floor=FLOOR)
    surprise, which = largest(items, surprises, len(case.items))
    if not np.isfinite(surprise).any():
        return None
    used = np.flatnonzero((items >= 0) & np.isfinite(surprises))
    excess_us = now.n_now[used] * (np.exp(now.mean_now[used]) - np.exp(now.mean_then[used]))
    excess = np.bincount(items[used], weights=np.maximum(excess_us, 0.0), minlength=len(case.items))
    share = excess / max(float(excess.max()), 1e-12)

    def sentence(index: int) -> tuple[str, dict[str, float]]:
        kind = int(which[index])
        usual_ms = float(np.exp(now.mean_then[kind])) / 1000
        level_ms = float(np.exp(now.mean_now[kind])) / 1000
        text = (
            f"{kinds[kind][1]} of {case.items[index]} itself takes {figure(level_ms)} ms, usually "
            f"{figure(usual_ms)} ms ({now.n_now[kind]:.0f} spans now, {now.n_then[kind]:.0f} before)."
        )
        return text, {
            "own_time_ms": level_ms,
            "usual_own_time_ms": usual_ms,
            "n_spans": float(now.n_now[kind]),
        }

    return Finding("own_time", "own", np.minimum(surprise, MAX_SURPRISE), share, sentence)
