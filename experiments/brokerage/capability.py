"""Capability of a component under given conditions, before any request reaches it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from experiments.brokerage.conditions import Knob
from experiments.brokerage.estate import COMPONENTS
from experiments.brokerage.flows import previous
from experiments.brokerage.sizing import HOP_S, sizes
from experiments.brokerage.topology import placement

if TYPE_CHECKING:
    from experiments.brokerage.conditions import Conditions
    from experiments.brokerage.flows import Values

FAILOVER_MINUTES = 6.0
"""Time until requests are no longer sent to lost machines."""

FAR_S = 0.006
"""Extra time of a request to another data centre."""

USUAL_MEMORY = (0.30, 0.60)
"""Range of the components' memory use without a leak."""

STRAINED_MEMORY = 0.75
"""Above this share in use, garbage collection frees less and takes longer."""


@dataclass(frozen=True)
class Capability:
    """Capability of one component over time; each array has shape ``(n_ticks,)``."""

    work_s: Values  # of a core, for one request
    wait_s: Values  # of each request, occupying no core
    capacity: Values  # requests per second
    hog: Values  # share of the cores used by something else
    fail: Values  # share of the requests that fail at once
    pool: Values  # requests in hand at a time
    memory: Values  # share in use


def capability(item: str, conditions: Conditions, roughness: Values, *, step_s: float) -> Capability:
    """Capability of an item; ``roughness`` is the factor on its work, shape ``(n_ticks,)``."""
    component, size, none = COMPONENTS[item], sizes()[item], np.zeros_like(roughness)
    leak = none + conditions.of(Knob.LEAK, item)
    usual = (
        USUAL_MEMORY[0] + (USUAL_MEMORY[1] - USUAL_MEMORY[0]) * (list(COMPONENTS).index(item) * 7 % 11) / 10.0
    )
    memory = (usual + (1.0 - usual) * leak) * (1.0 - 0.9 * (none + conditions.of(Knob.COLD, item)))
    pauses = np.clip((memory - STRAINED_MEMORY) / (1.0 - STRAINED_MEMORY), 0.0, 1.0) ** 2
    killed = previous(leak) - leak > 0.5  # out of memory: restarted with empty memory
    lost, misrouted = _lost(item, conditions, none, step_s=step_s)
    work_s = component.work_ms / 1000.0 * roughness * conditions.of(Knob.WORK, item) * (1.0 + 2.5 * pauses)
    wait_s = component.wait_ms / 1000.0 * np.sqrt(roughness) + conditions.of(Knob.WAIT_S, item)
    hog = none + conditions.of(Knob.HOG, item)
    return Capability(
        work_s=work_s,
        wait_s=wait_s + HOP_S + FAR_S * lost + 0.4 * pauses,
        capacity=size.cores * (1.0 - hog) * (1.0 - lost) / work_s,
        hog=hog,
        fail=1.0 - (1.0 - conditions.of(Knob.FAIL, item)) * (1.0 - misrouted) * (1.0 - 0.4 * killed),
        pool=np.maximum(size.pool * (1.0 - lost) * conditions.of(Knob.POOL, item), 0.25),
        memory=memory,
    )


def _lost(item: str, conditions: Conditions, none: Values, *, step_s: float) -> tuple[Values, Values]:
    """Lost share of an item's capacity, and share of its requests still sent there."""
    lost, misrouted = none, none
    n_ticks = max(1, round(FAILOVER_MINUTES * 60.0 / step_s))
    for centre, share in placement(item).items():
        if not conditions.is_turned(Knob.LOST, centre):
            continue
        gone = none + conditions.of(Knob.LOST, centre)
        sudden = np.clip(gone - np.concatenate([np.zeros(n_ticks), gone])[: len(gone)], 0.0, 1.0)
        lost_share = 0.3 if COMPONENTS[item].home else share  # a standby takes over most of a lost primary
        lost = lost + lost_share * gone
        misrouted = misrouted + 0.5 * share * sudden
    return np.clip(lost, 0.0, 0.95), np.clip(misrouted, 0.0, 0.95)
