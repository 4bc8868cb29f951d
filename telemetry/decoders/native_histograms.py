"""Prometheus's native histograms as buckets with bounds, whatever their schema.

Prometheus, "Native Histograms" (specification), and prompb/types.proto: schema *n* has the bounds
2^(i/2^n); schema −53 lists its bounds.
"""

from __future__ import annotations

import math
import struct
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

from telemetry.batches import ENDED_BITS
from telemetry.decoders.gathering import EARLIEST_MS, LATEST_MS, BadSampleError
from telemetry.decoders.labelled import OUTSIDE_YEARS
from telemetry.histograms import Buckets, HistogramPoint

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from telemetry.batches import SeriesKey
    from telemetry.decoders.labelled import LabelledGathering
    from telemetry.metric_names import Series
    from telemetry.wire.remote_write_1_pb2 import BucketSpan
    from telemetry.wire.remote_write_1_pb2 import Histogram as Histogram1
    from telemetry.wire.remote_write_2_pb2 import BucketSpan as BucketSpan2
    from telemetry.wire.remote_write_2_pb2 import Histogram as Histogram2

    Spans = Iterable[BucketSpan] | Iterable[BucketSpan2]

SCHEMAS = range(-4, 9)
CUSTOM_SCHEMA = -53
MAX_BUCKETS = 2_000
GAUGE_HINT = 3
END = struct.pack("<Q", ENDED_BITS)


def add_native(
    sent: Iterable[Histogram1] | Iterable[Histogram2], series: Series, gathering: LabelledGathering
) -> None:
    """Gather the complete histograms of a series, each bad one rejecting itself alone."""
    if series.key is None:
        raise BadSampleError("the series is part of a histogram and holds histograms")
    for each in sent:
        if not EARLIEST_MS <= each.timestamp < LATEST_MS:
            gathering.refuse(OUTSIDE_YEARS)
            continue
        try:
            point = native_histogram(each, series.key, start_ms=getattr(each, "start_timestamp", 0))
        except BadSampleError as error:
            gathering.refuse(str(error))
            continue
        if point is None:
            gathering.n_histograms += 1
        else:
            gathering.add_histogram(point)


def native_histogram(
    sent: Histogram1 | Histogram2, whole: SeriesKey, *, start_ms: int = 0
) -> HistogramPoint | None:
    """A complete histogram; ``None`` for the mark that its series ended, and for one of gauges.

    Raises
    ------
    BadSampleError
        If its schema is unknown, its spans and buckets do not fit together, or a count is negative.
    """
    if is_end(sent.sum) or sent.reset_hint == GAUGE_HINT:
        return None
    is_integer = sent.WhichOneof("count") != "count_float"
    count = float(sent.count_int) if is_integer else sent.count_float
    positive = _counts(sent.positive_deltas, sent.positive_counts, is_integer=is_integer)
    negative = _counts(sent.negative_deltas, sent.negative_counts, is_integer=is_integer)
    if sent.schema == CUSTOM_SCHEMA:
        buckets = _custom(sent.positive_spans, positive, sent.custom_values)
    elif sent.schema in SCHEMAS:
        has_float_zeros = sent.WhichOneof("zero_count") == "zero_count_float"
        buckets = exponential_buckets(
            _placed(sent.negative_spans, negative),
            _placed(sent.positive_spans, positive),
            sent.zero_count_float if has_float_zeros else float(sent.zero_count_int),
            schema=sent.schema,
            zero_threshold=sent.zero_threshold,
        )
    else:
        raise BadSampleError(f"the histogram's schema {sent.schema} is not known")
    if not math.isfinite(count) or min((count, *buckets.counts.values())) < 0:
        raise BadSampleError("a count of the histogram is negative or not finite")
    return HistogramPoint(whole, sent.timestamp, count, sent.sum, buckets, start_ms)


def is_end(value: float) -> bool:
    """Whether a value says that its series ended."""
    return math.isnan(value) and struct.pack("<d", value) == END


def exponential_bound(index: int, schema: int) -> float:
    """Upper bound of a bucket of base 2^(2^−schema), ``2^(index / 2^schema)``; infinite beyond all floats.

    >>> exponential_bound(1, 0), exponential_bound(0, 3), exponential_bound(-2, -1)
    (2.0, 1.0, 0.0625)
    """
    try:
        return math.pow(2.0, index * 2.0**-schema)
    except OverflowError:
        return math.inf


def exponential_buckets(
    negative: Iterable[tuple[int, float]],
    positive: Iterable[tuple[int, float]],
    zeros: float,
    *,
    schema: int,
    zero_threshold: float,
) -> Buckets:
    """Buckets of a base-2 scale for the index and count of each; a bucket ``i`` ends at bound ``i``."""
    counts = {}
    for index, count in negative:
        counts[-exponential_bound(index, schema), -exponential_bound(index - 1, schema)] = count
    if zeros:
        counts[-zero_threshold, zero_threshold] = zeros
    for index, count in positive:
        counts[exponential_bound(index - 1, schema), exponential_bound(index, schema)] = count
    return Buckets(counts, is_exponential=True)


def explicit_buckets(bounds: Sequence[float], counts: Sequence[float]) -> Buckets:
    """Buckets of rising bounds, one count more than bounds.

    >>> explicit_buckets([0.1], [3.0, 1.0]).counts
    {(-inf, 0.1): 3.0, (0.1, inf): 1.0}
    """
    edges = (-math.inf, *bounds, math.inf)
    return Buckets(dict(zip(pairwise(edges), counts, strict=True)))


def _custom(spans: Spans, counts: Sequence[float], bounds: Sequence[float]) -> Buckets:
    if len(bounds) > MAX_BUCKETS or not all(one < other for one, other in pairwise(bounds)):
        raise BadSampleError("the histogram's own bounds do not rise")
    filled = [0.0] * (len(bounds) + 1)
    for index, count in _placed(spans, counts):
        if not 0 <= index < len(filled):
            raise BadSampleError(f"the histogram has no bound for its bucket {index}")
        filled[index] = count
    return explicit_buckets(bounds, filled)


def _placed(spans: Spans, counts: Sequence[float]) -> Iterator[tuple[int, float]]:
    """Index and count of each bucket."""
    index = place = 0
    for span in spans:
        index += span.offset
        if span.length > len(counts) - place:
            break
        for count in counts[place : place + span.length]:
            yield index, count
            index += 1
        place += span.length
    else:
        if place == len(counts):
            return
    raise BadSampleError("the histogram's spans and buckets do not fit together")


def _counts(deltas: Sequence[int], counts: Sequence[float], *, is_integer: bool) -> list[float]:
    if max(len(deltas), len(counts)) > MAX_BUCKETS:
        raise BadSampleError(f"the histogram has over {MAX_BUCKETS} buckets")
    return [float(each) for each in accumulate(deltas)] if is_integer else list(counts)
