"""Change events: how unlikely it is that one precedes the incident so closely by chance.

Time is trading time, because a fault does not show while nobody uses the system. The shift of an item's
signals at the change counts too, if the case has ticks before and after it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from features.golden import Role
from features.robust import NORMAL_CONSISTENCY
from models.cases.case import trading_days_since
from models.evidence.columns import column_median
from models.evidence.comparison import MAX_FREEDOM, surprise_of
from models.evidence.finding import Finding
from telemetry.instants import to_ms

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cmdb.items import ChangeEvent
    from models.cases.case import Case

USUAL_PER_DAY = 0.2
"""Changes of an item a trading day, unless its own history shows more: one in a trading week."""

HISTORY_DAYS = 7.0
"""Least period over which an item's own rate of changes is counted."""

LEAST_DAYS = 1e-4
"""No change counts as more recent than this."""

MAX_SURPRISE = 6.0
"""A change is a hint, not a symptom, so its surprise is limited."""

SHIFTED_ROLES = (Role.LATENCY, Role.ERRORS)
"""The signals compared before and after a change."""

MIN_TICKS = 3
"""Ticks needed on either side of a change to measure its effect."""

SCALE_FLOOR = 0.02
"""Least spread of a signal, as a share of its usual level."""

REPORTED_SHIFT = 3.0
"""A shift below this is not called worse: chance alone gives as much one time in twenty."""


def changes(case: Case, position: Mapping[str, int]) -> Finding | None:
    """Compare the time since each item's last change with its usual pace; ``None`` without any change.

    Changes of one kind are assumed to occur at random at the item's own rate, so their surprise is
    −ln(1 − exp(−rate × time since)): the more changes an item had without an incident, the less the next one
    counts. The surprise of the signals' shift is added by Fisher's method. Of several kinds of change the
    most surprising counts, minus ln of their number.
    """
    days_since = trading_days_since(case)
    earlier = [
        (change, days)
        for change, days in zip(case.changes, days_since, strict=True)
        if change.at <= case.alert.starts_at and change.item in position
    ]
    if not earlier:
        return None
    stretch = max(HISTORY_DAYS, *(days for _, days in earlier))
    last: dict[tuple[str, str], tuple[ChangeEvent, float]] = {}
    counts: dict[tuple[str, str], int] = {}
    n_kinds: dict[str, int] = {}
    for change, days in sorted(earlier, key=lambda each: (each[0].at, each[0].id)):
        key = (change.item, change.kind)
        n_kinds[change.item] = n_kinds.get(change.item, 0) + (key not in counts)
        counts[key] = counts.get(key, 0) + 1
        last[key] = change, days
    surprise = np.zeros(len(case.items))
    strongest: dict[int, tuple[ChangeEvent, float]] = {}
    for key, (change, days) in last.items():
        index = position[change.item]
        rate = max((counts[key] - 1) / stretch, USUAL_PER_DAY)
        timing = min(float(-np.log(-np.expm1(-rate * max(days, LEAST_DAYS)))), MAX_SURPRISE)
        shift = _shift(case, change, index)
        found = timing if np.isnan(shift) else _fisher(timing, shift)
        found = min(max(found - np.log(n_kinds[change.item]), 0.0), MAX_SURPRISE)
        if index not in strongest or found >= surprise[index]:
            surprise[index], strongest[index] = found, (change, shift)

    def sentence(index: int) -> tuple[str, dict[str, float]]:
        change, shift = strongest[index]
        minutes = (case.alert.starts_at - change.at).total_seconds() / 60
        summary = f" ({change.summary})" if change.summary else ""
        text = f"{change.kind} of {case.items[index]}{summary} {minutes:.0f} minutes before the alert"
        figures = {"minutes_before": minutes}
        if not np.isnan(shift):
            figures["shift_surprise"] = shift
            text += (
                ": its signals became worse"
                if shift >= REPORTED_SHIFT
                else ": its signals did not become worse"
            )
        return f"{text[0].upper()}{text[1:]}.", figures

    return Finding("change", "change", surprise, np.ones(len(case.items)), sentence)


def _shift(case: Case, change: ChangeEvent, index: int) -> float:
    """Surprise of the rise of an item's signals at a change; ``nan`` if one side of it was not seen."""
    at_ms = to_ms(change.at)
    times = np.concatenate([case.before.times_ms, case.window.times_ms])
    found = []
    for role in SHIFTED_ROLES:
        values, normal = (
            np.concatenate([each.of(role, len(case.items))[:, index] for each in parts])
            for parts in ((case.before, case.window), (case.normal,))
        )
        seen = np.isfinite(values)
        earlier, later = values[seen & (times + case.step_ms <= at_ms)], values[seen & (times >= at_ms)]
        if min(len(earlier), len(later), np.isfinite(normal).sum()) < MIN_TICKS:
            continue
        usual = float(column_median(normal[:, None])[0])
        spread = NORMAL_CONSISTENCY * float(column_median(np.abs(normal - usual)[:, None])[0])
        scale = np.hypot(spread, SCALE_FLOOR * abs(usual)) + 1e-12
        found.append((np.median(later) - np.median(earlier)) / scale)
    if not found:
        return np.nan
    surprise = surprise_of(np.array([max(found)]), np.array([MAX_FREEDOM]))[0]
    return float(max(surprise - np.log(len(found)), 0.0))


def _fisher(one: float, other: float) -> float:
    """−ln p of two independent surprises together (Fisher, 1932, section 21.1)."""
    both = one + other
    return both - float(np.log1p(both))
