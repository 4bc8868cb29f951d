"""Reads OpenTelemetry's metrics from the messages of its library, point by point."""

from __future__ import annotations

import math
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from opentelemetry.proto.metrics.v1.metrics_pb2 import AggregationTemporality, DataPointFlags

from telemetry.batches import ENDED, SeriesKey
from telemetry.decoders.gathering import EARLIEST_MS, LATEST_MS, BadSampleError
from telemetry.decoders.labelled import OUTSIDE_YEARS, YOUNG_MS, DeltaPoint, Labelled, LabelledGathering
from telemetry.decoders.native_histograms import MAX_BUCKETS, explicit_buckets, exponential_buckets
from telemetry.decoders.otlp_names import attribute_texts, labels_of_attributes, metric_name
from telemetry.histograms import Buckets, HistogramPoint
from telemetry.metric_names import Kind, Series, with_label

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from opentelemetry.proto.metrics.v1.metrics_pb2 import (
        ExponentialHistogramDataPoint,
        HistogramDataPoint,
        Metric,
        NumberDataPoint,
        SummaryDataPoint,
    )

    from telemetry.series_book import BookPage, SeriesBook

NANOSECONDS = 1_000_000
SCALES = range(-10, 21)

DELTA = AggregationTemporality.AGGREGATION_TEMPORALITY_DELTA
CUMULATIVE = AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE
NO_VALUE = DataPointFlags.DATA_POINT_FLAGS_NO_RECORDED_VALUE_MASK


class MetricReader:
    """Reads metrics one by one, and gathers what they hold.

    Parameters
    ----------
    book
        Numbers the series.
    """

    def __init__(self, book: SeriesBook) -> None:
        self.page: BookPage = book.page()
        self.gathering = LabelledGathering()
        self._namer = book.namer

    def labelled(self) -> Labelled:
        """Return everything that was read."""
        return self.gathering.labelled(self.page.series)

    def read(self, metric: Metric, shared: Sequence[str]) -> None:
        """Read a metric whose resource has some labels, names and values in turn."""
        data = metric.WhichOneof("data")
        if data is None:
            return
        points = getattr(metric, data).data_points
        if data == "gauge":
            self.read_numbers(points, metric, shared, Kind.GAUGE)
        elif data == "summary":
            self._read_each(points, metric, shared, Kind.SUMMARY, self._add_summary)
        elif getattr(metric, data).aggregation_temporality not in {DELTA, CUMULATIVE}:
            self.gathering.refuse("the metric has no aggregation temporality", len(points))
        elif data == "sum":
            kind = kind_of(is_gauge=False, is_monotonic=metric.sum.is_monotonic)
            if metric.sum.aggregation_temporality == DELTA:
                self._read_each(points, metric, shared, kind, self._add_delta)
            else:
                self.read_numbers(points, metric, shared, kind)
        else:
            is_delta = getattr(metric, data).aggregation_temporality == DELTA
            buckets = explicit if data == "histogram" else exponential
            self._read_each(
                points,
                metric,
                shared,
                Kind.HISTOGRAM,
                partial(self._add_histogram, buckets, is_delta=is_delta),
            )

    def read_numbers(
        self, points: Iterable[NumberDataPoint], metric: Metric, shared: Sequence[str], kind: Kind
    ) -> None:
        """Read points of a gauge or a running sum, whose name and unit are the metric's."""
        self._read_each(points, metric, shared, kind, self._add_number)

    def _read_each(
        self,
        points: Iterable[Any],
        metric: Metric,
        shared: Sequence[str],
        kind: Kind,
        add: Callable[[Any, int, int], None],
    ) -> None:
        """Add each point under the number of its series and its time; a bad one rejects itself alone."""
        name = metric_name(metric.name, metric.unit, kind)
        before = "\0".join((name, kind, *shared))
        for point in points:
            texts = attribute_texts(point.attributes)
            time_ms = point.time_unix_nano // NANOSECONDS
            try:
                if not EARLIEST_MS <= time_ms < LATEST_MS:
                    raise BadSampleError(OUTSIDE_YEARS)  # noqa: TRY301  beside those that are raised further down
                identity = "\0".join((before, "", *texts))
                add(
                    point,
                    self.page.learn(identity, partial(self._named, name, [*shared, *texts], kind)),
                    time_ms,
                )
            except BadSampleError as error:
                self.gathering.refuse(str(error))

    def _named(self, name: str, texts: Sequence[str], kind: Kind) -> Series:
        labels = labels_of_attributes(name, texts)
        return Series(self._namer.key(name, labels, kind if kind is Kind.COUNTER else Kind.GAUGE))

    def _key(self, number: int) -> SeriesKey:
        key = self.page.series[number].key
        if key is None:
            raise BadSampleError("the series is part of a histogram")
        return key

    def _add_number(self, point: NumberDataPoint, number: int, time_ms: int) -> None:
        self.gathering.add(number, time_ms, ENDED if point.flags & NO_VALUE else _value_of(point))
        start_ms = point.start_time_unix_nano // NANOSECONDS
        if 0 < time_ms - start_ms <= YOUNG_MS:
            self.gathering.starts[number] = start_ms

    def _add_delta(self, point: NumberDataPoint, number: int, time_ms: int) -> None:
        value = _value_of(point)
        if point.flags & NO_VALUE or not math.isfinite(value):
            self.gathering.n_without_value += 1
            return
        start_ms = point.start_time_unix_nano // NANOSECONDS
        self.gathering.deltas.append(DeltaPoint(self._key(number), time_ms, value, start_ms))

    def _add_histogram(
        self,
        buckets: Callable[[Any], Buckets | None],
        point: Any,
        number: int,
        time_ms: int,
        *,
        is_delta: bool,
    ) -> None:
        if point.flags & NO_VALUE:
            self.gathering.n_without_value += 1
            return
        total = point.sum if point.HasField("sum") else math.nan
        start_ms = point.start_time_unix_nano // NANOSECONDS
        self.gathering.add_histogram(
            HistogramPoint(
                self._key(number), time_ms, float(point.count), total, buckets(point), start_ms, is_delta
            )
        )

    def _add_summary(self, point: SummaryDataPoint, number: int, time_ms: int) -> None:
        if point.flags & NO_VALUE:
            self.gathering.n_without_value += 1
            return
        whole = self._key(number)
        start_ms = point.start_time_unix_nano // NANOSECONDS
        self.gathering.add_histogram(
            HistogramPoint(whole, time_ms, float(point.count), point.sum, None, start_ms)
        )
        for each in point.quantile_values:
            metric = with_label(whole.metric, "quantile", f"{each.quantile:g}")
            self.gathering.add(
                self.page.number_of(Series(SeriesKey(whole.item, metric))), time_ms, each.value
            )


def kind_of(*, is_gauge: bool, is_monotonic: bool) -> Kind:
    """What kind of metric a gauge or a sum is."""
    if is_gauge:
        return Kind.GAUGE
    return Kind.COUNTER if is_monotonic else Kind.UNKNOWN


def explicit(point: HistogramDataPoint) -> Buckets | None:
    """The buckets of a histogram with bounds of its own; ``None`` if it has none.

    Raises
    ------
    BadSampleError
        If its bounds do not rise, or do not fit its counts.
    """
    bounds, counts = point.explicit_bounds, point.bucket_counts
    if not counts:
        return None
    if len(counts) != len(bounds) + 1 or len(counts) > MAX_BUCKETS:
        raise BadSampleError(f"the histogram's {len(bounds)} bounds do not fit its {len(counts)} counts")
    if not all(one < other for one, other in pairwise((-math.inf, *bounds, math.inf))):
        raise BadSampleError("the histogram's bounds do not rise")
    return explicit_buckets(bounds, [float(each) for each in counts])


def exponential(point: ExponentialHistogramDataPoint) -> Buckets:
    """The buckets of a histogram on a base-2 scale.

    Raises
    ------
    BadSampleError
        If it has too many buckets, or its scale is unknown.
    """
    if len(point.positive.bucket_counts) + len(point.negative.bucket_counts) > MAX_BUCKETS:
        raise BadSampleError(f"the histogram has over {MAX_BUCKETS} buckets")
    if point.scale not in SCALES:
        raise BadSampleError(f"the histogram's scale {point.scale} is not known")
    positive, negative = (
        [(each.offset + place + 1, float(count)) for place, count in enumerate(each.bucket_counts)]
        for each in (point.positive, point.negative)
    )
    return exponential_buckets(
        negative, positive, float(point.zero_count), schema=point.scale, zero_threshold=point.zero_threshold
    )


def _value_of(point: NumberDataPoint) -> float:
    which = point.WhichOneof("value")
    return math.nan if which is None else float(getattr(point, which))
