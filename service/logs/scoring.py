"""How unusual each service's lines were in the minute that closed last, by the log champion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from features.logs.join import joined
from telemetry.instants import to_ms

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from cmdb.items import ChangeEvent
    from features.logs.sums import LogSums
    from features.logs.traces import TraceVectors
    from models.artifacts.log_bundle import LogBundle

SCORED_MINUTES = 3
"""Minutes that one score looks at: two of them must be unusual."""


@dataclass(frozen=True)
class LogScores:
    """The scores of one minute.

    Attributes
    ----------
    minute_ms
        Its start.
    bundle_version, threshold
        Of the bundle that scored; a service over the threshold is anomalous.
    by_service
        The second largest −ln p of the last three minutes; a service that was not scored in two of
        them, because it logged too little or is not known, is absent.
    """

    minute_ms: int
    bundle_version: str
    threshold: float
    by_service: Mapping[str, float]


def latest_scores(
    bundle: LogBundle,
    minutes: Sequence[LogSums],
    changes: Iterable[ChangeEvent] = (),
    *,
    traces: TraceVectors | None = None,
) -> LogScores:
    """Score the last of some minutes, which come in order of time; at least one.

    Parameters
    ----------
    changes
        Those of the hours before: what is new soon after one of its service means little.
    traces
        What services logged in the traces that ended in these minutes.
    """
    changes_ms: dict[str, list[int]] = {}
    for change in changes:
        changes_ms.setdefault(change.item, []).append(to_ms(change.at))
    services, scores = bundle.scores(joined(minutes), traces=traces, changes_ms=changes_ms)
    latest = {
        service: float(score)
        for service, score in zip(services, scores[-1].tolist(), strict=True)
        if np.isfinite(score)
    }
    minute_ms = int(minutes[-1].counts.starts_ms[-1])
    return LogScores(minute_ms, bundle.version, bundle.threshold, latest)
