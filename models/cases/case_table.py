"""The table of signals of a case that a person wrote, in the forms that spreadsheets give it."""

from __future__ import annotations

import csv
import io
import re
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from cmdb.importers.encoded_text import decoded
from features.frame import Frame
from features.golden import MEANINGS, meaning_of
from telemetry.batches import SeriesKey
from telemetry.instants import to_ms

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import tzinfo

MAX_VALUES = 2**22
"""Most values that a case may have, missing ones included."""

SEPARATORS = ",;\t"
THOUSANDS = re.compile(r"-?\d{1,3}(,\d{3})+(\.\d+)?")
SLASHES = re.compile(r"(\d{4})[/.-](\d{1,2})[/.-](\d{1,2})[ T]+(\d{1,2}):(\d{2})(?::(\d{2}))?$")
"""A date as spreadsheets write it, without a zone."""


def frame_of_table(content: bytes, zone: tzinfo | None) -> tuple[Frame, list[str]]:
    """Return the signals of a table, and what was assumed, in sentences.

    The columns are ``time``, ``item`` and one for each metric; they are separated by comma, semicolon or tab.
    Empty rows and blanks around cells are passed over, thousands may be separated by commas, and a
    percentage may have its sign. Of two rows of one instant and item the later counts.

    Parameters
    ----------
    zone
        The zone of instants that name none.

    Raises
    ------
    ValueError
        If a cell or the form of the table cannot be read, with its line.
    """
    text, encoding = decoded(content, "the table")
    notes = [] if encoding == "UTF-8" else [f"The table was read as {encoding}."]
    first = text.split("\n", 1)[0]
    separator = max(SEPARATORS, key=lambda each: (first.count(each), -SEPARATORS.index(each)))
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    header = [name.strip() for name in next(rows, [])]
    while header and not header[-1]:
        header.pop()
    metrics = [name for name in header if name not in {"time", "item"}]
    if len(metrics) + 2 != len(header) or not metrics:
        raise ValueError("the table needs the columns time and item once each, and one or more metrics")
    check_metrics(metrics)
    cells: dict[SeriesKey, dict[int, float]] = {}
    assumed: set[str] = set()
    try:
        for row in rows:
            if any(cell.strip() for cell in row):
                _add_row(dict(zip(header, map(str.strip, row), strict=False)), metrics, zone, cells, assumed)
    except (ValueError, KeyError, csv.Error, OverflowError) as error:
        missing = f"it has no {error.args[0]}" if isinstance(error, KeyError) else str(error)
        raise ValueError(f"line {rows.line_num} of the table: {missing}") from error
    return on_grid(cells), [*notes, *sorted(assumed)]


def _add_row(
    row: Mapping[str, str],
    metrics: Sequence[str],
    zone: tzinfo | None,
    cells: dict[SeriesKey, dict[int, float]],
    assumed: set[str],
) -> None:
    at, has_zone = _instant(row["time"], zone)
    if not has_zone:
        assumed.add("The times of the table name no zone: they are those of the alert's.")
    time_ms = to_ms(at)
    if not row["item"]:
        raise ValueError("it names no item")
    for metric in metrics:
        if row.get(metric):
            seen = cells.setdefault(SeriesKey(row["item"], metric), {})
            if time_ms in seen:
                assumed.add("Of rows of one instant and item the last counts.")
            seen[time_ms] = _number(row[metric], metric)


def _number(cell: str, metric: str) -> float:
    text, factor = cell, 1.0
    if text.endswith(("%", "％")):
        if metric.endswith("_ratio"):
            factor = 0.01
        elif not metric.endswith("_percent"):
            raise ValueError(f"{cell!r} is a percentage, and {metric} is none")
        text = text[:-1].strip()
    if THOUSANDS.fullmatch(text):
        text = text.replace(",", "")
    try:
        return factor * float(text)
    except ValueError:
        raise ValueError(f"{metric} is {cell[:40]!r}, which is not a number") from None


def _instant(text: str, zone: tzinfo | None) -> tuple[datetime, bool]:
    found = SLASHES.fullmatch(text)
    if found:
        year, month, day, hour, minute, second = (int(each or 0) for each in found.groups())
        text = f"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}"
    at = datetime.fromisoformat(text)
    if at.tzinfo is not None:
        return at, True
    if zone is None:
        raise ValueError(f"{text!r} has no offset from UTC, such as Z")
    return at.replace(tzinfo=zone), False


def on_grid(cells: Mapping[SeriesKey, Mapping[int, float]]) -> Frame:
    """Place cells on a grid whose step is their smallest distance in time.

    Raises
    ------
    ValueError
        If there are too few instants or too many values, or the instants are not on one grid.
    """
    times = np.array(sorted({time_ms for values in cells.values() for time_ms in values}), dtype=np.int64)
    if len(times) < 2:  # noqa: PLR2004  a distance needs two instants
        raise ValueError("the table has values at fewer than two instants")
    start_ms, step_ms = int(times[0]), int(np.diff(times).min())
    if ((times - start_ms) % step_ms).any():
        raise ValueError(f"the instants of the table are not on one grid of {step_ms / 1000:g} s")
    n_ticks = int(times[-1] - start_ms) // step_ms + 1
    if n_ticks * len(cells) > MAX_VALUES:
        raise ValueError(f"{n_ticks} ticks of {len(cells)} series exceed the limit of {MAX_VALUES} values")
    values = np.full((n_ticks, len(cells)), np.nan)
    for column, seen in enumerate(cells.values()):
        values[(np.array(list(seen), dtype=np.int64) - start_ms) // step_ms, column] = list(seen.values())
    return Frame(start_ms, step_ms, tuple(cells), values)


def check_metrics(metrics: Iterable[str]) -> None:
    """Accept known metrics only.

    Raises
    ------
    ValueError
        With the first unknown one, and the known ones.
    """
    for metric in metrics:
        if meaning_of(metric) is None:
            raise ValueError(f"unknown metric {metric!r}; the known metrics are {', '.join(MEANINGS)}")
