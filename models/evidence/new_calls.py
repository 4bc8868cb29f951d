"""New calls: an operation that calls something it never called before.

The evidence is how unlikely it is that all time intervals with such a call fall into the window if each
interval was equally likely to hold one: Fisher's exact test ("Statistical Methods for Research Workers",
1934, section 21.02) with no such call in the past. Intervals are counted instead of spans, because calls of
one moment are not independent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from models.evidence.comparison import MIN_NORMAL, largest
from models.evidence.finding import MAX_SURPRISE, Finding

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from features.span_sums import Cells
    from models.cases.case import Case

    Floats = NDArray[np.float64]


def new_calls(case: Case, position: Mapping[str, int]) -> Finding | None:
    """Blame calls that never occurred before on their callers; ``None`` if no span was seen.

    Only operations with a past are examined: every call of a new operation is new.
    """
    if case.window_spans is None or case.normal_spans is None:
        return None
    then = case.normal_spans.calls
    now = case.window_spans.calls.of_kinds(then.kinds)
    n_now, made_now = _intervals(now)
    n_then, made_then = _intervals(then)
    known = (n_now > 0) & (n_then >= MIN_NORMAL)
    surprise = np.where(known, np.where(made_then == 0, _surprise(made_now, n_now, n_then), 0.0), np.nan)
    items = np.array([position.get(kind[0], -1) for kind in then.kinds], dtype=np.int64)
    found, which = largest(items, surprise, len(case.items))
    if not np.isfinite(found).any():
        return None

    def sentence(index: int) -> tuple[str, dict[str, float]]:
        kind = int(which[index])
        _, operation, _, _, target, called = then.kinds[kind]
        text = (
            f"{operation} of {case.items[index]} now calls {called} of {target}: in {made_now[kind]:.0f} of "
            f"{n_now[kind]:.0f} time intervals, and in none of the {n_then[kind]:.0f} before."
        )
        return text, {"n_stretches": float(made_now[kind]), "n_stretches_before": float(n_then[kind])}

    return Finding(
        "new_calls", "structure", np.minimum(found, MAX_SURPRISE), np.ones(len(case.items)), sentence
    )


def _intervals(cells: Cells) -> tuple[Floats, Floats]:
    """Number of intervals in which each kind could be called, and in which it was, ``(n_kinds,)`` each."""
    n_kinds = len(cells.kinds)
    could = np.bincount(cells.kind[cells.n > 0], minlength=n_kinds)
    did = np.bincount(cells.kind[cells.total > 0], minlength=n_kinds)
    return could.astype(np.float64), did.astype(np.float64)


def _surprise(made: Floats, n_now: Floats, n_then: Floats) -> Floats:
    """−ln of the chance that all ``made`` intervals are in the window, by the hypergeometric distribution."""

    def log_ways(n: Floats) -> Floats:
        ways: Floats = special.gammaln(n + 1) - special.gammaln(n - made + 1)
        return ways

    return np.maximum(log_ways(n_now + n_then) - log_ways(n_now), 0.0)
