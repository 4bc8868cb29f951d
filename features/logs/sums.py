"""Everything that a case stores of log lines: sums, and a few lines to show."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Self

import numpy as np

from features.logs.counts import LogCounts, LogKind, count_lines
from features.logs.gaps import LogGaps, measure_gaps

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from numpy.typing import NDArray

    from telemetry.logs import Logs

MAX_EXAMPLES: Final = 3

MAX_SHOWN: Final = 500
"""Characters of an example line."""


@dataclass(frozen=True)
class LogSums:
    """Sums of the log lines of some period, with a few lines as examples.

    Attributes
    ----------
    counts, gaps
        Lines per kind and window; waits between the lines of one trace.
    examples
        At most three lines per kind, as they were summed up: what is received is masked before.
    traces
        At most three trace ids per kind.
    texts
        The text of a kind's template, where known, with ``<*>`` where its lines differ.
    """

    counts: LogCounts
    gaps: LogGaps
    examples: Mapping[LogKind, tuple[str, ...]] = field(default_factory=dict)
    traces: Mapping[LogKind, tuple[str, ...]] = field(default_factory=dict)
    texts: Mapping[LogKind, str] = field(default_factory=dict)

    def between(self, start_ms: int, end_ms: int) -> Self:
        """The windows that start in ``[start_ms, end_ms)``."""
        return replace(
            self, counts=self.counts.between(start_ms, end_ms), gaps=self.gaps.between(start_ms, end_ms)
        )

    def outside(self, start_ms: int, end_ms: int) -> Self:
        """The windows that do not overlap ``[start_ms, end_ms)``."""
        return replace(
            self, counts=self.counts.outside(start_ms, end_ms), gaps=self.gaps.outside(start_ms, end_ms)
        )

    def at(self, starts_ms: Collection[int]) -> Self:
        """The windows that start at one of the given instants."""
        wanted = np.array(sorted(starts_ms), dtype=np.int64)
        return replace(
            self,
            counts=self.counts.where(np.isin(self.counts.starts_ms, wanted)),
            gaps=self.gaps.where(np.isin(self.gaps.start_ms, wanted)),
        )

    def of_services(self, services: Collection[str]) -> Self:
        """The sums of some services."""
        kinds = [kind for kind in self.counts.kinds if kind.service in services]
        is_between_them: NDArray[np.bool_] = np.array(
            [kind.service in services and kind.next_service in services for kind in self.gaps.kinds],
            dtype=bool,
        )
        return replace(
            self,
            counts=self.counts.of_kinds(kinds),
            gaps=self.gaps.where(is_between_them[self.gaps.kind]),
            examples={kind: lines for kind, lines in self.examples.items() if kind.service in services},
            traces={kind: ids for kind, ids in self.traces.items() if kind.service in services},
            texts={kind: text for kind, text in self.texts.items() if kind.service in services},
        )


def sum_logs(
    logs: Logs, template_ids: Sequence[str], *, step_ms: int, n_examples: int = MAX_EXAMPLES
) -> LogSums:
    """Sum up a batch of lines, with the first lines of every kind as examples.

    Parameters
    ----------
    template_ids
        The template id of each line, from the miner.
    step_ms
        Length of the windows; they start at multiples of it since the epoch.
    n_examples
        Example lines and trace ids of every kind; 0 for the sums alone.
    """
    examples: dict[LogKind, tuple[str, ...]] = {}
    traces: dict[LogKind, tuple[str, ...]] = {}
    seen: dict[tuple[int, str], int] = {}
    keys = zip(logs.stream.tolist(), template_ids, strict=True) if n_examples else ()
    for line, key in enumerate(keys):
        n_seen = seen.get(key, 0)
        if n_seen < n_examples:
            seen[key] = n_seen + 1
            stream = logs.streams[key[0]]
            kind = LogKind(stream.service, stream.severity, key[1])
            shown = examples.get(kind, ())
            examples[kind] = (*shown, logs.bodies[line][:MAX_SHOWN])[:n_examples]
            if logs.trace_ids[line]:
                traces[kind] = (*traces.get(kind, ()), logs.trace_ids[line])[:n_examples]
    return LogSums(
        count_lines(logs, template_ids, step_ms=step_ms),
        measure_gaps(logs, template_ids, step_ms=step_ms),
        examples,
        traces,
    )
