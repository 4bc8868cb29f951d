"""What decoders found goes to its room, whichever way it came: by HTTP, by gRPC or from Kafka."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from telemetry.decoders.labelled import Labelled

if TYPE_CHECKING:
    from collections.abc import Container

    from service.logs.intake import ReceivedLogs
    from service.logs.room import LogsRoom
    from service.metrics import Metrics
    from service.signals.intake import Received
    from service.signals.room import SignalsRoom
    from service.spans.intake import ReceivedSpans
    from service.spans.room import SpansRoom
    from telemetry.batches import Samples
    from telemetry.decoders.gathering import Decoded
    from telemetry.decoders.gathering_logs import DecodedLogs
    from telemetry.decoders.gathering_spans import DecodedSpans


@dataclass(frozen=True, slots=True)
class ReceivedBody:
    """A body of samples, and what became of them.

    Attributes
    ----------
    n_unknown
        Samples of items that the dependency graph does not hold.
    unknown_items
        Those items, the first twenty.
    """

    decoded: Decoded | Labelled
    received: Received
    n_unknown: int
    unknown_items: list[str]


def receive_samples(
    decoded: Decoded | Labelled,
    signals: SignalsRoom,
    items: Container[str],
    metrics: Metrics,
    *,
    sender: str,
) -> ReceivedBody:
    """Store the samples of a body: when this returns they are on disk, in the window and counted.

    Parameters
    ----------
    items
        The items that are known.
    sender
        Whose share of the series in memory they count to.

    Raises
    ------
    TooManySeriesError
        If memory has room for none of many new series; nothing of the body is stored.
    HistoryWriteError
        If the disk refuses it.
    """
    if isinstance(decoded, Labelled):
        received = signals.labelled.receive(decoded, sender=sender)
    else:
        received = signals.intake.receive(decoded.samples, sender=sender)
    n_unknown, unknown_items = _unknown_of(decoded.samples, items)
    metrics.count_batch(
        received,
        n_rejected=decoded.n_rejected,
        n_unknown=n_unknown,
        n_without_value=decoded.n_without_value if isinstance(decoded, Labelled) else 0,
    )
    return ReceivedBody(decoded, received, n_unknown, unknown_items)


def receive_lines(decoded: DecodedLogs, logs: LogsRoom, metrics: Metrics) -> ReceivedLogs:
    """Store the log lines of a body: when this returns they are on disk, in their minutes and counted.

    Raises
    ------
    HistoryWriteError
        If the disk refuses them.
    """
    received = logs.intake.receive(decoded.logs)
    metrics.count_lines(received, n_rejected=decoded.n_rejected, n_garbled=decoded.n_garbled)
    return received


def receive_spans(decoded: DecodedSpans, spans: SpansRoom, metrics: Metrics) -> ReceivedSpans:
    """Store the spans of a body: when this returns they are on disk, with their traces and counted.

    Raises
    ------
    HistoryWriteError
        If the disk refuses them.
    """
    received = spans.intake.receive(decoded.spans)
    metrics.count_spans(received, n_rejected=decoded.n_rejected)
    return received


def _unknown_of(samples: Samples, items: Container[str]) -> tuple[int, list[str]]:
    """Number of samples whose item is not among some, and the first twenty of those items."""
    unknown = {item for item in {key.item for key in samples.keys} if item not in items}
    if not unknown:
        return 0, []
    is_unknown = np.array([key.item in unknown for key in samples.keys], dtype=bool)
    return int(is_unknown[samples.series].sum()), sorted(unknown)[:20]
