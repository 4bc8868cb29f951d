"""Traces put together from the batches that their lines come in, as training and the service both need them.

Each sender ships its own lines, so that a trace comes in pieces, and only the whole tells what was said.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from zlib import crc32

from features.logs.traces import TraceLine

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from telemetry.logs import Logs

MAX_LINES: Final = 200_000
"""So many lines are held; when more come, every second trace of those followed is left out from then on."""

MOST_LEFT_OUT: Final = 2**20
"""Where even one trace in so many is too many, all that is held is forgotten."""

MAX_LINES_OF_TRACE: Final = 1_000
"""A trace that is longer is a job, not a request: it is not looked at."""

BEGINNING_MS: Final = 60_000
"""A trace that is first heard of so soon after the memory began may lack lines."""

SILENT_MS: Final = 180_000
"""A trace that has had no line for so long is over."""


class OpenTraces:
    """Lines of the traces that had one lately.

    Whole traces are left out where lines are too many, by their ids, so that none is ever cut.
    """

    def __init__(self, *, max_lines: int = MAX_LINES) -> None:
        self._max_lines = max_lines
        self._lines: dict[str, list[TraceLine]] = {}
        self._n_lines = 0
        self._one_in = 1
        self._begun_ms: int | None = None

    def health_problems(self) -> list[str]:
        """Say what is not looked at."""
        if self._one_in == 1:
            return []
        return [f"log lines: one trace in {self._one_in} is followed, for there are too many lines"]

    def add(self, logs: Logs, template_ids: Sequence[str]) -> None:
        """Take the lines of a batch that belong to a trace."""
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
            is_tried = self._one_in <= MOST_LEFT_OUT  # ids may be made to be followed
            self._keep({trace for trace in self._lines if is_tried and self._follows(trace)})

    def held(self) -> list[tuple[TraceLine, ...]]:
        """The whole traces that are not over."""
        return self._whole(self._lines.values())

    def ended_before(self, at_ms: int) -> list[tuple[TraceLine, ...]]:
        """The whole traces whose last line is older than an instant; they are forgotten."""
        lasting = {trace for trace, lines in self._lines.items() if max(map(_time, lines)) >= at_ms}
        ended = self._whole(lines for trace, lines in self._lines.items() if trace not in lasting)
        self._keep(lasting)
        return ended

    def _whole(self, traces: Iterable[list[TraceLine]]) -> list[tuple[TraceLine, ...]]:
        whole_ms = (self._begun_ms or 0) + BEGINNING_MS
        return [
            tuple(lines)
            for lines in traces
            if len(lines) < MAX_LINES_OF_TRACE and min(map(_time, lines)) >= whole_ms
        ]

    def _follows(self, trace: str) -> bool:
        return crc32(trace.encode("utf-8", "surrogatepass")) % self._one_in == 0

    def _keep(self, traces: set[str]) -> None:
        self._lines = {trace: lines for trace, lines in self._lines.items() if trace in traces}
        self._n_lines = sum(map(len, self._lines.values()))


def _time(line: TraceLine) -> int:
    return line.time_ms
