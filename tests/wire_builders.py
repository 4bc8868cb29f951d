"""Bodies as senders of metrics make them, and what is found in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from cmdb.naming import item_named_by
from telemetry.batches import ENDED
from telemetry.metric_names import Namer
from telemetry.series_book import SeriesBook
from telemetry.wire.remote_write_1_pb2 import WriteRequest
from telemetry.wire.remote_write_2_pb2 import Request

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping

    from telemetry.batches import Samples
    from telemetry.decoders.labelled import Labelled

AT_MS = 1_772_589_600_000
ITEM_LABELS = ("service", "service_name", "job", "instance")
STALE = ENDED

Sent = tuple["Mapping[str, str]", "Iterable[tuple[int, float]]"]


def a_book(items: Container[str] = (), **options: Any) -> SeriesBook:
    return SeriesBook(
        Namer(lambda labels: item_named_by(labels, items=items, item_labels=ITEM_LABELS)), **options
    )


def a_request(*series: Sent) -> WriteRequest:
    """Series of labels and of samples: time and value."""
    request = WriteRequest()
    for labels, samples in series:
        message = request.timeseries.add()
        for name, value in sorted(labels.items()):
            message.labels.add(name=name, value=value)
        for time_ms, value in samples:
            message.samples.add(timestamp=time_ms, value=value)
    return request


def a_body(*series: Sent) -> bytes:
    return a_request(*series).SerializeToString()


def a_request_2(*series: Sent, kind: int = 0) -> Request:
    """The same in version 2, with a kind of metric."""
    request = Request(symbols=[""])
    places: dict[str, int] = {"": 0}
    for labels, samples in series:
        message = request.timeseries.add()
        message.metadata.type = kind  # type: ignore[assignment]
        for text in (text for pair in sorted(labels.items()) for text in pair):
            if text not in places:
                places[text] = len(places)
                request.symbols.append(text)
            message.labels_refs.append(places[text])
        for time_ms, value in samples:
            message.samples.add(timestamp=time_ms, value=value)
    return request


def a_body_2(*series: Sent, kind: int = 0) -> bytes:
    return a_request_2(*series, kind=kind).SerializeToString()


def packed(body: bytes) -> bytes:
    return pa.compress(body, "snappy", asbytes=True)


def rows(samples: Samples) -> list[tuple[str, str, int, str]]:
    """Item, metric, time and value of each sample; a value is shown as text, so that NaN equals itself."""
    return [
        (*samples.keys[number], time_ms, repr(value))
        for number, time_ms, value in zip(
            samples.series.tolist(), samples.time_ms.tolist(), samples.values.tolist(), strict=True
        )
    ]


def everything(found: Labelled) -> dict[str, Any]:
    """All that was found in a body, in a form that can be compared."""
    parts = found.parts
    return {
        "samples": rows(found.samples),
        "parts": [
            (parts.parts[number], time_ms, repr(value))
            for number, time_ms, value in zip(
                parts.part.tolist(), parts.time_ms.tolist(), parts.values.tolist(), strict=True
            )
        ],
        "histograms": repr(found.histograms),
        "deltas": repr(found.deltas),
        "starts": dict(found.starts),
        "rejected": sorted(found.rejected, key=repr),
        "counts": (found.n_points, found.n_histograms, found.n_exemplars, found.n_without_value),
    }
