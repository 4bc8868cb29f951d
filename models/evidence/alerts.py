"""Alerts that fire on the items themselves, besides the alert of the incident.

An alert on a service is explained by an alert on one of its dependencies. An alert that has fired for days
says nothing about today: what counts is how unlikely it is that its start is so close to the incident's by
chance.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models.evidence.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from models.cases.case import Alert, Case
    from models.evidence.calls import Calls

USUAL_PER_DAY = 0.2
"""Assumed alerts of an item a day, because a case does not hold past alerts."""

LEAST_MINUTES = 5.0
"""Rules look back this far, so no two starts count as closer than this."""

MAX_SURPRISE = 6.0
"""An alert adds little to its signals, which are evidence of their own."""

MAX_NAMED = 3
"""Most alerts named in a sentence; the others are counted."""


def alerts(case: Case, position: Mapping[str, int], calls: Calls) -> Finding | None:
    """Count the alerts on each item as evidence against it; ``None`` if the incident's alert is the only one.

    Items without an alert stay unknown, because perhaps no rule watches them.
    """
    others = [each for each in case.other_alerts if each.item in position]
    if not others:
        return None
    firing: dict[int, list[Alert]] = {}
    for each in sorted((case.alert, *others), key=lambda each: (each.starts_at, each.name)):
        firing.setdefault(position[each.item], []).append(each)
    surprise = np.full(len(case.items), np.nan)
    for index, on_item in firing.items():
        surprise[index] = max(_surprise(case, each) for each in on_item)
    explained = _reached(np.nan_to_num(surprise), calls)

    def sentence(index: int) -> tuple[str, dict[str, float]]:
        on_item = firing[index]
        names = list(dict.fromkeys(each.name for each in on_item))
        listed = ", ".join(names[:MAX_NAMED])
        listed += f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
        count = "an alert fires" if len(on_item) == 1 else f"{len(on_item)} alerts fire"
        text = f"{count} on {case.items[index]} itself ({listed}) but on none of its dependencies."
        return text[0].upper() + text[1:], {"n_alerts": float(len(on_item))}

    return Finding(
        "alerts", "alerts", np.maximum(surprise - explained, 0.0), np.ones(len(surprise)), sentence
    )


def _surprise(case: Case, alert: Alert) -> float:
    apart = abs((alert.starts_at - case.alert.starts_at).total_seconds()) / 60 + LEAST_MINUTES
    chance = -np.expm1(-USUAL_PER_DAY * 2 * apart / 1440)
    return min(float(-np.log(chance)), MAX_SURPRISE)


def _reached(surprise: NDArray[np.float64], calls: Calls) -> NDArray[np.float64]:
    """Largest surprise among all direct and indirect dependencies of an item, shape ``(n_items,)``."""
    reached = np.zeros(len(surprise))
    while True:
        further = reached.copy()
        np.maximum.at(further, calls.callers, np.maximum(surprise, reached)[calls.callees])
        if np.array_equal(further, reached):
            return reached
        reached = further
