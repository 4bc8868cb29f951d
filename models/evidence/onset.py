"""Onset order: whose anomaly began first. A tie-breaker, of one nat at most.

Ticks are coarse and rules are late, so that order alone names nobody; between two items that are equally
suspect, the one that was worse first is the likelier cause.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from features.golden import Role
from models.evidence.columns import column_median
from models.evidence.finding import Finding

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.case import Case

ROLES = (Role.LATENCY, Role.ERRORS)

FAR_OFF = 5.0
"""An anomaly has begun at the first of two ticks in a row that are so many spreads above the usual."""

SCALE_FLOOR = 0.05
"""Least spread, as a share of the usual level."""

ABSOLUTE_FLOOR = 1e-3
"""Least spread: a millisecond, or one request in a thousand."""

MAX_SURPRISE = 1.0

NORMAL_CONSISTENCY = 1.4826

MINUTE_MS = 60_000


def onset(case: Case) -> Finding | None:
    """Compare when the items' anomalies began; ``None`` unless two began at different ticks."""
    times = np.concatenate([case.before.times_ms, case.window.times_ms])
    began = np.full(len(case.items), len(times), dtype=np.int64)
    for role in ROLES:
        if role in case.window.values and role in case.normal.values:
            began = np.minimum(began, _began(case, role))
    anomalous = began < len(times)
    if len(np.unique(began[anomalous])) < 2:  # noqa: PLR2004  an order has two
        return None
    n_anomalous = int(anomalous.sum())
    as_early = np.searchsorted(np.sort(began[anomalous]), began, side="right")
    surprise = np.full(len(began), np.nan)
    surprise[anomalous] = np.minimum(-np.log(as_early[anomalous] / n_anomalous), MAX_SURPRISE)

    def sentence(index: int) -> tuple[str, dict[str, float]]:
        at_ms, n_earlier = int(times[began[index]]), int((began < began[index]).sum())
        minutes = (case.alert.starts_at.timestamp() * 1000 - at_ms) / MINUTE_MS
        when = f"{abs(minutes):.0f} minutes {'before' if minutes >= 0 else 'after'} the alert"
        text = (
            f"{case.items[index]} became worse than usual {when}, earlier than "
            f"{n_anomalous - int(as_early[index])} of the {n_anomalous} items that did."
        )
        return text, {"minutes_before": minutes, "n_earlier": n_earlier, "n_anomalous": n_anomalous}

    return Finding("onset", "onset", surprise, np.ones(len(began)), sentence)


def _began(case: Case, role: Role) -> NDArray[np.int64]:
    """First tick of each item's anomaly, shape ``(n_items,)``; the number of ticks where there is none."""
    n_items = len(case.items)
    values = np.concatenate([case.before.of(role, n_items), case.window.of(role, n_items)])
    normal = case.normal.values[role]
    usual = column_median(normal)
    spread = NORMAL_CONSISTENCY * column_median(np.abs(normal - usual))
    scale = np.maximum(np.hypot(spread, SCALE_FLOOR * np.abs(usual)), ABSOLUTE_FLOOR)
    far_off = values > usual + FAR_OFF * scale
    lasting = far_off[:-1] & far_off[1:]
    first: NDArray[np.int64] = (
        np.argmax(lasting, axis=0) if len(lasting) else np.zeros(n_items, dtype=np.int64)
    )
    return np.where(lasting.any(axis=0), first, len(values))
