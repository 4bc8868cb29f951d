"""Alerts of a plain rule on log lines: an item writes error lines for several minutes."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from experiments.brokerage.alerts import FOR_MINUTES, AlertEvent
from experiments.brokerage.estate import COMPONENTS
from telemetry.instants import from_ms

if TYPE_CHECKING:
    from collections.abc import Sequence

    from experiments.brokerage.logs import LogLine

LOUD = 10
"""More ERROR lines per minute than this are too many."""

MINUTE_MS = 60_000


def error_line_alerts(lines: Sequence[LogLine]) -> list[AlertEvent]:
    """An alert for each item with too many error lines in three consecutive minutes, by time."""
    counts = Counter((line.item, line.time_ms // MINUTE_MS) for line in lines if line.level == "ERROR")
    loud = {key for key, n_lines in counts.items() if n_lines >= LOUD}
    fired: dict[str, AlertEvent] = {}
    for item, minute in sorted(loud, key=lambda key: (key[1], key[0])):
        lasted = all((item, minute - back) in loud for back in range(int(FOR_MINUTES)))
        if lasted and item not in fired:
            n_lines = counts[item, minute]
            fired[item] = AlertEvent(
                name="ErrorLines",
                item=item,
                severity="warning",
                team=COMPONENTS[item].team,
                starts_at=from_ms((minute + 1) * MINUTE_MS),
                ends_at=None,
                value=float(n_lines),
                threshold=float(LOUD),
                summary=f"{item} writes {n_lines} error lines a minute, over {LOUD}",
            )
    return list(fired.values())
