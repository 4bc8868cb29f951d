"""Reads a JSON body with errors sample by sample, to find out what is wrong."""

from __future__ import annotations

import json
import math
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import msgspec

from telemetry.decoders.gathering import (
    EARLIEST_MS,
    LATEST_MS,
    BadSampleError,
    Gathering,
    Rejection,
    check_name,
    shown,
)
from telemetry.errors import BadBatchError
from telemetry.instants import to_ms

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MAX_INTEGER_DIGITS = 19

Instant = Annotated[datetime, msgspec.Meta(tz=True)]


def gather_leniently(body: bytes) -> Gathering:
    """The good samples of a body, and a reason for each rejected one.

    Raises
    ------
    BadBatchError
        If the body is not a JSON object with a list of samples or series.
    """
    try:
        document = json.loads(body.decode(), parse_int=_integer)
    except RecursionError as error:
        raise BadBatchError("it is nested too deeply") from error
    except ValueError as error:
        raise BadBatchError(f"it is not JSON: {error}") from error
    if not isinstance(document, dict) or not document.keys() & {"samples", "series"}:
        raise BadBatchError("it is not an object with samples or series")
    samples, series = (_list(document, name) for name in ("samples", "series"))
    gathering = Gathering()
    _add_each(gathering, samples)
    for index, each in enumerate(series):
        _add_series(gathering, index, each if isinstance(each, dict) else {})
    return gathering


def milliseconds(time: datetime | None) -> int:
    """Milliseconds since the epoch; `BadSampleError` if there is no time."""
    if time is None:
        raise BadSampleError("it has neither time nor time_ms")
    return to_ms(time)


def _add_each(gathering: Gathering, rows: Iterable[object]) -> None:
    for row in rows:
        try:
            item, metric, at_ms, value = _read(row)
        except BadSampleError as error:
            gathering.reject(Rejection(gathering.n_seen, str(error)))
        else:
            gathering.add_one(gathering.number_of(item, metric), at_ms, value)


def _add_series(gathering: Gathering, index: int, series: Mapping[str, object]) -> None:
    """Add the good samples of one series; an unreadable series counts as at least one rejected sample."""
    try:
        item, metric, times, values = _columns(series)
    except BadSampleError as error:
        sent = series.get("values")
        n_samples = max(1, len(sent)) if isinstance(sent, list) else 1
        gathering.reject(Rejection(gathering.n_seen, f"series {index}: {error}", n_samples))
        return
    names, pairs = {"item": item, "metric": metric}, zip(times, values, strict=True)
    _add_each(gathering, ({**names, "time_ms": at_ms, "value": value} for at_ms, value in pairs))


def _columns(series: Mapping[str, object]) -> tuple[object, object, list[object], list[object]]:
    """Item, metric, times and values of a series; `BadSampleError` if it is malformed."""
    for name in ("item", "metric"):
        check_name(name, series.get(name))
    times, values = series.get("time_ms"), series.get("values")
    if not isinstance(times, list) or not isinstance(values, list):
        raise BadSampleError("it needs lists time_ms and values")
    if len(times) != len(values):
        raise BadSampleError(f"{len(times)} times and {len(values)} values do not fit together")
    return series["item"], series["metric"], times, values


def _read(row: object) -> tuple[str, str, int, float]:
    """Item, metric, time and value of one row; `BadSampleError` if it is malformed."""
    if not isinstance(row, dict):
        raise BadSampleError("it is not an object")
    for name in ("item", "metric"):
        check_name(name, row.get(name))
    value = row.get("value")
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise BadSampleError(f"the value {shown(value)} is not a number")
    if not math.isfinite(value):
        raise BadSampleError(f"the value {value} is not finite")
    return row["item"], row["metric"], _time_of(row), float(value)


def _time_of(row: Mapping[str, object]) -> int:
    at_ms, time = row.get("time_ms"), row.get("time")
    if at_ms is None and time is not None:
        try:
            at_ms = milliseconds(msgspec.convert(time, Instant))
        except (msgspec.ValidationError, UnicodeEncodeError) as error:  # the latter: half a surrogate pair
            raise BadSampleError(
                f"the time {shown(time)} is not RFC 3339 with a time zone, as 2026-03-04T02:00:00Z"
            ) from error
    if at_ms is None:
        raise BadSampleError("it has neither time nor time_ms")
    if isinstance(at_ms, bool) or not isinstance(at_ms, (int, float)) or at_ms != at_ms // 1:
        raise BadSampleError(f"the time_ms {shown(at_ms)} is not a whole number")
    if not EARLIEST_MS <= at_ms < LATEST_MS:
        raise BadSampleError(f"the time {shown(at_ms)} ms is not in the years 2000 to 2099")
    return int(at_ms)


def _list(document: Mapping[str, object], name: str) -> list[object]:
    found = document.get(name)
    if found is not None and not isinstance(found, list):
        raise BadBatchError(f"{name} is not a list")
    return found or []


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) <= MAX_INTEGER_DIGITS else float(digits)
