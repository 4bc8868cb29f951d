"""New calls: an operation that calls what it never called before.

How unlikely it is that all stretches of time with such a call fall into the window, if each was as likely
to hold one: Fisher's exact test ("Statistical Methods for Research Workers", 1934, section 21.02) with
nothing in the past. Stretches are counted and not spans, for calls of one moment come together.
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
    """Blame calls that were never there before on who makes them; ``None`` where no span was seen.

    Only operations with a past are looked at: one that is itself new may call what it likes.
    """
    if case.window_spans is None or case.normal_spans is None:
        return None
    then = case.normal_spans.calls
    now = case.window_spans.calls.of_kinds(then.kinds)
    n_now, made_now = _stretches(now)
    n_then, made_then = _stretches(then)
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
            f"{operation} of {case.items[index]} now calls {called} of {target}, in {made_now[kind]:.0f} of "
            f"{n_now[kind]:.0f} stretches of time; it never did in {n_then[kind]:.0f} before."
        )
        return text, {"n_stretches": float(made_now[kind]), "n_stretches_before": float(n_then[kind])}

    return Finding(
        "new_calls", "structure", np.minimum(found, MAX_SURPRISE), np.ones(len(case.items)), sentence
    )


def _stretches(cells: Cells) -> tuple[Floats, Floats]:
    """In how many buckets each kind could be called, and was, shape ``(n_kinds,)`` each."""
    n_kinds = len(cells.kinds)
    could = np.bincount(cells.kind[cells.n > 0], minlength=n_kinds)
    did = np.bincount(cells.kind[cells.total > 0], minlength=n_kinds)
    return could.astype(np.float64), did.astype(np.float64)


def _surprise(made: Floats, n_now: Floats, n_then: Floats) -> Floats:
    """−ln of the chance that all ``made`` stretches are the window's, by the hypergeometric distribution."""

    def log_ways(n: Floats) -> Floats:
        ways: Floats = special.gammaln(n + 1) - special.gammaln(n - made + 1)
        return ways

    return np.maximum(log_ways(n_now + n_then) - log_ways(n_now), 0.0)
