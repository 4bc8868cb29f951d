"""Waits between the lines of one trace, which show a slow service or a slow link in logs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple, Self

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from telemetry.logs import Logs

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

MAX_GAP_MS: Final = 30_000
"""Lines further apart than this belong to separate activities of one trace."""


class GapKind(NamedTuple):
    """From a line of one template and service to the next line of the trace."""

    service: str
    template: str
    next_service: str
    next_template: str


@dataclass(frozen=True)
class LogGaps:
    """Sums of the waits of each kind per window.

    Attributes
    ----------
    step_ms
        Length of a window.
    kinds
        The kinds of wait.
    kind, start_ms
        Shape ``(n_cells,)``: index into ``kinds``, and the start of the cell's window.
    n
        Shape ``(n_cells,)``: number of waits, at least 1.
    total, squares
        Shape ``(n_cells,)``: sum of ln(1 + milliseconds), and of its squares.
    """

    step_ms: int
    kinds: tuple[GapKind, ...]
    kind: Ints
    start_ms: Ints
    n: Floats
    total: Floats
    squares: Floats

    def where(self, selected: NDArray[np.bool_]) -> Self:
        """The cells where ``selected``, shape ``(n_cells,)``, is true, with all kinds."""
        return type(self)(
            self.step_ms,
            self.kinds,
            self.kind[selected],
            self.start_ms[selected],
            self.n[selected],
            self.total[selected],
            self.squares[selected],
        )

    def between(self, start_ms: int, end_ms: int) -> Self:
        """The cells of windows that start in ``[start_ms, end_ms)``."""
        return self.where((self.start_ms >= start_ms) & (self.start_ms < end_ms))

    def outside(self, start_ms: int, end_ms: int) -> Self:
        """The cells of windows that do not overlap ``[start_ms, end_ms)``."""
        return self.where((self.start_ms + self.step_ms <= start_ms) | (self.start_ms >= end_ms))

    def coarser(self, step_ms: int) -> Self:
        """The same waits in longer windows, which start at multiples of ``step_ms`` since the epoch."""
        starts, bucket = np.unique(self.start_ms // step_ms * step_ms, return_inverse=True)
        n_starts = max(len(starts), 1)
        cells, cell = np.unique(self.kind * n_starts + bucket.ravel(), return_inverse=True)
        n, total, squares = (
            np.bincount(cell.ravel(), weights=each, minlength=len(cells)).astype(np.float64)
            for each in (self.n, self.total, self.squares)
        )
        start_ms = starts[cells % n_starts].astype(np.int64) if len(starts) else starts.astype(np.int64)
        return type(self)(step_ms, self.kinds, cells // n_starts, start_ms, n, total, squares)


def measure_gaps(logs: Logs, template_ids: Sequence[str], *, step_ms: int) -> LogGaps:
    """Measure the waits between consecutive lines of each trace; lines without a trace are left out.

    A wait counts in the window in which it ends. Lines of one instant stay in the order of the batch.
    """
    codes: dict[str, int] = {"": 0}
    trace = np.array([codes.setdefault(each, len(codes)) for each in logs.trace_ids], dtype=np.int64)
    names: dict[tuple[str, str], int] = {}
    services = [stream.service for stream in logs.streams]
    event = np.array(
        [
            names.setdefault((services[stream], template), len(names))
            for stream, template in zip(logs.stream.tolist(), template_ids, strict=True)
        ],
        dtype=np.int64,
    )
    order = np.lexsort((logs.time_ms, trace))
    first, second = order[:-1], order[1:]
    wait_ms = logs.time_ms[second] - logs.time_ms[first]
    follows = (trace[first] == trace[second]) & (trace[first] > 0) & (wait_ms <= MAX_GAP_MS)
    first, second, wait_ms = first[follows], second[follows], wait_ms[follows]
    pairs, kind = np.unique(event[first] * max(len(names), 1) + event[second], return_inverse=True)
    value = np.log1p(wait_ms.astype(np.float64))
    listed = list(names)
    single = LogGaps(
        1,
        tuple(GapKind(*listed[pair // len(names)], *listed[pair % len(names)]) for pair in pairs.tolist()),
        kind.ravel().astype(np.int64),
        logs.time_ms[second],
        np.ones(len(value)),
        value,
        value**2,
    )
    return single.coarser(step_ms)
