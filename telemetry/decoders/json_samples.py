"""Metric samples as JSON, row by row or by series.

``{"samples": [{"item": "order", "metric": "latency_s", "time": "2026-03-04T02:00:00Z", "value": 0.21}]}``
where ``time_ms`` may replace ``time``, and by series
``{"series": [{"item": "order", "metric": "latency_s", "time_ms": [...], "values": [...]}]}``.
A body may hold both. It is read strictly first, which is fast. Only a body with errors is read again,
leniently, to find out which samples are bad.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from telemetry.decoders.gathering import BadSampleError, Decoded, Gathering
from telemetry.decoders.json_lenient import Instant, gather_leniently, milliseconds
from telemetry.errors import BadBatchError

MAX_BODY_BYTES = 32 * 2**20


Metric = Annotated[str, msgspec.Meta(description="its name ends in its unit: latency_s")]
Milliseconds = Annotated[int, msgspec.Meta(description="milliseconds since the epoch, UTC")]
Value = Annotated[
    float, msgspec.Meta(description="a value that is null or not finite is counted and rejected")
]


class Sample(msgspec.Struct):
    """One value of a metric of an item, at a time or a time_ms."""

    item: str
    metric: Metric
    value: Value
    time_ms: Milliseconds | None = None
    time: Instant | None = None


class SampleColumns(msgspec.Struct):
    """The values of one series, and the time of each."""

    item: str
    metric: Metric
    time_ms: list[Milliseconds]
    values: list[Value]


class SamplesBody(msgspec.Struct):
    """Samples one by one, or as columns per series; at least one of the two."""

    samples: list[Sample] | None = None
    series: list[SampleColumns] | None = None


_BODY = msgspec.json.Decoder(SamplesBody)
_STRICT_ERRORS = (msgspec.DecodeError, UnicodeDecodeError, RecursionError, BadSampleError, OverflowError)


def decode(body: bytes, *, max_bytes: int = MAX_BODY_BYTES) -> Decoded:
    """Samples of a JSON body; a bad sample is rejected alone.

    A sample is rejected if its value is not a finite number, its time is outside the years 2000 to 2099, or
    a name is empty, over 256 characters long or has control characters. ``NaN`` and ``Infinity``, which are
    not JSON, are understood, so that they cost only their own sample.

    Raises
    ------
    BadBatchError
        If the body is not JSON, is cut off, is over ``max_bytes``, or does not have the form above.

    Examples
    --------
    >>> found = decode(b'{"series": [{"item": "a", "metric": "m", "time_ms": [1e12], "values": [NaN]}]}')
    >>> found.rejected
    (Rejection(index=0, reason='the value nan is not finite', n_samples=1),)
    """
    if len(body) > max_bytes:
        raise BadBatchError(f"{len(body)} bytes are over the limit of {max_bytes}")
    try:
        return _gather_strictly(_BODY.decode(body)).decoded()
    except _STRICT_ERRORS:
        return gather_leniently(body).decoded()


def _gather_strictly(body: SamplesBody) -> Gathering:
    """All samples of a body without errors; the first error raises."""
    if body.samples is None and body.series is None:
        raise BadBatchError("it has neither samples nor series")
    gathering = Gathering()
    rows = body.samples or []
    gathering.add(
        [gathering.number_of(row.item, row.metric) for row in rows],
        [milliseconds(row.time) if row.time_ms is None else row.time_ms for row in rows],
        [row.value for row in rows],
    )
    for each in body.series or []:
        if len(each.time_ms) != len(each.values):
            raise BadSampleError("times and values do not fit together")
        number = gathering.number_of(each.item, each.metric)
        gathering.add([number] * len(each.values), each.time_ms, each.values)
    return gathering
