"""Metric samples as JSON, row by row or by series.

``{"samples": [{"item": "order", "metric": "latency_s", "time": "2026-03-04T02:00:00Z", "value": 0.21}]}``
with ``time_ms`` instead of ``time`` if that is easier, and by series
``{"series": [{"item": "order", "metric": "latency_s", "time_ms": [...], "values": [...]}]}``.
A body may hold both. It is read strictly first, which is fast; only one with something wrong in it
is read again, leniently, to find out which samples are.
"""

from __future__ import annotations

import msgspec

from telemetry.decoders.gathering import BadSampleError, Decoded, Gathering
from telemetry.decoders.json_lenient import Instant, gather_leniently, milliseconds
from telemetry.errors import BadBatchError

MAX_BODY_BYTES = 32 * 2**20


class _Sample(msgspec.Struct):
    item: str
    metric: str
    value: float
    time_ms: int | None = None
    time: Instant | None = None


class _Series(msgspec.Struct):
    item: str
    metric: str
    time_ms: list[int]
    values: list[float]


class _Body(msgspec.Struct):
    samples: list[_Sample] | None = None
    series: list[_Series] | None = None


_BODY = msgspec.json.Decoder(_Body)
_NOT_ALL_GOOD = (msgspec.DecodeError, UnicodeDecodeError, RecursionError, BadSampleError, OverflowError)


def decode(body: bytes, *, max_bytes: int = MAX_BODY_BYTES) -> Decoded:
    """Samples of a JSON body; one that is wrong rejects itself alone.

    Values that are no finite number, times outside the years 2000 to 2099, and names that are empty,
    over 256 characters or hold control characters are rejected; ``NaN`` and ``Infinity`` are understood,
    although JSON has no such words, so that they cost their own sample only.

    Raises
    ------
    BadBatchError
        If the body is no JSON, is cut off, is over ``max_bytes``, or is not of the form above.

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
    except _NOT_ALL_GOOD:
        return gather_leniently(body).decoded()


def _gather_strictly(body: _Body) -> Gathering:
    """All samples of a body in which everything is good; the first thing that is not raises."""
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
