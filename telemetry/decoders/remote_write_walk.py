"""Remote write 1.0, read by the library of Protocol Buffers from the first byte to the last."""

from __future__ import annotations

from typing import TYPE_CHECKING

from google.protobuf.message import DecodeError

from telemetry.decoders.gathering import BadSampleError
from telemetry.decoders.labelled import Labelled, LabelledGathering
from telemetry.decoders.native_histograms import add_native
from telemetry.errors import BadBatchError
from telemetry.metric_names import labels_of
from telemetry.wire.remote_write_1_pb2 import WriteRequest

if TYPE_CHECKING:
    from collections.abc import Callable

    from telemetry.metric_names import Namer, Series
    from telemetry.series_book import BookPage, SeriesBook
    from telemetry.wire.remote_write_1_pb2 import TimeSeries

NOT_A_REQUEST = "it is not a prometheus.WriteRequest"


def walk(body: bytes, book: SeriesBook) -> Labelled:
    """The contents of a `prometheus.WriteRequest`, message by message.

    Raises
    ------
    BadBatchError
        If the body is not such a message.
    """
    try:
        request = WriteRequest.FromString(body)
    except DecodeError as error:
        raise BadBatchError(NOT_A_REQUEST) from error
    page, gathering = book.page(), LabelledGathering()
    for series in request.timeseries:
        gather(series, gathering, page, book.namer, learn=page.learn)
    return gathering.labelled(page.series)


def gather(
    series: TimeSeries,
    gathering: LabelledGathering,
    page: BookPage,
    namer: Namer,
    *,
    learn: Callable[[str, Callable[[], Series]], int],
) -> int | None:
    """Add what a series holds; return its number, or ``None`` if it was rejected or holds no sample.

    ``learn`` numbers a series by its labels in one text, and may remember them.
    """
    gathering.n_exemplars += len(series.exemplars)
    texts = [text for label in series.labels for text in (label.name, label.value)]
    identity = "\0".join(texts)
    try:
        if series.histograms:
            number = page.learn(f"\0{identity}", lambda: namer.whole(labels_of(texts)))
            add_native(series.histograms, page.series[number], gathering)
        if not series.samples:
            return None
        number = learn(identity, lambda: namer.series(labels_of(texts)))
    except BadSampleError as error:
        gathering.refuse(str(error), len(series.samples) + len(series.histograms))
        return None
    for sample in series.samples:
        gathering.add(number, sample.timestamp, sample.value)
    return number
