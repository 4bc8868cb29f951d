"""Onset order: whose anomaly began first. A tie-breaker, of one nat at most.

Ticks are coarse and rules are late, so that order alone names nobody; between two items that are equally
suspect, the one that became worse first is the likelier cause.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models.evidence.far_off import FAR_OFF, least_spread, spread_about
from models.evidence.finding import Finding
from telemetry.instants import to_ms

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from models.cases.case import Case
    from models.evidence.own_excess import OwnExcess

MAX_SURPRISE = 1.0

MINUTE_MS = 60_000


def onset(case: Case, excesses: Sequence[OwnExcess]) -> Finding | None:
    """Compare when the items' anomalies began; ``None`` unless two began at different ticks.

    Parameters
    ----------
    excesses
        By role, for what is usual.
    """
    times = np.concatenate([case.before.times_ms, case.window.times_ms])
    began = np.full(len(case.items), len(times), dtype=np.int64)
    for excess in excesses:
        began = np.minimum(began, _began(case, excess))
    anomalous = began < len(times)
    if len(np.unique(began[anomalous])) < 2:  # noqa: PLR2004  an order has two
        return None
    n_anomalous = int(anomalous.sum())
    as_early = np.searchsorted(np.sort(began[anomalous]), began, side="right")
    surprise = np.full(len(began), np.nan)
    surprise[anomalous] = np.minimum(-np.log(as_early[anomalous] / n_anomalous), MAX_SURPRISE)

    def sentence(index: int) -> tuple[str, dict[str, float]]:
        at_ms, n_earlier = int(times[began[index]]), int((began < began[index]).sum())
        minutes = (to_ms(case.alert.starts_at) - at_ms) / MINUTE_MS
        when = f"{abs(minutes):.0f} minutes {'before' if minutes >= 0 else 'after'} the alert"
        text = (
            f"{case.items[index]} became worse than usual {when}, earlier than "
            f"{n_anomalous - int(as_early[index])} of the {n_anomalous} items that did."
        )
        return text, {"minutes_before": minutes, "n_earlier": n_earlier, "n_anomalous": n_anomalous}

    return Finding("onset", "onset", surprise, np.ones(len(began)), sentence)


def _began(case: Case, excess: OwnExcess) -> NDArray[np.int64]:
    """First of two ticks in a row far above the usual level, shape ``(n_items,)``.

    The number of ticks where there is none.
    """
    n_items, role = len(case.items), excess.role
    values = np.concatenate([case.before.of(role, n_items), case.window.of(role, n_items)])
    began = np.full(n_items, len(values), dtype=np.int64)
    high = np.flatnonzero((values > excess.usual + FAR_OFF * least_spread(excess.usual)).any(axis=0))
    if not len(high):
        return began  # spares the spread of all the others
    usual = excess.usual[high]
    far_off = values[:, high] > usual + FAR_OFF * spread_about(case.normal.of(role, n_items)[:, high], usual)
    lasting = far_off[:-1] & far_off[1:]
    if len(lasting):
        began[high] = np.where(lasting.any(axis=0), np.argmax(lasting, axis=0), len(values))
    return began
