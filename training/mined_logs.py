"""Log lines of a history, mined once: sums per window, traces, and the miner's state."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from features.logs.join import joined
from features.logs.open_traces import SILENT_MS, OpenTraces
from features.logs.sums import sum_logs
from features.logs.templates import TemplateMiner
from features.logs.traces import joined_traces, session_events, vectors_of
from training.errors import BadHistoryError, NoHistoryError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from features.logs.sums import LogSums
    from features.logs.traces import TraceVectors
    from telemetry.logs import Logs

MAX_COUNTS = 2**27
MAX_SESSIONS = 200_000


@dataclass(frozen=True)
class MinedLogs:
    """The result of mining some log lines.

    Attributes
    ----------
    sums
        Lines and waits per window; these windows are the training's.
    traces
        What each service logged in each trace.
    sessions, session_end_ms
        The events of each trace, for at most the first 200,000; the time of its last line, shape
        ``(n_sessions,)``.
    miner
        The template miner, in its state after the last line.
    n_lines
        Lines read.
    digest
        Digest of all lines, in the order read.
    seconds
        Processor time of mining and summing.
    """

    sums: LogSums
    traces: TraceVectors
    sessions: tuple[tuple[str, ...], ...]
    session_end_ms: NDArray[np.int64]
    miner: TemplateMiner
    n_lines: int
    digest: str
    seconds: float

    def sessions_between(self, start_ms: int, end_ms: int) -> list[tuple[str, ...]]:
        """The sessions that end in ``[start_ms, end_ms)``."""
        inside = (self.session_end_ms >= start_ms) & (self.session_end_ms < end_ms)
        return [self.sessions[index] for index in np.flatnonzero(inside).tolist()]


def mine_logs(
    batches: Iterable[Logs],
    *,
    step_ms: int,
    source: str,
    miner: TemplateMiner | None = None,
    max_counts: int = MAX_COUNTS,
) -> MinedLogs:
    """Mine and sum batches of log lines, each in order of time.

    Parameters
    ----------
    source
        Where they come from, for error messages.
    miner
        An earlier miner, which continues learning; a new one by default.
    max_counts
        Limit on the numbers in the sums, zeros included; the default allows 1 GiB.

    Raises
    ------
    NoHistoryError
        If there is no line.
    BadHistoryError
        If there are too many windows and kinds of line for memory.
    """
    miner = TemplateMiner() if miner is None else miner
    digest = hashlib.sha256()
    sums, traces, ends = [], [], [np.zeros(0, dtype=np.int64)]
    open_traces = OpenTraces()
    sessions: list[tuple[str, ...]] = []
    n_lines, seconds = 0, 0.0
    for logs in batches:
        if not len(logs):
            continue
        n_lines += len(logs)
        _add_to_digest(digest, logs)
        started = time.process_time()
        ids = miner.mine(logs)
        sums.append(sum_logs(logs, ids, step_ms=step_ms))
        seconds += time.process_time() - started
        open_traces.add(logs, ids)
        traces.append(vectors_of(open_traces.ended_before(int(logs.time_ms.max()) - SILENT_MS)))
        if len(sessions) < MAX_SESSIONS:
            events, end_ms = session_events(logs, ids)
            room = MAX_SESSIONS - len(sessions)
            sessions += events[:room]
            ends.append(end_ms[:room])
    if not sums:
        raise NoHistoryError(source)
    traces.append(vectors_of(open_traces.unended()))
    n_windows = len(np.unique(np.concatenate([each.counts.starts_ms for each in sums])))
    n_kinds = len({kind for each in sums for kind in each.counts.kinds})
    if n_windows * n_kinds > max_counts:
        size = f"{n_windows} windows of {n_kinds} kinds of line"
        raise BadHistoryError(source, f"its {size} do not fit in memory: train with a longer step")
    return MinedLogs(
        joined(sums),
        joined_traces(traces),
        tuple(sessions),
        np.concatenate(ends),
        miner,
        n_lines,
        f"sha256:{digest.hexdigest()}",
        seconds,
    )


def _add_to_digest(digest: hashlib._Hash, logs: Logs) -> None:
    for column in (logs.streams, logs.bodies, logs.trace_ids, logs.templates):
        digest.update(repr(column).encode("utf-8", "surrogatepass"))
    digest.update(np.ascontiguousarray(logs.stream).tobytes())
    digest.update(np.ascontiguousarray(logs.time_ms).tobytes())
