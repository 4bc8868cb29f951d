"""Counts of log lines per window, service, severity and template."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from telemetry.logs import Logs

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]


class LogKind(NamedTuple):
    """A kind of log line: its service, severity and template."""

    service: str
    severity: str
    template: str


@dataclass(frozen=True)
class LogCounts:
    """Lines of each kind per window.

    Attributes
    ----------
    step_ms
        Length of a window.
    starts_ms
        Shape ``(n_windows,)``, rising: the start of each window. Windows without lines may be absent.
    kinds
        The kinds of line, one column each.
    counts
        Shape ``(n_windows, n_kinds)``: lines; no missing values.
    """

    step_ms: int
    starts_ms: Ints
    kinds: tuple[LogKind, ...]
    counts: Floats

    @property
    def services(self) -> tuple[str, ...]:
        """The services that have a kind of line, sorted."""
        return tuple(sorted({kind.service for kind in self.kinds}))

    def service_of_kind(self, services: Sequence[str]) -> Ints:
        """Index into ``services`` of each kind, shape ``(n_kinds,)``; −1 for a service that is not in it."""
        place = {service: index for index, service in enumerate(services)}
        return np.array([place.get(kind.service, -1) for kind in self.kinds], dtype=np.int64)

    def where(self, selected: NDArray[np.bool_]) -> Self:
        """The windows where ``selected``, shape ``(n_windows,)``, is true."""
        return type(self)(self.step_ms, self.starts_ms[selected], self.kinds, self.counts[selected])

    def between(self, start_ms: int, end_ms: int) -> Self:
        """The windows that start in ``[start_ms, end_ms)``."""
        return self.where((self.starts_ms >= start_ms) & (self.starts_ms < end_ms))

    def outside(self, start_ms: int, end_ms: int) -> Self:
        """The windows that do not overlap ``[start_ms, end_ms)``."""
        return self.where((self.starts_ms + self.step_ms <= start_ms) | (self.starts_ms >= end_ms))

    def coarser(self, step_ms: int) -> Self:
        """The same lines in longer windows, which start at multiples of ``step_ms`` since the epoch."""
        starts, row = np.unique(self.starts_ms // step_ms * step_ms, return_inverse=True)
        counts = np.zeros((len(starts), len(self.kinds)))
        np.add.at(counts, row.ravel(), self.counts)
        return type(self)(step_ms, starts.astype(np.int64), self.kinds, counts)

    def of_kinds(self, kinds: Sequence[LogKind]) -> Self:
        """The same windows with these columns; a kind without lines counts 0."""
        place = {kind: column for column, kind in enumerate(self.kinds)}
        columns = np.array([place.get(kind, -1) for kind in kinds], dtype=np.int64)
        padded = np.hstack([self.counts, np.zeros((len(self.counts), 1))])
        return type(self)(self.step_ms, self.starts_ms, tuple(kinds), padded[:, columns])


def count_lines(logs: Logs, template_ids: Sequence[str], *, step_ms: int) -> LogCounts:
    """Count the lines of a batch per window and kind.

    Parameters
    ----------
    template_ids
        The template id of each line, from the miner.
    step_ms
        Length of the windows; they start at multiples of it since the epoch.
    """
    kinds: dict[tuple[int, str], int] = {}
    columns = np.array(
        [kinds.setdefault(pair, len(kinds)) for pair in zip(logs.stream.tolist(), template_ids, strict=True)],
        dtype=np.int64,
    )
    named: dict[LogKind, int] = {}
    merged = np.array(
        [
            named.setdefault(
                LogKind(logs.streams[stream].service, logs.streams[stream].severity, template), len(named)
            )
            for stream, template in kinds
        ],
        dtype=np.int64,
    )
    starts = logs.time_ms // step_ms * step_ms
    windows, rows = np.unique(starts, return_inverse=True)
    counts = np.zeros((len(windows), len(named)))
    if len(columns):
        np.add.at(counts, (rows.ravel(), merged[columns]), 1.0)
    return LogCounts(step_ms, windows.astype(np.int64), tuple(named), counts)
