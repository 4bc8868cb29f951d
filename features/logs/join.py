"""Joins sums of log lines, and thins them out so that they stay small."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from features.logs.counts import LogCounts
from features.logs.gaps import LogGaps
from features.logs.sums import MAX_EXAMPLES, LogSums

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from features.logs.counts import LogKind


def joined(parts: Sequence[LogSums]) -> LogSums:
    """The sums of all lines of several batches, which were mined one after another.

    Waits from the last line of one batch to the first of the next are not counted.

    Raises
    ------
    ValueError
        If there are no parts, or their windows differ in length.
    """
    if not parts or len({each.counts.step_ms for each in parts}) > 1:
        raise ValueError("joining sums of log lines needs at least one part, and windows of equal length")
    return LogSums(
        _joined_counts([each.counts for each in parts]),
        _joined_gaps([each.gaps for each in parts]),
        _first([each.examples for each in parts]),
        _first([each.traces for each in parts]),
    )


def thinned(sums: LogSums, *, max_values: int) -> LogSums:
    """Evenly spaced windows, so few that their counts are at most about ``max_values`` numbers.

    For a kind of line that is in none of them, its latest window is added, so that every kind stays known.
    """
    counts = sums.counts
    n_windows, n_kinds = counts.counts.shape
    stride = max(1, -(-max(n_windows * n_kinds, len(sums.gaps.n)) // max_values))
    is_chosen = np.arange(n_windows) % stride == 0
    occurs = counts.counts > 0
    is_lost = ~occurs[is_chosen].any(axis=0) & occurs.any(axis=0)
    latest = n_windows - 1 - np.argmax(occurs[::-1], axis=0) if n_windows else np.zeros(0, dtype=np.int64)
    is_chosen[latest[is_lost]] = True
    chosen = sums.at(counts.starts_ms[is_chosen].tolist())
    return replace(chosen, gaps=_of_seen_kinds(chosen.gaps))


def _joined_counts(parts: Sequence[LogCounts]) -> LogCounts:
    kinds = tuple(dict.fromkeys(kind for part in parts for kind in part.kinds))
    starts = np.unique(np.concatenate([part.starts_ms for part in parts])).astype(np.int64)
    place = {kind: column for column, kind in enumerate(kinds)}
    counts = np.zeros((len(starts), len(kinds)))
    for part in parts:
        columns = np.array([place[kind] for kind in part.kinds], dtype=np.int64)
        np.add.at(counts, (np.searchsorted(starts, part.starts_ms)[:, None], columns), part.counts)
    return LogCounts(parts[0].step_ms, starts, kinds, counts)


def _joined_gaps(parts: Sequence[LogGaps]) -> LogGaps:
    kinds = tuple(dict.fromkeys(kind for part in parts for kind in part.kinds))
    place = {kind: index for index, kind in enumerate(kinds)}
    moved = [np.array([place[kind] for kind in part.kinds], dtype=np.int64)[part.kind] for part in parts]
    cells = LogGaps(
        parts[0].step_ms,
        kinds,
        np.concatenate(moved),
        np.concatenate([part.start_ms for part in parts]),
        np.concatenate([part.n for part in parts]),
        np.concatenate([part.total for part in parts]),
        np.concatenate([part.squares for part in parts]),
    )
    return replace(cells.coarser(cells.step_ms), kinds=kinds)


def _of_seen_kinds(gaps: LogGaps) -> LogGaps:
    seen, kind = np.unique(gaps.kind, return_inverse=True)
    kinds = tuple(gaps.kinds[index] for index in seen.tolist())
    return replace(gaps, kinds=kinds, kind=kind.ravel().astype(np.int64))


def _first(parts: Sequence[Mapping[LogKind, tuple[str, ...]]]) -> dict[LogKind, tuple[str, ...]]:
    shown: dict[LogKind, tuple[str, ...]] = {}
    for part in parts:
        for kind, lines in part.items():
            shown[kind] = (*shown.get(kind, ()), *lines)[:MAX_EXAMPLES]
    return shown
