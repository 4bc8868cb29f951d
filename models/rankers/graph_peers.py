"""Peers that walk the graph: MicroRCA's PageRank, traversal, and CIRCA's hypothesis test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import networkx as nx
import numpy as np

from features.golden import Role
from models.evidence.calls import calls_of
from models.evidence.columns import column_mean, column_median
from models.rankers.correlation import correlation_with
from models.rankers.deviation import largest_z
from models.rankers.ranking import Ranking, ranking_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.cases.case import Case

    Floats = NDArray[np.float64]

SYMPTOMS = (Role.LATENCY, Role.ERRORS)
"""Signals used by traversal and CIRCA; MicroRCA adds the resources to its personalisation."""

ANOMALOUS_Z = 3.0
"""Standard deviations beyond which an item is anomalous to the traversal and to MicroRCA."""

LEAST_WEIGHT = 1e-6

RIDGE = 1e-3
"""Penalty of the regression, as a share of the callees' variance."""


@dataclass(frozen=True)
class MicroRca:
    """Ranks by a personalised PageRank of the anomalous part of the graph.

    After Wu, Tordsson, Elmroth and Kao, "MicroRCA: Root cause localization of performance issues in
    microservices", NOMS 2020: edges are weighted by how the callee moves with the alert, and the walk
    restarts at items in proportion to their own anomaly.
    """

    name: str = "micro_rca"
    damping: float = 0.85

    def rank(self, case: Case) -> Ranking:
        """Rank every item of the case, best first."""
        calls = calls_of(case)
        anomaly = largest_z(case, (*SYMPTOMS, Role.CPU, Role.MEMORY))
        moves = correlation_with(case, case.items.index(case.alert.item)) + LEAST_WEIGHT
        anomalous = largest_z(case, SYMPTOMS) > ANOMALOUS_Z
        walk: nx.DiGraph[int] = nx.DiGraph()
        walk.add_nodes_from(range(len(case.items)))
        for caller, callee in zip(calls.callers.tolist(), calls.callees.tolist(), strict=True):
            if anomalous[caller] or anomalous[callee]:
                walk.add_edge(caller, callee, weight=float(moves[callee]))
        restart = {item: float(anomaly[item] * moves[item] + LEAST_WEIGHT) for item in range(len(case.items))}
        visits = nx.pagerank(walk, alpha=self.damping, personalization=restart, max_iter=1_000)
        return ranking_of(case, self.name, np.array([visits[item] for item in range(len(case.items))]))


@dataclass(frozen=True)
class Traversal:
    """Ranks anomalous items, reached from the alert through such items, that no anomalous callee explains.

    After Chen et al., "CauseInfer", INFOCOM 2014, in the form of the PetShop paper's baseline (Hardt et al.,
    CLeaR 2024).
    """

    name: str = "traversal"

    def rank(self, case: Case) -> Ranking:
        """Rank every item of the case, best first."""
        calls = calls_of(case)
        z = largest_z(case, SYMPTOMS)
        anomalous = z > ANOMALOUS_Z
        start = case.items.index(case.alert.item)
        reached, ring = {start}, [start]
        while ring:
            callees = {
                callee
                for item in ring
                for callee in calls.callees[calls.starts[item] : calls.starts[item + 1]].tolist()
                if anomalous[callee] and callee not in reached
            }
            reached |= callees
            ring = sorted(callees)
        explained = np.zeros(len(case.items), dtype=bool)
        explained[calls.callers[anomalous[calls.callees]]] = True
        is_end = np.zeros(len(case.items), dtype=bool)
        is_end[sorted(reached)] = True
        is_end &= ~explained
        rank_of_z = z / (z + 1.0)
        return ranking_of(case, self.name, np.where(is_end, 1.0 + rank_of_z, rank_of_z / 2.0))


@dataclass(frozen=True)
class RegressionResidual:
    """Ranks by the residual of a regression on the callees, in standard deviations of its own past.

    Only the regression-based hypothesis test (RHT) of CIRCA: Li et al., "Causal inference-based root cause
    analysis for online service systems with intervention recognition", KDD 2022. CIRCA's structural graph
    over metrics and its descendant adjustment are not implemented: the callees of an item are its parents.
    """

    name: str = "circa"

    def rank(self, case: Case) -> Ranking:
        """Rank every item of the case, best first."""
        calls = calls_of(case)
        best = np.zeros(len(case.items))
        for role in SYMPTOMS:
            if role in case.window.values and role in case.normal.values:
                now, then = case.window.values[role], case.normal.values[role]
                usual = column_median(then)
                now, then = np.nan_to_num(now - usual), np.nan_to_num(then - usual)
                for item in range(len(case.items)):
                    callees = calls.callees[calls.starts[item] : calls.starts[item + 1]]
                    best[item] = max(best[item], _residual_z(now, then, item, callees))
        return ranking_of(case, self.name, best)


def _residual_z(now: Floats, then: Floats, item: int, callees: NDArray[np.int64]) -> float:
    """Distance of the window's mean residual from 0, in standard deviations of the past's residuals."""
    left_now, left_then = now[:, item], then[:, item]
    if len(callees) and len(then):
        X = then[:, callees]
        gram = X.T @ X
        penalty = np.diag(RIDGE * np.diag(gram) + 1e-12)
        slopes = np.linalg.solve(gram + penalty, X.T @ left_then)
        left_now, left_then = left_now - now[:, callees] @ slopes, left_then - X @ slopes
    if not (len(left_now) and len(left_then)):
        return 0.0
    spread = float(left_then.std())
    distance = abs(float(column_mean(left_now[:, None])[0]))
    return distance / max(spread, distance / 1e6, 1e-300)
