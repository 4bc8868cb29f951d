"""Evidence from the logs of each item: missing templates, additional ones, and longer waits.

Code that fails stops logging its usual next line and often logs another instead. The template that is missing
most and the one in largest excess, relative to everything the same service logged, count together. A slow
service, or a slow link to it, shows in the waits between the lines of one trace. Waits count half, because a
service also waits for others that write no log.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy import special

from features.logs.counts import LogCounts
from features.logs.waits import wait_changes, wait_reference
from features.logs.windows import log_reference, mix_change
from models.evidence.finding import MAX_SURPRISE, Finding
from models.evidence.log_words import changed_templates, in_words, slowest_wait

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from features.logs.gaps import LogGaps
    from features.logs.windows import MixChange
    from models.cases.case import Case
    from models.evidence.finding import Sentence
    from models.evidence.log_words import TemplateChange

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

MIN_FREEDOM, MAX_FREEDOM = 3.0, 12.0
"""Degrees of freedom of Student's t: the past is short, and its tails are heavier than it can show."""

GAP_WEIGHT: Final = 0.5

SCALE_MS: Final = 60_000
"""Normal windows are compared by the minute: shorter ones do not show how much busy minutes vary."""


@dataclass(frozen=True)
class LogEvidence:
    """Log evidence for every item of a case.

    Attributes
    ----------
    missing, excess, slow
        Shape ``(n_items,)``: −ln p of the strongest change of each kind in the item's own past, minus ln of
        the number of changes compared; 0 to 30, ``nan`` where nothing could be compared.
    change
        Every kind of line, observed and expected, over the complete window.
    """

    missing: Floats
    excess: Floats
    slow: Floats
    change: MixChange

    @property
    def score(self) -> Floats:
        """One figure per item, shape ``(n_items,)``: missing plus excess lines, or the waits."""
        mix = np.nan_to_num(self.missing) + np.nan_to_num(self.excess)
        return np.maximum(mix, GAP_WEIGHT * np.nan_to_num(self.slow))


def log_findings(case: Case) -> list[Finding]:
    """Return the ranker's findings from logs; empty without logs or a past.

    Missing lines, excess lines and waits between lines have different meanings; waits have the same meaning
    as a slow link between two items.
    """
    evidence = log_evidence(case)
    if evidence is None:
        return []
    full_share = np.ones(len(case.items))

    def missing(index: int) -> tuple[TemplateChange, ...]:
        return changed_templates(case, evidence.change, item=case.items[index], is_missing=True)

    def excess(index: int) -> tuple[TemplateChange, ...]:
        return changed_templates(case, evidence.change, item=case.items[index], is_missing=False)

    def slow(index: int) -> tuple[TemplateChange, ...]:
        return slowest_wait(case, case.items[index])

    def sentence(changes: Callable[[int], tuple[TemplateChange, ...]], name: str) -> Sentence:
        return lambda index: in_words(case.items[index], changes(index), name)

    return [
        Finding(
            "log_missing",
            "missing",
            evidence.missing,
            full_share,
            sentence(missing, "missing_lines"),
            missing,
        ),
        Finding("log_excess", "new", evidence.excess, full_share, sentence(excess, "excess_lines"), excess),
        Finding("log_waits", "gap", GAP_WEIGHT * evidence.slow, full_share, sentence(slow, "wait_ms"), slow),
    ]


def log_evidence(case: Case) -> LogEvidence | None:
    """Compare the log lines of a case's items with their usual ones; ``None`` without logs or a past."""
    if case.window_logs is None or case.normal_logs is None or not len(case.normal_logs.counts.counts):
        return None
    normal = case.normal_logs.counts.coarser(max(SCALE_MS, case.normal_logs.counts.step_ms))
    now = case.window_logs.counts
    summed = LogCounts(
        max(now.step_ms * len(now.counts), 1),
        now.starts_ms[:1] if len(now.counts) else np.zeros(1, dtype=np.int64),
        now.kinds,
        now.counts.sum(axis=0, keepdims=True),
    )
    change = mix_change(summed, log_reference(normal))
    owner = _places([kind.service for kind in change.kinds], case.items)
    freedom = float(np.clip(len(normal.counts) - 1, MIN_FREEDOM, MAX_FREEDOM))
    value = change.change[0]
    compared = (change.expected[0] > 0) | (change.observed[0] > 0)
    missing = _strongest(np.where(compared, -value, np.nan), owner, len(case.items), freedom)
    excess = _strongest(np.where(compared, value, np.nan), owner, len(case.items), freedom)
    gaps = case.normal_logs.gaps
    slow = _slow(case.window_logs.gaps, gaps.coarser(max(SCALE_MS, gaps.step_ms)), case.items, freedom)
    return LogEvidence(missing, excess, slow, change)


def _places(names: list[str], items: tuple[str, ...]) -> Ints:
    place = {item: index for index, item in enumerate(items)}
    return np.array([place.get(name, -1) for name in names], dtype=np.int64)


def _strongest(z: Floats, owner: Ints, n_items: int, freedom: float) -> Floats:
    """Each item's largest surprise minus ln of the number compared, shape ``(n_items,)``."""
    rows = np.flatnonzero(np.isfinite(z) & (owner >= 0))
    largest = np.full(n_items, -np.inf)
    np.maximum.at(largest, owner[rows], z[rows])
    n_compared = np.bincount(owner[rows], minlength=n_items)
    best = np.full(n_items, np.nan)
    has = n_compared > 0
    best[has] = _surprise(largest[has], freedom) - np.log(n_compared[has])
    clipped: Floats = np.clip(best, 0.0, MAX_SURPRISE)
    return clipped


def _surprise(z: Floats, freedom: float) -> Floats:
    surprise: Floats = -np.log(np.maximum(special.stdtr(freedom, -z), 1e-300))
    return surprise


def _slow(now: LogGaps, normal: LogGaps, items: tuple[str, ...], freedom: float) -> Floats:
    """Surprise of the waits: the worst within an item, or the median of the links that leave it.

    A slow machine or network delays everything that leaves it. A single slow link may be either end's fault,
    so the median of the links counts and not the worst.
    """
    summed = replace(now, start_ms=np.zeros_like(now.start_ms)).coarser(now.step_ms)
    z = wait_changes(summed, wait_reference(normal))
    kinds = [now.kinds[kind] for kind in summed.kind.tolist()]
    before = _places([kind.service for kind in kinds], items)
    after = _places([kind.next_service for kind in kinds], items)
    own = _strongest(np.where(before == after, z, np.nan), before, len(items), freedom)
    links: dict[tuple[int, int], list[float]] = {}
    for each in np.flatnonzero(np.isfinite(z) & (before != after) & (before >= 0) & (after >= 0)):
        links.setdefault((int(before[each]), int(after[each])), []).append(float(z[each]))
    leaving: list[list[float]] = [[] for _ in items]
    for (item, _), values in links.items():
        leaving[item].append(float(np.median(values)))
    shared = np.array([float(np.median(each)) if each else np.nan for each in leaving])
    return np.fmax(own, np.clip(_surprise(shared, freedom), 0.0, MAX_SURPRISE))
