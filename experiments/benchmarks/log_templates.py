"""How well, and how fast, log lines are grouped into templates, compared with the peer.

Grouping accuracy (GA) is the share of lines whose group has exactly the lines of its true template (Zhu et
al., "Tools and Benchmarks for Automated Log Parsing", ICSE-SEIP 2019); FGA is the F1 of complete groups
(Jiang et al., "A Large-Scale Evaluation for Log Parsing Techniques", ISSTA 2024). All methods read the same
text, the ``Content`` column, without severity or component. One configuration is used for all sets.
"""

from __future__ import annotations

import time
from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from features.logs.templates import TemplateMiner

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from experiments.datasets.loghub import LabelledLog

    Groups = tuple[Sequence[str | int], float]
    """The group of each line, and lines per second."""

    Grouper = Callable[[Sequence[str]], Groups]
    Row = dict[str, float | int | str]


def bench_grouping(
    sets: Sequence[LabelledLog],
    peers: Mapping[str, Grouper] | None = None,
    *,
    seed: int = 0,
    on_progress: Callable[[str], None] = lambda _: None,
) -> list[Row]:
    """Group the lines of every set with Sunspot, the peers and at random; one row per set and method.

    ``all`` is the mean over the sets, each counting the same.
    """
    methods: dict[str, Grouper] = {"sunspot": group_by_miner, **(peers or {})}
    rows: dict[str, list[Row]] = defaultdict(list)
    for each in sets:
        n_templates = len(set(each.true_ids))
        rng = np.random.default_rng(seed)
        groupers = methods | {"random": lambda bodies, n=n_templates, rng=rng: _at_random(bodies, n, rng)}
        for method, grouper in groupers.items():
            groups, rate = grouper(each.bodies)
            ga, fga = grouping_figures(groups, each.true_ids)
            row: Row = {"part": each.name, "method": method, "n": len(groups), "ga": ga, "fga": fga}
            if method != "random":
                row["lines_per_s"] = rate
            rows[method].append(row)
            on_progress(method)
    means: list[Row] = [_mean(method, of) for method, of in rows.items()]
    return means + [of[index] for index in range(len(sets)) for of in rows.values()]


def group_by_miner(bodies: Sequence[str]) -> Groups:
    """Sunspot's grouping, and its rate."""
    miner = TemplateMiner()
    began = time.perf_counter()
    groups = [miner.add("", "", "", body) for body in bodies]
    return groups, len(bodies) / (time.perf_counter() - began)


def grouping_figures(groups: Sequence[str | int], true_ids: Sequence[str]) -> tuple[float, float]:
    """Grouping accuracy and the F1 of complete groups.

    >>> grouping_figures([1, 1, 2, 3], ["a", "a", "b", "b"])
    (0.5, 0.4)
    """
    found, true = _members(groups), {tuple(lines) for lines in _members(true_ids).values()}
    right = [lines for lines in found.values() if tuple(lines) in true]
    return sum(map(len, right)) / len(groups), 2 * len(right) / (len(found) + len(true))


def _members(ids: Sequence[str | int]) -> dict[str | int, list[int]]:
    members: dict[str | int, list[int]] = defaultdict(list)
    for line, each in enumerate(ids):
        members[each].append(line)
    return members


def _at_random(bodies: Sequence[str], n_groups: int, rng: np.random.Generator) -> Groups:
    return [int(each) for each in rng.integers(n_groups, size=len(bodies))], 0.0


def _mean(method: str, rows: Sequence[Row]) -> Row:
    mean: Row = {"part": "all", "method": method, "n": sum(int(row["n"]) for row in rows)}
    for figure in ("ga", "fga", "lines_per_s"):
        if all(figure in row for row in rows):
            mean[figure] = float(np.mean([float(row[figure]) for row in rows]))
    return mean
