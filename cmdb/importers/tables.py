"""Reads configuration items and edges from plain tables: one JSON document, or two CSV files.

JSON: ``{"items": [{"id", "kind", "name", "team", …}], "edges": [{"dependent", "dependency", "kind"}]}``.
CSV: ``items.csv`` and ``edges.csv`` with those names as header, in any order.
"""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING

from cmdb.errors import BadTableError
from cmdb.importers.report import ImportReport, Rejection
from cmdb.importers.rows import graph_from_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

__all__ = ["ImportReport", "Rejection", "load_document", "read_document", "read_tables"]

REQUIRED = {"items": ("id",), "edges": ("dependent", "dependency")}


def read_tables(path: Path) -> ImportReport:
    """Graph of a JSON file, or of ``items.csv`` and ``edges.csv`` in a directory.

    Text is UTF-8, with or without a byte order mark; columns of items beyond the known ones become
    attributes. The path of either CSV file works like that of the directory.

    Raises
    ------
    BadTableError
        If a file is missing, is not JSON or CSV in UTF-8, or lacks a table or a column. A bad row does not
        raise: it is left out and reported.
    """
    return read_document(load_document(path))


def read_document(document: Mapping[str, object]) -> ImportReport:
    """Graph of a document ``{"items": [...], "edges": [...]}``.

    Raises
    ------
    BadTableError
        If either list is missing, or is not a list.

    Examples
    --------
    >>> edge = {"dependent": "app", "dependency": "db"}
    >>> report = read_document({"items": [{"id": "app"}], "edges": [edge]})
    >>> report.n_items, report.rejected
    (1, (Rejection(table='edges', row=1, reason="no item has the id 'db'"),))
    """
    return graph_from_rows(_rows(document, "items"), _rows(document, "edges"))


def load_document(path: Path) -> Mapping[str, object]:
    """The document in a JSON file or a pair of CSV files; its rows are not checked.

    Raises
    ------
    BadTableError
        If it cannot be read.
    """
    try:
        if path.is_dir() or path.suffix.lower() == ".csv":
            folder = path if path.is_dir() else path.parent
            return {name: list(_csv_rows(folder / f"{name}.csv", REQUIRED[name])) for name in REQUIRED}
        document = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise BadTableError(str(error.filename or path), error.strerror or str(error)) from error
    except RecursionError as error:
        raise BadTableError(str(path), "it is nested too deeply") from error
    except ValueError as error:
        raise BadTableError(str(path), f"it is not JSON in UTF-8: {error}") from error
    if not isinstance(document, dict):
        raise BadTableError(str(path), "it must be an object with items and edges")
    return document


def _rows(document: Mapping[str, object], table: str) -> list[object]:
    rows = document.get(table)
    if not isinstance(rows, list):
        raise BadTableError("the document", f"{table} must be a list of objects")
    return rows


def _csv_rows(path: Path, required: tuple[str, ...]) -> Iterator[dict[str, str]]:
    """One dict per row; a cell beyond the header makes the table invalid, for its columns have slipped."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, strict=True)
        try:
            header = [name.strip() for name in next(reader, [])]
            missing = [name for name in required if name not in header]
            if missing:
                raise BadTableError(str(path), f"it has no column {missing[0]!r}")
            if len(set(header)) < len(header):
                raise BadTableError(str(path), "two columns have the same name")
            for cells in reader:
                if len(cells) > len(header):
                    raise BadTableError(
                        str(path), f"line {reader.line_num} has {len(cells)} cells under {len(header)} names"
                    )
                if cells:
                    yield dict(zip(header, cells, strict=False))
        except (csv.Error, UnicodeDecodeError) as error:
            raise BadTableError(
                str(path), f"line {reader.line_num + 1} is not CSV in UTF-8: {error}"
            ) from error
