"""Cases with a wrong graph: missing, spurious or reversed edges."""

from __future__ import annotations

import zlib
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from cmdb.graph import DependencyGraph
from cmdb.items import Edge

if TYPE_CHECKING:
    from models.cases.case import Case

DAMAGES = tuple((how, percent) for how in ("dropped", "added", "reversed") for percent in (10, 20, 30))
"""The kinds of damage, and the percentages of edges damaged."""


def damaged(case: Case, how: str, percent: int) -> Case:
    """The same case with a share of its edges dropped or reversed, or as many added; seeded by its id."""
    edges = sorted(case.graph.edges)
    n_damaged = round(len(edges) * percent / 100)
    rng = np.random.default_rng([zlib.crc32(case.id.encode()), percent])
    hit = set(rng.permutation(len(edges))[:n_damaged].tolist()) if how != "added" else set()
    if how == "dropped":
        remaining = [edge for index, edge in enumerate(edges) if index not in hit]
    elif how == "reversed":
        remaining = [
            Edge(edge.dependency, edge.dependent, edge.kind) if index in hit else edge
            for index, edge in enumerate(edges)
        ]
    else:
        ends = rng.integers(0, len(case.items), (4 * n_damaged, 2)).tolist()
        new = [Edge(case.items[a], case.items[b]) for a, b in ends if a != b]
        remaining = edges + [edge for edge in dict.fromkeys(new) if edge not in case.graph.edges][:n_damaged]
    return replace(case, graph=DependencyGraph(case.graph.items.values(), remaining))
