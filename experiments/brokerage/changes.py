"""Ordinary, harmless changes: releases after the close, and an occasional setting."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np

from cmdb.items import ChangeEvent
from experiments.brokerage.conditions import Chatter
from experiments.brokerage.estate import COMPONENTS

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from numpy.typing import NDArray

RELEASES_PER_EVENING = 3.0
SETTINGS_PER_DAY = 1.5
STARTING_MINUTES, STARTS_PER_MINUTE = 5.0, 1.5
RELEASE_FROM, RELEASE_UNTIL = 15.5, 22.5
SETTING_FROM, SETTING_UNTIL = 8.5, 18.0
"""Local hours."""


def ordinary_changes(start: datetime, n_days: int, rng: np.random.Generator) -> list[ChangeEvent]:
    """Changes of ``n_days`` local days from ``start``, unordered."""
    services = [item for item, component in COMPONENTS.items() if component.kind == "service"]
    changes = []
    for day in range(n_days):
        for kind, verb, rate, first, last in (
            ("deploy", "Release", RELEASES_PER_EVENING, RELEASE_FROM, RELEASE_UNTIL),
            ("config", "Adjust a setting of", SETTINGS_PER_DAY, SETTING_FROM, SETTING_UNTIL),
        ):
            for _ in range(int(rng.poisson(rate))):
                item = services[int(rng.integers(len(services)))]
                at = start + timedelta(days=day, minutes=int(60 * rng.uniform(first, last)))
                number = f"{at:%Y%m%d%H%M}-{item}"
                changes.append(ChangeEvent(f"change-{kind}-{number}", item, at, kind, f"{verb} {item}"))
    return changes


def release_chatter(
    changes: Iterable[ChangeEvent], start: datetime, minutes: NDArray[np.float64]
) -> list[Chatter]:
    """Log lines of instances that start a new version, for ``minutes`` since ``start``."""
    chatter = []
    for change in changes:
        if change.kind == "deploy":
            elapsed = minutes - (change.at - start) / timedelta(minutes=1)
            starting = np.where((elapsed > -1.0) & (elapsed < STARTING_MINUTES), STARTS_PER_MINUTE, 0.0)
            chatter.append(Chatter(change.item, "release_started", starting))
    return chatter
