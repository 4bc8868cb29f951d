"""Samples that Prometheus sends by its remote-write protocol, version 2.

Prometheus, "Prometheus Remote-Write 2.0 Specification": a message `io.prometheus.write.v2.Request`, whose
texts are in one table. Each series tells what kind of metric it is. Exemplars, help and units are passed
over.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from google.protobuf.message import DecodeError

from telemetry.decoders.gathering import BadSampleError
from telemetry.decoders.labelled import YOUNG_MS, Labelled, LabelledGathering
from telemetry.decoders.native_histograms import add_native
from telemetry.errors import BadBatchError
from telemetry.metric_names import Kind, labels_of
from telemetry.wire.remote_write_2_pb2 import Metadata, Request

if TYPE_CHECKING:
    from collections.abc import Sequence

    from telemetry.metric_names import Namer
    from telemetry.series_book import BookPage, SeriesBook
    from telemetry.wire.remote_write_2_pb2 import TimeSeries

NOT_A_REQUEST = "it is not an io.prometheus.write.v2.Request"

KINDS: dict[int, Kind] = {
    Metadata.METRIC_TYPE_COUNTER: Kind.COUNTER,
    Metadata.METRIC_TYPE_GAUGE: Kind.GAUGE,
    Metadata.METRIC_TYPE_HISTOGRAM: Kind.HISTOGRAM,
    Metadata.METRIC_TYPE_GAUGEHISTOGRAM: Kind.GAUGE,
    Metadata.METRIC_TYPE_SUMMARY: Kind.SUMMARY,
    Metadata.METRIC_TYPE_INFO: Kind.GAUGE,
    Metadata.METRIC_TYPE_STATESET: Kind.GAUGE,
}


def decode(body: bytes, book: SeriesBook) -> Labelled:
    """The contents of an `io.prometheus.write.v2.Request`.

    Raises
    ------
    BadBatchError
        If the body is not such a message, or its table does not begin with an empty text.
    """
    try:
        request = Request.FromString(body)
    except DecodeError as error:
        raise BadBatchError(NOT_A_REQUEST) from error
    symbols = list(request.symbols)
    if request.timeseries and symbols[:1] != [""]:
        raise BadBatchError("its symbols do not begin with an empty one")
    page, gathering = book.page(), LabelledGathering()
    for series in request.timeseries:
        try:
            _add(series, symbols, gathering, page, book.namer)
        except BadSampleError as error:
            gathering.refuse(str(error), len(series.samples) + len(series.histograms))
    return gathering.labelled(page.series)


def _add(
    series: TimeSeries, symbols: Sequence[str], gathering: LabelledGathering, page: BookPage, namer: Namer
) -> None:
    gathering.n_exemplars += len(series.exemplars)
    try:
        texts = [symbols[ref] for ref in series.labels_refs]
    except IndexError as error:
        raise BadSampleError("a label is not among the symbols") from error
    if len(texts) % 2:
        raise BadSampleError("a label has a name and no value")
    kind = KINDS.get(series.metadata.type, Kind.UNKNOWN)
    identity = "\0".join((kind, *texts))
    if series.histograms:
        whole = page.learn(f"\0{identity}", lambda: namer.whole(labels_of(texts)))
        add_native(series.histograms, page.series[whole], gathering)
    number = page.numbers.get(identity)
    for sample in series.samples:
        if number is None:
            number = page.learn(identity, lambda: namer.series(labels_of(texts), kind))
        time_ms, start_ms = sample.timestamp, sample.start_timestamp
        gathering.add(number, time_ms, sample.value)
        if start_ms and 0 < time_ms - start_ms <= YOUNG_MS:
            gathering.starts[number] = start_ms
