"""Batches of log lines as columns, with each stream of lines decoded once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

SEVERITIES = ("", "TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")
"""Severities from least to worst, as in OpenTelemetry's log data model; empty where unknown."""


class LogStream(NamedTuple):
    """Where lines come from.

    Attributes
    ----------
    service
        The id of the configuration item in the CMDB; empty where the sender gave none.
    severity
        One of `SEVERITIES`.
    logger
        The logger's or class's name; empty where there is none.
    """

    service: str
    severity: str
    logger: str


class LogRecord(NamedTuple):
    """One log line from any sender."""

    service: str
    severity: str
    logger: str
    time_ms: int
    body: str
    trace_id: str = ""
    template: str = ""


@dataclass(frozen=True, slots=True)
class Logs:
    """A batch of log lines as columns.

    Attributes
    ----------
    streams
        The distinct streams of the batch.
    stream
        Shape ``(n_lines,)``, int32: index into ``streams``.
    time_ms
        Shape ``(n_lines,)``, int64 milliseconds since the epoch, UTC.
    bodies, trace_ids, templates
        One string per line: its message; the trace it belongs to; and the template that a collector set.
        The last two are empty where there is none.
    """

    streams: tuple[LogStream, ...]
    stream: NDArray[np.int32]
    time_ms: NDArray[np.int64]
    bodies: tuple[str, ...]
    trace_ids: tuple[str, ...]
    templates: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.bodies)

    def where(self, selected: NDArray[np.bool_]) -> Logs:
        """Return the lines where ``selected``, shape ``(n_lines,)``, is true, with all ``streams``."""
        if selected.all():
            return self
        chosen = np.flatnonzero(selected).tolist()
        bodies, trace_ids, templates = (
            tuple(column[line] for line in chosen) for column in (self.bodies, self.trace_ids, self.templates)
        )
        return Logs(self.streams, self.stream[selected], self.time_ms[selected], bodies, trace_ids, templates)

    def records(self) -> Iterator[LogRecord]:
        """Yield the lines one by one."""
        for index, time_ms, body, trace_id, template in zip(
            self.stream.tolist(),
            self.time_ms.tolist(),
            self.bodies,
            self.trace_ids,
            self.templates,
            strict=True,
        ):
            service, severity, logger = self.streams[index]
            yield LogRecord(service, severity, logger, time_ms, body, trace_id, template)

    @classmethod
    def from_records(cls, records: Iterable[LogRecord]) -> Logs:
        """Build a batch from records.

        >>> Logs.from_records([LogRecord("order", "INFO", "", 0, "placed")]).streams
        (LogStream(service='order', severity='INFO', logger=''),)
        """
        position: dict[LogStream, int] = {}
        stream, time_ms, bodies, trace_ids, templates = [], [], [], [], []
        for each in records:
            stream.append(position.setdefault(LogStream(*each[:3]), len(position)))
            time_ms.append(each.time_ms)
            bodies.append(each.body)
            trace_ids.append(each.trace_id)
            templates.append(each.template)
        return cls(
            tuple(position),
            np.array(stream, dtype=np.int32),
            np.array(time_ms, dtype=np.int64),
            tuple(bodies),
            tuple(trace_ids),
            tuple(templates),
        )
