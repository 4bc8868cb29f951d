"""Change events: how unlikely it is that one falls so shortly before the incident by chance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models.evidence.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Mapping

    from models.case import Case

USUAL_PER_DAY = 0.2
"""Changes of an item a day, where its own history does not say: one in a trading week."""

HISTORY_DAYS = 7.0
"""The least stretch that an item's own rate of changes is counted over."""

MAX_SURPRISE = 6.0
"""A change is a hint, not a symptom: nothing more is believed of it."""


def changes(case: Case, position: Mapping[str, int]) -> Finding | None:
    """Compare the time since each item's last change with its usual pace; ``None`` without any change.

    Changes are taken to fall at random at the item's own rate, so −ln(1 − exp(−rate × time since)): an item
    that changes every hour is not blamed for having changed.
    """
    earlier = [
        change for change in case.changes if change.at <= case.alert.starts_at and change.item in position
    ]
    if not earlier:
        return None
    start = min(change.at for change in earlier)
    days = max((case.alert.starts_at - start).total_seconds() / 86_400, HISTORY_DAYS)
    last = {change.item: change for change in sorted(earlier, key=lambda change: (change.at, change.id))}
    surprise = np.zeros(len(case.items))
    for item, change in last.items():
        n_others = sum(other.item == item for other in earlier) - 1
        rate = max(n_others / days, USUAL_PER_DAY)
        since = max((case.alert.starts_at - change.at).total_seconds() / 86_400, 1e-4)
        chance = -np.expm1(-rate * since)
        surprise[position[item]] = min(-np.log(chance), MAX_SURPRISE)

    def sentence(index: int) -> tuple[str, dict[str, float]]:
        change = last[case.items[index]]
        minutes = (case.alert.starts_at - change.at).total_seconds() / 60
        said = f" ({change.summary})" if change.summary else ""
        text = f"{change.kind} of {case.items[index]}{said} {minutes:.0f} minutes before the alert."
        return text, {"minutes_before": minutes}

    return Finding("change", "change", surprise, np.ones(len(case.items)), sentence)
