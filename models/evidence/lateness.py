"""Items that usually send and have been silent of late: they are not seen yet, which is not as usual."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from features.golden import Role
from models.cases.normal_ticks import MIN_NORMAL_TICKS
from models.evidence.columns import column_median, median_and_seen

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from models.cases.case import Case

    Mask = NDArray[np.bool_]

CHANCE = 0.05
"""Silence is late if one of twenty usual stretches as long, or fewer, would be silent."""

SEEN_ENOUGH = 0.5
"""An item with values in so large a share of the incident's ticks can be judged, late or not."""

LEFT_OVER = 0.01
"""Requests at so small a share of the usual ones count as none."""

OF_REQUESTS = frozenset({Role.LATENCY, Role.ERRORS})
"""Roles of which there is nothing to send where no request came."""


@dataclass(frozen=True)
class Lateness:
    """Which items usually send and have not sent up to the end of the window.

    Attributes
    ----------
    roles
        For each role that is late anywhere, shape ``(n_items,)``: whose usual values have not come.
    is_late
        Shape ``(n_items,)``: the items of which nothing has come, in any role.
    is_unseen
        Shape ``(n_items,)``: those of them that were seen in less than half of the incident's ticks.
    n_missing
        For each role of ``roles``, shape ``(n_items,)``: number of ticks since the last value; all ticks of
        the case where there is none.
    n_ticks
        Number of ticks of the case, those just before the incident included.
    is_starved
        Shape ``(n_items,)``: whose requests fell to nothing, and that answered none; one of ``is_unseen``.
    is_blind
        Shape ``(n_items,)``: of which nothing was ever seen: no signal, no span, no line.
    """

    roles: Mapping[Role, Mask]
    is_late: Mask
    is_unseen: Mask
    n_missing: Mapping[Role, NDArray[np.int64]]
    n_ticks: int
    is_starved: Mask
    is_blind: Mask

    def of(self, role: Role) -> Mask:
        """Whose values of a role are late, shape ``(n_items,)``."""
        none: Mask = np.zeros(len(self.is_late), dtype=bool)
        return self.roles.get(role, none)

    def silence(self, index: int) -> int:
        """Number of ticks since the last value of an item in any role that is late."""
        missing = [int(self.n_missing[role][index]) for role, late in self.roles.items() if late[index]]
        return min(missing, default=0)


def lateness(case: Case) -> Lateness:
    """Compare how long each item has been silent with how often it usually sends.

    An item that sends in a share of the ticks is silent for n of them with the chance ``(1 − share)ⁿ``.
    """
    n_items = len(case.items)
    n_window, n_ticks = len(case.window.times_ms), len(case.window.times_ms) + len(case.before.times_ms)
    roles: dict[Role, Mask] = {}
    n_missing: dict[Role, NDArray[np.int64]] = {}
    has_come = np.zeros(n_items, dtype=bool)
    is_idle = case.window.of(Role.REQUESTS, n_items)[-1] == 0 if n_window else has_come
    for role, normal in case.normal.values.items() if n_window else ():
        window = case.window.of(role, n_items)
        has_come |= np.isfinite(window[-1])
        silent = np.flatnonzero(~np.isfinite(window[-1]) & ~(is_idle & (role in OF_REQUESTS)))
        if not len(silent):
            continue
        n_sent = np.isfinite(normal[:, silent]).sum(axis=0)
        silent, n_sent = silent[n_sent >= MIN_NORMAL_TICKS], n_sent[n_sent >= MIN_NORMAL_TICKS]
        if not len(silent):
            continue
        n_rows = int(np.isfinite(normal).any(axis=1).sum())
        around = np.concatenate([case.before.of(role, n_items)[:, silent], window[:, silent]])
        seen = np.isfinite(around[::-1])
        missing = np.where(seen.any(axis=0), np.argmax(seen, axis=0), n_ticks)
        is_late = (1.0 - n_sent / n_rows) ** missing <= CHANCE
        if is_late.any():
            roles[role] = np.zeros(n_items, dtype=bool)
            roles[role][silent[is_late]] = True
            n_missing[role] = np.zeros(n_items, dtype=np.int64)
            n_missing[role][silent] = missing
    starved = _starved(case)
    late = np.any([*roles.values(), np.zeros(n_items, dtype=bool)], axis=0) & ~has_come
    unseen = late & _hardly_seen(case) if late.any() else late
    return Lateness(roles, late, unseen | starved, n_missing, n_ticks, starved, _blind(case))


def _starved(case: Case) -> Mask:
    """Which items usually get requests and now get none, shape ``(n_items,)``: nobody asks a dead one."""
    n_items = len(case.items)
    now, then = case.window.of(Role.REQUESTS, n_items), case.normal.of(Role.REQUESTS, n_items)
    if not len(now):
        return np.zeros(n_items, dtype=bool)
    level, (usual, n_seen) = column_median(now), median_and_seen(then)
    starved: Mask = (level <= LEFT_OVER * usual) & (usual > 0) & (n_seen >= MIN_NORMAL_TICKS)
    return starved & _hardly_seen(case)


def _blind(case: Case) -> Mask:
    """Of which items nothing was ever seen, shape ``(n_items,)``."""
    n_items = len(case.items)
    blind: Mask = np.ones(n_items, dtype=bool)
    for signals in (case.normal, case.before, case.window):
        for values in signals.values.values():
            blind &= ~np.isfinite(values).any(axis=0)
    named = set()
    for sums in (case.normal_logs, case.window_logs):
        named |= {kind.service for kind in sums.counts.kinds} if sums is not None else set()
    for spans in (case.normal_spans, case.window_spans):
        named |= {kind[0] for kind in spans.own.kinds} if spans is not None else set()
    if named:
        blind &= np.array([item not in named for item in case.items], dtype=bool)
    return blind


def _hardly_seen(case: Case) -> Mask:
    """Whose latency and errors were seen in less than half of the incident's ticks, shape ``(n_items,)``."""
    n_items = len(case.items)
    seen = np.zeros((len(case.window.times_ms), n_items), dtype=bool)
    for role in (Role.LATENCY, Role.ERRORS):
        seen |= np.isfinite(case.window.of(role, n_items))
    hardly: Mask = seen.sum(axis=0) < SEEN_ENOUGH * len(seen)
    return hardly
