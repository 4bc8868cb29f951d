"""What the incident page draws, stored with the ranking so that it outlives the window."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from features.golden import Role
from models.evidence.resources import RESOURCES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from models.cases.case import Case
    from models.rankers.ranking import Candidate, Ranking

N_DRAWN = 4
"""So many candidates are drawn, beside the alerting item."""

DRAWN_ROLES: tuple[Role, ...] = (Role.LATENCY, Role.ERRORS, Role.REQUESTS)
"""Drawn for every item; a resource is drawn where the evidence gives its level."""


def snapshot_of(case: Case, ranking: Ranking) -> dict[str, Any]:
    """Return the slice of the graph between the alert and its first candidates, and their signals.

    Returns
    -------
    ``items`` with their names, ``edges`` among them, and per item and role the values over the ticks
    before the incident and in its window, from ``onset_ms`` on, with the normal median; ``None`` is a
    missing tick. The levels in the evidence's sentences are those of the window.
    """
    top = ranking.candidates[:N_DRAWN]
    drawn = dict.fromkeys((case.alert.item, *(each.item for each in top)), DRAWN_ROLES)
    drawn |= {each.item: (*DRAWN_ROLES, *_resources_named(each)) for each in top}
    return {
        "items": {each: _about(case, each) for each in _on_paths(case, top)},
        "edges": _edges(case, _on_paths(case, top)),
        "times_ms": [*case.before.times_ms.tolist(), *case.window.times_ms.tolist()],
        "step_ms": case.step_ms,
        "onset_ms": int(case.window.times_ms[0]) if len(case.window.times_ms) else 0,
        "signals": {each: _signals(case, each, roles) for each, roles in drawn.items() if each in case.graph},
    }


def _on_paths(case: Case, top: Sequence[Candidate]) -> list[str]:
    named = [case.alert.item, *(item for each in top for item in (*each.path, each.item))]
    return [item for item in dict.fromkeys(named) if item in case.graph]


def _about(case: Case, item: str) -> dict[str, str]:
    known = case.graph.items[item]
    return {"name": known.name or item, "kind": known.kind, "team": known.team}


def _edges(case: Case, items: Sequence[str]) -> list[list[str]]:
    needs = case.graph.needs
    return [[each, near] for each in sorted(items) for near in sorted(needs[each].keys() & set(items))]


def _resources_named(candidate: Candidate) -> list[Role]:
    kinds = {each.kind for each in candidate.evidence}
    return [role for role, (kind, _) in RESOURCES.items() if kind in kinds]


def _signals(case: Case, item: str, roles: Sequence[Role]) -> dict[str, Any]:
    column, n_items = case.items.index(item), len(case.items)
    found = {}
    for role in roles:
        before = case.before.of(role, n_items)[:, column]
        values = np.concatenate([before, case.window.of(role, n_items)[:, column]])
        if np.isfinite(values).any():
            normal = case.normal.of(role, n_items)[:, column]
            found[role.value] = {"values": _listed(values), "normal": _median(normal)}
    return found


def _listed(values: NDArray[np.float64]) -> list[float | None]:
    return [float(f"{value:.6g}") if np.isfinite(value) else None for value in values]


def _median(values: NDArray[np.float64]) -> float | None:
    seen = values[np.isfinite(values)]
    return float(f"{np.median(seen):.6g}") if len(seen) else None
