"""Assembles traces from the batches that their lines arrive in, for training and the service alike.

Each sender ships its own lines, so a trace arrives in pieces. Only the complete trace has a signature.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from zlib import crc32

from features.logs.traces import TraceLine

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from telemetry.logs import Logs

MAX_LINES: Final = 200_000
"""Lines in memory; when there are more, every second trace is no longer followed from then on."""

MOST_LEFT_OUT: Final = 2**20
"""If even one trace in so many is too much, all lines in memory are discarded."""

MAX_LINES_OF_TRACE: Final = 1_000
"""A longer trace is a job, not a request, and is ignored."""

BEGINNING_MS: Final = 60_000
"""A trace that starts so soon after the first line received may lack earlier lines."""

SILENT_MS: Final = 180_000
"""A trace without a line for so long has ended."""


class OpenTraces:
    """Lines of the traces that are still open.

    When there are too many lines, complete traces are left out by their ids, so that no trace is cut.
    """

    def __init__(self, *, max_lines: int = MAX_LINES) -> None:
        self._max_lines = max_lines
        self._lines: dict[str, list[TraceLine]] = {}
        self._n_lines = 0
        self._one_in = 1
        self._begun_ms: int | None = None

    def health_problems(self) -> list[str]:
        """Report that only some traces are followed; empty if all are."""
        if self._one_in == 1:
            return []
        return [f"log lines: one trace in {self._one_in} is followed, because there are too many lines"]

    def add(self, logs: Logs, template_ids: Sequence[str]) -> None:
        """Add the lines of a batch that belong to a trace."""
        service, time_ms = [each.service for each in logs.streams], logs.time_ms.tolist()
        if self._begun_ms is None and time_ms:
            self._begun_ms = min(time_ms)
        for line, (trace, stream) in enumerate(zip(logs.trace_ids, logs.stream.tolist(), strict=True)):
            if trace and self._follows(trace):
                lines = self._lines.setdefault(trace, [])
                if len(lines) < MAX_LINES_OF_TRACE:
                    lines.append(TraceLine(service[stream], template_ids[line], time_ms[line]))
                    self._n_lines += 1
        while self._n_lines > self._max_lines:
            self._one_in *= 2
            is_tried = self._one_in <= MOST_LEFT_OUT  # a sender may choose ids that are always followed
            self._retain({trace for trace in self._lines if is_tried and self._follows(trace)})

    def unended(self) -> list[tuple[TraceLine, ...]]:
        """The traces that have not ended and are certainly complete so far."""
        return self._complete(self._lines.values())

    def ended_before(self, at_ms: int) -> list[tuple[TraceLine, ...]]:
        """Remove the traces whose last line is before an instant; return those certainly complete."""
        open_traces = {trace for trace, lines in self._lines.items() if max(map(_time, lines)) >= at_ms}
        ended = self._complete(lines for trace, lines in self._lines.items() if trace not in open_traces)
        self._retain(open_traces)
        return ended

    def _complete(self, traces: Iterable[list[TraceLine]]) -> list[tuple[TraceLine, ...]]:
        complete_from_ms = (self._begun_ms or 0) + BEGINNING_MS
        return [
            tuple(lines)
            for lines in traces
            if len(lines) < MAX_LINES_OF_TRACE and min(map(_time, lines)) >= complete_from_ms
        ]

    def _follows(self, trace: str) -> bool:
        return crc32(trace.encode("utf-8", "surrogatepass")) % self._one_in == 0

    def _retain(self, traces: set[str]) -> None:
        self._lines = {trace: lines for trace, lines in self._lines.items() if trace in traces}
        self._n_lines = sum(map(len, self._lines.values()))


def _time(line: TraceLine) -> int:
    return line.time_ms
