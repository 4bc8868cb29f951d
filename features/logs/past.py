"""Bounds the size of log sums: rare kinds of line are merged, and old windows are dropped."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from features.logs.counts import LogCounts, LogKind
from features.logs.tree import OTHER

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from features.logs.gaps import LogGaps
    from features.logs.sums import LogSums


def commonest_kinds(parts: Sequence[LogSums], n_kinds: int) -> frozenset[LogKind]:
    """The ``n_kinds`` kinds with the most lines in several batches together; all kinds if there are fewer."""
    totals: Counter[LogKind] = Counter()
    for part in parts:
        totals.update(dict(zip(part.counts.kinds, part.counts.counts.sum(axis=0).tolist(), strict=True)))
    if len(totals) <= n_kinds:
        return frozenset(totals)
    ranked = sorted(totals, key=lambda kind: (-totals[kind], kind))
    return frozenset(ranked[:n_kinds])


def folded(sums: LogSums, separate: Collection[LogKind]) -> LogSums:
    """The same sums with every kind outside ``separate`` counted as its service's ``other``, per severity.

    Examples and trace ids of such kinds are dropped, and so are waits that begin or end with one.
    """
    counts = sums.counts
    if all(kind in separate for kind in counts.kinds):
        return sums
    to = [kind if kind in separate else LogKind(kind.service, kind.severity, OTHER) for kind in counts.kinds]
    kinds = tuple(dict.fromkeys(to))
    place = {kind: column for column, kind in enumerate(kinds)}
    merged = np.zeros((len(counts.counts), len(kinds)))
    np.add.at(merged.T, np.array([place[kind] for kind in to], dtype=np.int64), counts.counts.T)
    events = {(kind.service, kind.template) for kind in separate}
    waits = np.array(
        [
            (each.service, each.template) in events and (each.next_service, each.next_template) in events
            for each in sums.gaps.kinds
        ],
        dtype=bool,
    )
    return replace(
        sums,
        counts=LogCounts(counts.step_ms, counts.starts_ms, kinds, merged),
        gaps=sums.gaps.where(waits[sums.gaps.kind]),
        examples={kind: lines for kind, lines in sums.examples.items() if kind in separate},
        traces={kind: ids for kind, ids in sums.traces.items() if kind in separate},
    )


def with_fewer_waits(gaps: LogGaps, *, n_kinds: int) -> LogGaps:
    """The waits of the ``n_kinds`` most frequent kinds, without kinds that have none."""
    n_waits = np.bincount(gaps.kind, weights=gaps.n, minlength=len(gaps.kinds))
    ranked = np.argsort(-n_waits, kind="stable")[:n_kinds]
    chosen = np.sort(ranked[n_waits[ranked] > 0])
    place = np.full(len(gaps.kinds), -1, dtype=np.int64)
    place[chosen] = np.arange(len(chosen))
    left = gaps.where(place[gaps.kind] >= 0)
    return replace(left, kinds=tuple(gaps.kinds[each] for each in chosen.tolist()), kind=place[left.kind])


def without_old(sums: LogSums, *, n_windows: int, frozen: Collection[str] = ()) -> LogSums:
    """The latest windows and, for as many windows before them, only the lines of frozen services."""
    counts = sums.counts
    n_old = max(0, len(counts.starts_ms) - n_windows)
    is_dropped = np.array([kind.service not in frozen for kind in counts.kinds], dtype=bool)
    values = counts.counts.copy()
    values[:n_old, is_dropped] = 0.0
    rows = np.flatnonzero(values.any(axis=1))
    rows = rows[rows >= n_old - n_windows]
    columns = np.flatnonzero(values[rows].any(axis=0))
    starts = counts.starts_ms[rows]
    kinds = tuple(counts.kinds[column] for column in columns.tolist())
    return replace(
        sums,
        counts=LogCounts(counts.step_ms, starts, kinds, values[np.ix_(rows, columns)]),
        gaps=sums.gaps.where(np.isin(sums.gaps.start_ms, starts)),
    )
