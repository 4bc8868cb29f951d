"""The log features that are compared with a service's own past, as one row per window and service."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from features.logs.damping import novelty_weight
from features.logs.traces import unseen_traces
from features.logs.waits import wait_changes
from features.logs.windows import log_features

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from numpy.typing import NDArray

    from features.logs.gaps import LogGaps
    from features.logs.sums import LogSums
    from features.logs.traces import TraceSignature, TraceVectors
    from features.logs.waits import WaitReference
    from features.logs.windows import LogReference

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

ROW_FEATURES: Final = (
    "log_new",
    "log_rare",
    "log_missing",
    "log_excess",
    "log_distance",
    "log_waits",
    "log_unseen",
)
"""Features in the order of a row. Rate, shares and shift are series, which the metric detectors score."""

NOVEL: Final = ("log_new", "log_unseen")
"""Features that a change of the service explains for a while."""


@dataclass(frozen=True)
class LogPast:
    """The past that windows are compared with.

    Attributes
    ----------
    reference
        The usual mix of lines.
    waits
        The usual waits between lines of one trace.
    signatures
        The signatures that services had in earlier traces.
    """

    reference: LogReference
    waits: WaitReference
    signatures: Collection[TraceSignature] = field(default_factory=frozenset)


@dataclass(frozen=True)
class LogRows:
    """Log features of windows and services.

    Attributes
    ----------
    services
        Sorted.
    starts_ms
        Shape ``(n_windows,)``, rising.
    values
        Shape ``(n_windows, n_services, n_features)``, features as in `ROW_FEATURES`; ``nan`` where the
        service logged nothing, or its past is too short.
    """

    services: tuple[str, ...]
    starts_ms: Ints
    values: Floats


def log_rows(
    sums: LogSums,
    past: LogPast,
    *,
    traces: TraceVectors | None = None,
    changes_ms: Mapping[str, Sequence[int]] | None = None,
) -> LogRows:
    """Rows of some windows.

    Parameters
    ----------
    sums
        The windows' lines.
    past
        What the windows are compared with.
    traces
        The signatures in traces that cover at least these windows; without them nothing is unseen.
    changes_ms
        By service, the instants of its change events; novelty soon after one counts less.
    """
    services, features = log_features(sums.counts, past.reference)
    starts, step_ms = sums.counts.starts_ms, sums.counts.step_ms
    is_compared = np.isfinite(features["log_missing"])
    features["log_waits"] = np.where(
        is_compared, _largest_wait(sums.gaps, past.waits, starts, services), np.nan
    )
    unseen = np.zeros(is_compared.shape)
    if traces is not None:
        unseen = unseen_traces(traces, past.signatures, starts, services, step_ms=step_ms)
    features["log_unseen"] = np.where(is_compared, unseen, np.nan)
    for column, service in enumerate(services):
        weight = novelty_weight(starts + step_ms, (changes_ms or {}).get(service, ()))
        for name in NOVEL:
            features[name][:, column] *= weight
    return LogRows(services, starts, np.stack([features[name] for name in ROW_FEATURES], axis=2))


def _largest_wait(gaps: LogGaps, usual: WaitReference, starts: Ints, services: Sequence[str]) -> Floats:
    """The largest rise of a wait that begins at each service, at least 0: ``(n_windows, n_services)``."""
    place = {service: index for index, service in enumerate(services)}
    owner = np.array([place.get(kind.service, -1) for kind in gaps.kinds], dtype=np.int64)
    largest = np.zeros((len(starts), len(services)))
    change = wait_changes(gaps, usual)
    for cell in np.flatnonzero(change > 0):
        window = int(np.searchsorted(starts, gaps.start_ms[cell]))
        column = owner[gaps.kind[cell]]
        if column >= 0 and window < len(starts) and starts[window] == gaps.start_ms[cell]:
            largest[window, column] = max(largest[window, column], change[cell])
    return largest
