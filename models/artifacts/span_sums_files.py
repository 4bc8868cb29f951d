"""Sums of spans as data: names for a JSON document, numbers for arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from features.span_sums import Cells, SpanSums
from models.artifacts.bundle_files import typed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

LENGTHS = {"own": 4, "gap": 3, "calls": 6, "answers": 6}
"""Number of names in a kind of each quantity."""


def spans_parts(sums: SpanSums) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Split sums into names and numbers."""
    document: dict[str, Any] = {}
    arrays: dict[str, NDArray[Any]] = {}
    for name in LENGTHS:
        cells: Cells = getattr(sums, name)
        document[name] = [list(each) for each in cells.kinds]
        arrays |= {
            f"{name}.kind": cells.kind.astype(np.int64),
            f"{name}.bucket_ms": cells.bucket_ms.astype(np.int64),
            f"{name}.n": cells.n,
            f"{name}.total": cells.total,
            f"{name}.squares": cells.squares,
        }
    return document, arrays


def spans_from_parts(document: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> SpanSums:
    """Rebuild the sums from their names and numbers.

    Raises
    ------
    ValueError
        If a kind has too few or too many names, an index is out of range, or a number is not finite.
    KeyError, TypeError
        If a part is missing or has another type.
    """
    return SpanSums(**{name: _cells(name, document[name], arrays) for name in LENGTHS})


def _cells(name: str, listed: list[list[Any]], arrays: Mapping[str, NDArray[Any]]) -> Cells:
    kinds = tuple(tuple(map(str, each)) for each in listed)
    if any(len(each) != LENGTHS[name] for each in kinds):
        raise ValueError(f"a kind of {name} needs {LENGTHS[name]} names")
    kind, bucket = (typed(arrays[f"{name}.{each}"], np.int64) for each in ("kind", "bucket_ms"))
    n, total, squares = (typed(arrays[f"{name}.{each}"], np.float64) for each in ("n", "total", "squares"))
    if {each.shape for each in (bucket, n, total, squares)} != {(len(kind),)}:
        raise ValueError(f"the cells of {name} do not have one row each")
    if len(kind) and not 0 <= int(kind.min()) <= int(kind.max()) < len(kinds):
        raise ValueError(f"an index into the kinds of {name} is out of range")
    if not (np.isfinite(n) & (n >= 1) & np.isfinite(total) & np.isfinite(squares)).all():
        raise ValueError(f"a sum of {name} is not finite or covers no span")
    return Cells(kinds, kind, bucket, n, total, squares)
