"""Resources: the window's median against the item's own past, as a robust shift.

The largest z-value was tried and fails: a noisy resource has a large one in every window.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from features.golden import Role
from features.robust import NORMAL_CONSISTENCY
from models.evidence.columns import column_median, median_and_seen
from models.evidence.comparison import MAX_FREEDOM, MIN_FREEDOM, surprise_of
from models.evidence.far_off import is_far_off
from models.evidence.figures import percent
from models.evidence.finding import MAX_SURPRISE, Finding

if TYPE_CHECKING:
    from models.cases.case import Case

RESOURCES = {
    Role.CPU: ("cpu", "CPU"),
    Role.MEMORY: ("memory", "memory"),
    Role.SATURATION: ("saturation", "saturation"),
    Role.LOSS: ("loss", "packet loss"),
}
"""The roles looked at: the meaning each has, and its name in a sentence."""

CAPS = {Role.MEMORY: 6.0}
"""Memory creeps for many reasons: its surprise is capped."""

MIN_PAST = 5
"""With fewer normal windows there is nothing to compare with."""

LEAST_RISE = 0.1
"""A rise of CPU counts whole if no other is larger and it is at least a tenth of the capacity."""

USUAL_SHARE = 0.05
"""A level that so large a share of normal ticks reaches is nothing unusual, however far from the median."""

SCALE_FLOOR = 0.02
"""Least spread, as a share of the usual level."""

ABSOLUTE_FLOOR = 0.002
"""Least spread, as a share of the capacity."""


def resources(case: Case) -> list[Finding]:
    """Compare each resource's window with its past; those never seen are left out."""
    found = [
        _shift(case, role) for role in RESOURCES if role in case.window.values and role in case.normal.values
    ]
    return [each for each in found if each is not None]


def _shift(case: Case, role: Role) -> Finding | None:
    meaning, name = RESOURCES[role]
    level = column_median(case.window.values[role])
    normal = case.normal.values[role]
    usual, n_seen = median_and_seen(normal)
    n_past = n_seen // max(1, len(case.window.times_ms))
    is_far = is_far_off(case.window.values[role], normal, usual)
    distance = normal - usual
    spread = NORMAL_CONSISTENCY * column_median(np.abs(distance, out=distance))
    known = np.isfinite(level) & (n_past >= MIN_PAST)
    if not known.any():
        return None
    scale = np.hypot(spread, SCALE_FLOOR * np.abs(usual)) + ABSOLUTE_FLOOR
    before = case.before.of(role, len(case.items))
    reference = np.fmax(usual, column_median(before)) if len(before) else usual
    z = np.divide(level - reference, scale, out=np.zeros_like(level), where=known)
    freedom = np.clip(n_past - 1.0, MIN_FREEDOM, MAX_FREEDOM)
    surprise = np.minimum(surprise_of(z, freedom), CAPS.get(role, MAX_SURPRISE))

    def sentence(index: int) -> tuple[str, dict[str, float]]:
        figures = {f"{meaning}_ratio": float(level[index]), f"usual_{meaning}_ratio": float(usual[index])}
        levels = f"{percent(level[index])}, usually {percent(usual[index])}"
        return f"{name[0].upper()}{name[1:]} of {case.items[index]} is at {levels}.", figures

    surprise = np.where(known, surprise, np.nan)
    share = np.ones(len(level))
    if role is Role.CPU:
        rise = np.where(known, np.maximum(level - reference, 0.0), 0.0)
        share = rise / max(float(rise.max(initial=0.0)), LEAST_RISE)
    is_usual = (normal >= level).sum(axis=0) >= USUAL_SHARE * n_seen
    return Finding(meaning, meaning, surprise, share, sentence, is_far=is_far, is_usual=is_usual)
