"""Reads a call graph from an adjacency matrix in CSV: one row per caller, one column per callee."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from cmdb.errors import BadTableError
from cmdb.importers.report import Tables
from cmdb.importers.rows import graph_from_rows

if TYPE_CHECKING:
    from pathlib import Path

    from cmdb.importers.report import ImportReport


def read_adjacency(path: Path) -> ImportReport:
    """Graph of a matrix: a row's item calls a column's item where the cell is above 0.

    Rows and columns may have different labels; all labels become items. An empty cell is 0.
    The row number of a rejected edge is its place among the calls of the matrix, row by row.

    Raises
    ------
    BadTableError
        If the file cannot be read, a row does not have one cell per column, or a cell is not a number.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.reader(file, strict=True))
    except OSError as error:
        raise BadTableError(str(path), error.strerror or str(error)) from error
    except (csv.Error, UnicodeDecodeError) as error:
        raise BadTableError(str(path), f"it is not CSV in UTF-8: {error}") from error
    rows = [row for row in rows if row]
    if len(rows) < 2 or len(rows[0]) < 2:  # noqa: PLR2004
        raise BadTableError(str(path), "a matrix needs a row of callees and a column of callers")
    callees = rows[0][1:]
    for row in rows[1:]:
        if len(row) != len(rows[0]):
            raise BadTableError(
                str(path), f"row {row[0]!r} has {len(row) - 1} cells for {len(callees)} callees"
            )
    labels = dict.fromkeys(label for label in [*callees, *(row[0] for row in rows[1:])] if label.strip())
    edges = (
        {"dependent": row[0], "dependency": callee}
        for row in rows[1:]
        for callee, cell in zip(callees, row[1:], strict=True)
        if _is_call(path, row[0], callee, cell)
    )
    return graph_from_rows(Tables([{"id": label} for label in labels], list(edges)))


def _is_call(path: Path, caller: str, callee: str, cell: str) -> bool:
    try:
        return float(cell or 0) > 0
    except ValueError as error:
        raise BadTableError(
            str(path), f"the cell of {caller!r} and {callee!r} is {cell[:20]!r}, not a number"
        ) from error
