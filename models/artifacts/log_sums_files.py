"""Sums of log lines as data: names for a JSON document, numbers for arrays; zeros are not stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from features.logs.counts import LogCounts, LogKind
from features.logs.gaps import GapKind, LogGaps
from features.logs.sums import LogSums
from models.artifacts.bundle_files import typed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

MAX_COUNTS = 2**26
"""Most counts that are unpacked, zeros included."""


def sums_parts(sums: LogSums) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Split sums into names and numbers."""
    counts, gaps = sums.counts, sums.gaps
    window, kind = np.nonzero(counts.counts)
    place = {each: index for index, each in enumerate(counts.kinds)}

    def by_kind(shown: Mapping[LogKind, tuple[str, ...]]) -> list[list[Any]]:
        return sorted([place[each], list(lines)] for each, lines in shown.items() if each in place)

    document = {
        "step_ms": counts.step_ms,
        "kinds": [list(each) for each in counts.kinds],
        "examples": by_kind(sums.examples),
        "traces": by_kind(sums.traces),
        "texts": sorted([place[each], text] for each, text in sums.texts.items() if each in place),
        "gap_step_ms": gaps.step_ms,
        "gap_kinds": [list(each) for each in gaps.kinds],
    }
    arrays = {
        "start_ms": counts.starts_ms,
        "window": window.astype(np.int64),
        "kind": kind.astype(np.int64),
        "count": counts.counts[window, kind],
        "gap_kind": gaps.kind.astype(np.int64),
        "gap_start_ms": gaps.start_ms,
        "gap_n": gaps.n,
        "gap_total": gaps.total,
        "gap_squares": gaps.squares,
    }
    return document, arrays


def sums_from_parts(document: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> LogSums:
    """Rebuild the sums from their names and numbers.

    Raises
    ------
    ValueError
        If an index is out of range, a number is negative or not finite, or there are too many counts.
    KeyError, TypeError
        If a part is missing or has another type.
    """
    kinds = tuple(LogKind(*map(str, each)) for each in document["kinds"])
    gap_kinds = tuple(GapKind(*map(str, each)) for each in document["gap_kinds"])
    starts, window, kind, gap_kind, gap_start = (
        typed(arrays[name], np.int64) for name in ("start_ms", "window", "kind", "gap_kind", "gap_start_ms")
    )
    count, gap_n, gap_total, gap_squares = (
        typed(arrays[name], np.float64) for name in ("count", "gap_n", "gap_total", "gap_squares")
    )
    if len(starts) * len(kinds) > MAX_COUNTS:
        raise ValueError(
            f"{len(starts)} windows of {len(kinds)} kinds of line exceed the limit of {MAX_COUNTS} counts"
        )
    if (np.diff(starts) <= 0).any():
        raise ValueError("the starts of its windows are not rising")
    _check_places(window, len(starts), "window")
    _check_places(kind, len(kinds), "kind")
    _check_places(gap_kind, len(gap_kinds), "gap_kind")
    for each in (count, gap_n, gap_total, gap_squares):
        if not (np.isfinite(each) & (each >= 0)).all():
            raise ValueError("a count or wait is negative or not finite")
    if not (gap_n >= 1).all() or len({len(gap_kind), len(gap_start), len(gap_n), len(gap_total)}) > 1:
        raise ValueError("its waits do not have one row for each cell")
    counts = np.zeros((len(starts), len(kinds)))
    counts[window, kind] = count

    def by_kind(listed: list[list[Any]]) -> dict[LogKind, tuple[str, ...]]:
        return {kinds[int(index)]: tuple(map(str, lines)) for index, lines in listed}

    return LogSums(
        LogCounts(_positive(document["step_ms"]), starts, kinds, counts),
        LogGaps(
            _positive(document["gap_step_ms"]),
            gap_kinds,
            gap_kind,
            gap_start,
            gap_n,
            gap_total,
            gap_squares,
        ),
        by_kind(document["examples"]),
        by_kind(document["traces"]),
        {kinds[int(index)]: str(text) for index, text in document.get("texts", ())},
    )


def _check_places(places: NDArray[np.int64], n_places: int, name: str) -> None:
    if len(places) and not 0 <= int(places.min()) <= int(places.max()) < n_places:
        raise ValueError(f"an index of {name} is out of range")


def _positive(step_ms: object) -> int:
    if not isinstance(step_ms, int) or step_ms <= 0:
        raise ValueError(f"windows cannot be {step_ms!r} ms long")
    return step_ms
