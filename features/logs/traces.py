"""Signatures of traces: which templates each service logs within a trace, and whether that is new."""

from __future__ import annotations

import hashlib
import sys
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from telemetry.logs import Logs


MAX_SIGNATURES: Final = 2_000
"""A service with more distinct signatures than this has new ones all the time."""


class TraceSignature(NamedTuple):
    """What a service logs within a trace: a digest of its templates and their rounded counts."""

    service: str
    vector: str


class TraceLine(NamedTuple):
    """One line of a trace."""

    service: str
    template_id: str
    time_ms: int


@dataclass(frozen=True)
class TraceVectors:
    """The signature of each service in each trace that reached it.

    Attributes
    ----------
    kinds
        The distinct signatures.
    kind, end_ms
        Shape ``(n,)``, one per service and trace: index into ``kinds``, and the time of the service's last
        line in the trace.
    """

    kinds: tuple[TraceSignature, ...]
    kind: NDArray[np.int64]
    end_ms: NDArray[np.int64]

    def between(self, start_ms: int, end_ms: int) -> TraceVectors:
        """The signatures that end in ``[start_ms, end_ms)``, with only the kinds among them."""
        inside = (self.end_ms >= start_ms) & (self.end_ms < end_ms)
        present, kind = np.unique(self.kind[inside], return_inverse=True)
        kinds = tuple(self.kinds[index] for index in present.tolist())
        return TraceVectors(kinds, kind.ravel().astype(np.int64), self.end_ms[inside])


def trace_vectors(logs: Logs, template_ids: Sequence[str]) -> TraceVectors:
    """The signature of each service in each trace of a batch; lines without a trace are left out.

    The batch should have complete traces: one that it cuts off counts as it is.
    """
    service, time_ms = [logs.streams[each].service for each in logs.stream.tolist()], logs.time_ms.tolist()
    return vectors_of(
        [TraceLine(service[line], template_ids[line], time_ms[line]) for line in lines]
        for lines in lines_of_traces(logs)
    )


def vectors_of(traces: Iterable[Iterable[TraceLine]]) -> TraceVectors:
    """The signature of each service in each trace; the lines of a trace may be in any order.

    Counts are rounded to powers of two: whether a loop ran seven or eight times is not news.
    """
    kinds: dict[TraceSignature, int] = {}
    kind, ends = [], []
    for lines in traces:
        by_service: dict[str, list[TraceLine]] = {}
        for line in lines:
            by_service.setdefault(line.service, []).append(line)
        for service, own in by_service.items():
            signature = TraceSignature(service, _digest([line.template_id for line in own]))
            kind.append(kinds.setdefault(signature, len(kinds)))
            ends.append(max(line.time_ms for line in own))
    return TraceVectors(tuple(kinds), np.array(kind, dtype=np.int64), np.array(ends, dtype=np.int64))


def joined_traces(parts: Sequence[TraceVectors]) -> TraceVectors:
    """Join the signatures of several batches."""
    kinds: dict[TraceSignature, int] = {}
    moved = [
        np.array([kinds.setdefault(each, len(kinds)) for each in part.kinds], dtype=np.int64)[part.kind]
        for part in parts
    ]
    none = np.zeros(0, dtype=np.int64)
    ends = [part.end_ms for part in parts]
    return TraceVectors(tuple(kinds), np.concatenate([none, *moved]), np.concatenate([none, *ends]))


def unseen_traces(
    traces: TraceVectors,
    known: Collection[TraceSignature],
    starts_ms: NDArray[np.int64],
    services: Sequence[str],
    *,
    step_ms: int,
) -> NDArray[np.float64]:
    """Count the traces in which a service has a new signature.

    Parameters
    ----------
    known
        The signatures of earlier traces.
    starts_ms
        Shape ``(n_windows,)``, rising: the windows to count in.
    services
        The services to count; one without a known signature counts 0, since all of its would be new.

    Returns
    -------
    Shape ``(n_windows, n_services)``.
    """
    has_past = {each.service for each in known}
    place = {service: index for index, service in enumerate(services)}
    owner = np.array(
        [
            place.get(each.service, -1) if each.service in has_past and each not in known else -1
            for each in traces.kinds
        ],
        dtype=np.int64,
    )
    counts = np.zeros((len(starts_ms), len(services)))
    if len(starts_ms) and len(traces.kind):
        window = np.searchsorted(starts_ms, traces.end_ms, side="right") - 1
        column = owner[traces.kind]
        inside = (window >= 0) & (column >= 0) & (traces.end_ms < starts_ms[window] + step_ms)
        np.add.at(counts, (window[inside], column[inside]), 1.0)
    return counts


def usual_signatures(traces: TraceVectors) -> frozenset[TraceSignature]:
    """The signatures seen, without services whose signatures hardly ever repeat: theirs are never news.

    >>> none = np.zeros(0, dtype=np.int64)
    >>> usual_signatures(TraceVectors((TraceSignature("order", "1f"),), none, none))
    frozenset({TraceSignature(service='order', vector='1f')})
    """
    n_kinds = Counter(each.service for each in traces.kinds)
    return frozenset(each for each in traces.kinds if n_kinds[each.service] <= MAX_SIGNATURES)


def session_events(
    logs: Logs, template_ids: Sequence[str]
) -> tuple[list[tuple[str, ...]], NDArray[np.int64]]:
    """The lines of every trace as events named by service and template, and when each trace ended."""
    sessions, ends = [], []
    for lines in lines_of_traces(logs):
        names = (f"{logs.streams[logs.stream[line]].service}/{template_ids[line]}" for line in lines)
        sessions.append(tuple(sys.intern(name) for name in names))
        ends.append(int(logs.time_ms[lines[-1]]))
    return sessions, np.array(ends, dtype=np.int64)


def lines_of_traces(logs: Logs) -> Iterator[list[int]]:
    """The lines of each trace in order of time, as indices into the batch."""
    traces: dict[str, list[int]] = {}
    for line in np.argsort(logs.time_ms, kind="stable").tolist():
        if logs.trace_ids[line]:
            traces.setdefault(logs.trace_ids[line], []).append(line)
    yield from traces.values()


def _digest(templates: list[str]) -> str:
    rounded = sorted((template, round(np.log2(n))) for template, n in Counter(templates).items())
    return hashlib.blake2b(repr(rounded).encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
