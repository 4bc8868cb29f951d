"""Reads configuration items and edges from what people and systems have: a file, or a folder of tables.

A table is CSV (comma, semicolon or tab) or a sheet of Excel, with one row for each item or edge. Other
documents are JSON, YAML or Prometheus' text, in the form of one of `cmdb.importers.sources`.
"""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from typing import TYPE_CHECKING

import yaml

from cmdb.errors import BadTableError
from cmdb.importers.columns import EDGE_COLUMNS, ITEM_COLUMNS, named_columns
from cmdb.importers.encoded_text import decoded
from cmdb.importers.mapping import load_mapping, read_mapped
from cmdb.importers.report import ImportReport, Rejection, Tables
from cmdb.importers.rows import graph_from_rows
from cmdb.importers.service_graph import METRIC, read_exposition
from cmdb.importers.sources import tables_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

__all__ = ["ImportReport", "Rejection", "Tables", "load_tables", "read_document", "read_tables"]

KNOWN_COLUMNS = {"items": ITEM_COLUMNS, "edges": EDGE_COLUMNS}
SEPARATORS = ",;\t"
MAX_CELL = 131_072
"""Characters of a cell, as the csv module bounds them."""


def read_tables(path: Path, *, columns: Mapping[str, str] | None = None) -> ImportReport:
    """Graph of a file, or of the tables `items` and `edges` in a directory.

    Raises
    ------
    BadTableError
        If a file is missing, cannot be read, or lacks a table or a column. A bad row does not raise: it is
        left out and reported.
    """
    return graph_of(load_tables(path, columns=columns))


def read_document(document: object) -> ImportReport:
    """Graph of a document ``{"items": [...], "edges": [...]}``, or of one that a known source writes.

    Raises
    ------
    BadTableError
        If the document is of no known source, or a list of it is not one.

    Examples
    --------
    >>> edge = {"dependent": "app", "dependency": "db"}
    >>> report = read_document({"items": [{"id": "app"}], "edges": [edge]})
    >>> report.n_items, report.rejected
    (1, (Rejection(table='edges', row=1, reason="no item has the id 'db'", line=0),))
    """
    return graph_of(tables_of(document, "the document"))


def graph_of(tables: Tables) -> ImportReport:
    """Return the graph of tables, with what was left out of it and what their source said."""
    return graph_from_rows(tables)


def load_tables(
    path: Path, *, source: str = "", mapping: str = "", columns: Mapping[str, str] | None = None
) -> Tables:
    """The rows in a file or a directory of two tables; the rows are not checked.

    Parameters
    ----------
    source
        Name of the source that wrote the document; empty to find out.
    mapping
        Name of a shipped mapping or path of one, for documents of other systems.
    columns
        Names of columns by the field that they hold, such as ``{"id": "CI名称"}``; they come before the
        known names.

    Raises
    ------
    BadTableError
        If it cannot be read.
    """
    try:
        if path.is_dir():
            return _folder(path, columns or {})
        suffix = path.suffix.lower()
        if suffix in {".csv", ".tsv"}:
            return _folder(path.parent, columns or {})
        if suffix == ".xlsx":
            return _workbook(path, columns or {})
        return _document(path, source, mapping)
    except OSError as error:
        raise BadTableError(str(error.filename or path), error.strerror or str(error)) from error


def _document(path: Path, source: str, mapping: str) -> Tables:
    text, encoding = decoded(path.read_bytes(), str(path))
    if METRIC.search(text):
        return read_exposition(text)
    try:
        if path.suffix.lower() in {".yaml", ".yml"}:
            document = [each for each in yaml.safe_load_all(text) if each is not None]
        else:
            document = json.loads(text)
    except RecursionError as error:
        raise BadTableError(str(path), "it is nested too deeply") from error
    except yaml.YAMLError as error:
        reason = " ".join(str(error).split())
        raise BadTableError(str(path), f"it is not YAML: {reason[:200]}") from error
    except ValueError as error:
        raise BadTableError(str(path), f"it is not JSON in {encoding}: {error}") from error
    if mapping:
        return read_mapped(document, load_mapping(mapping))
    return tables_of(document, str(path), source)


def _folder(folder: Path, columns: Mapping[str, str]) -> Tables:
    tables = Tables([], [])
    for name in KNOWN_COLUMNS:
        path = next(
            (folder / f"{name}{end}" for end in (".csv", ".tsv") if (folder / f"{name}{end}").exists()), None
        )
        path = path or folder / f"{name}.csv"
        text, encoding = decoded(path.read_bytes(), str(path))
        if encoding not in {"UTF-8", "ASCII"}:
            tables.notes.append(f"{path.name} was read as {encoding}")
        _append(tables, name, str(path), _csv_rows(text, str(path)), columns)
    return tables


def _workbook(path: Path, columns: Mapping[str, str]) -> Tables:
    """The sheets `items` and `edges` of a workbook; a cell is what its formula gave when it was saved."""
    import openpyxl  # noqa: PLC0415  half a second

    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except (zipfile.BadZipFile, KeyError, ValueError) as error:
        raise BadTableError(str(path), f"it is not a workbook of Excel (.xlsx): {error}") from error
    sheets = {sheet.title.strip().casefold(): sheet for sheet in book.worksheets}
    tables = Tables([], [])
    for name in KNOWN_COLUMNS:
        names = (name, *SHEETS[name])
        sheet = next((sheets[each] for each in names if each in sheets), None)
        if sheet is None:
            raise BadTableError(str(path), f"it has no sheet {name!r}")
        rows = (
            (number, ["" if cell is None else str(cell) for cell in cells])
            for number, cells in enumerate(sheet.iter_rows(values_only=True), 1)
        )
        _append(tables, name, f"{path}, sheet {sheet.title}", rows, columns)
    return tables


SHEETS = {"items": ("配置项", "cis"), "edges": ("关系", "relations", "依赖")}


def _append(
    tables: Tables,
    name: str,
    source: str,
    rows: Iterator[tuple[int, list[str]]],
    columns: Mapping[str, str],
) -> None:
    """Read a header and its rows; a cell beyond the header makes the table invalid: its columns slipped."""
    header = [cell.strip() for cell in next(rows, (1, []))[1]]
    while header and not header[-1]:
        header.pop()
    named, unknown = named_columns(header, KNOWN_COLUMNS[name], columns, source)
    if unknown:
        what = "became attributes" if name == "items" else "were passed over"
        tables.notes.append(f"{name}: the columns {', '.join(unknown)} {what}")
    found, lines = (tables.items, tables.item_lines) if name == "items" else (tables.edges, tables.edge_lines)
    for line, cells in rows:
        if not any(cell.strip() for cell in cells):
            continue
        if any(cell.strip() for cell in cells[len(header) :]):
            raise BadTableError(source, f"line {line} has {len(cells)} cells under {len(header)} names")
        found.append(dict(zip(named, cells, strict=False)))
        lines.append(line)


def _csv_rows(text: str, source: str) -> Iterator[tuple[int, list[str]]]:
    """Each row with the line of the file on which it begins."""
    first = text.lstrip("\ufeff\r\n ").split("\n", 1)[0]
    separator = max(SEPARATORS, key=lambda each: (_outside_quotes(first, each), -SEPARATORS.index(each)))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    line = 1
    try:
        for cells in reader:
            yield line, cells
            line = reader.line_num + 1
    except csv.Error as error:
        raise BadTableError(source, f"line {line} is not CSV: {error}") from error


def _outside_quotes(line: str, separator: str) -> int:
    return re.sub(r'"[^"]*"', "", line).count(separator)


def columns_given(given: Sequence[str]) -> dict[str, str]:
    """Return the columns that a person named, each as ``field=name``.

    Raises
    ------
    ValueError
        If one is not of that form, or names a field that no table has.
    """
    known = {*ITEM_COLUMNS, *EDGE_COLUMNS}
    named = {}
    for each in given:
        field, equals, name = each.partition("=")
        if not equals or not name.strip():
            raise ValueError(f"{each!r} is not of the form field=name")
        if field.strip() not in known:
            raise ValueError(f"{field.strip()!r} is not one of {', '.join(sorted(known))}")
        named[field.strip()] = name.strip()
    return named
