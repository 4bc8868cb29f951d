"""How often each ranker names the true cause, and at what cost.

Data: labelled incidents as cases; those of PetShop and Nezha are labelled injected faults on test beds. Every
ranker sees the same cases; none reads the label. Two controls belong to Sunspot's row: ``sunspot_scrambled``
renames every item, which changes every order, and must give the same figures; ``sunspot_wrong_labels`` is
judged by the next incident's cause, and must do badly. ``sunspot_edges_dropped_P``, ``…_added_P`` and
``…_reversed_P`` see a graph with P % of its edges wrong. ``sunspot_without_KIND`` omits one kind of evidence;
kinds that change no score are left out of the table. ``circa`` is the regression-based hypothesis test (RHT)
of CIRCA alone. The part ``calm`` has normal windows: naming a cause there is wrong.
"""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from cmdb.graph import DependencyGraph
from cmdb.items import Edge
from experiments.benchmarks.figures import reciprocal_rank, share_within
from experiments.benchmarks.graph_damage import DAMAGES, damaged
from experiments.benchmarks.log_causes import renamed_logs
from features.span_sums import Cells, SpanSums
from models.cases.case import Case, Signals
from models.rankers import RANKERS
from models.rankers.sunspot import SunspotRanker
from training.intervals import wilson_interval
from training.reliability import calibration_error

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from models.rankers.ranking import Ranker, Ranking

RANKS = (1, 3, 5)
NORMAL_PART = "calm"

ABLATIONS: dict[str, tuple[str, ...]] = {
    "own_excess": ("own_latency", "own_failures"),
    "own_time": ("own_time",),
    "edge_gap": ("edge_gap",),
    "call_structure": ("call_structure", "new_calls"),
    "resources": ("cpu", "memory", "saturation", "loss"),
    "changes": ("change",),
    "alerts": ("alerts",),
    "onset": ("onset",),
    "logs": ("log_missing", "log_excess", "log_waits"),
}
"""Kinds of evidence that are omitted together, to measure their worth."""


@dataclass(frozen=True)
class LabelledCase:
    """A case with a known cause, and the parts of the table in which it counts."""

    case: Case
    parts: tuple[str, ...]


@dataclass(frozen=True)
class Outcome:
    """The ranking of one case by one ranker, and how long it took."""

    ranking: Ranking
    causes: tuple[str, ...]
    ms: float


def bench_rankers(
    labelled: Sequence[LabelledCase],
    *,
    normal: Sequence[Case] = (),
    on_progress: Callable[[str], None] = lambda _: None,
) -> list[dict[str, float | int | str]]:
    """Run every ranker and both controls; one flat row per part and method."""
    outcomes = {name: _run(ranker, labelled, on_progress) for name, ranker in RANKERS.items()}
    own = RANKERS["sunspot"]
    outcomes["sunspot_scrambled"] = _run(own, [_scrambled(each) for each in labelled], on_progress)
    outcomes["sunspot_wrong_labels"] = _with_wrong_labels(outcomes["sunspot"])
    for label, kinds in ABLATIONS.items():
        without = _run(SunspotRanker(without=kinds), labelled, on_progress)
        if any(_scores(a) != _scores(b) for a, b in zip(without, outcomes["sunspot"], strict=True)):
            outcomes[f"sunspot_without_{label}"] = without
    for how, percent in DAMAGES:
        wrong = [replace(each, case=damaged(each.case, how, percent)) for each in labelled]
        outcomes[f"sunspot_edges_{how}_{percent}"] = _run(own, wrong, on_progress)
    rows: list[dict[str, float | int | str]] = []
    for part, members in _members(labelled).items():
        for method, results in outcomes.items():
            if "/" not in part or method in RANKERS:
                rows.append({"part": part, "method": method, **_figures([results[each] for each in members])})
    quiet = [LabelledCase(case, (NORMAL_PART,)) for case in normal]
    for name, ranker in RANKERS.items() if quiet else ():
        rows.append(
            {"part": NORMAL_PART, "method": name, **_normal_figures(_run(ranker, quiet, on_progress))}
        )
    return rows


def n_rankings(n_labelled: int, n_normal: int) -> int:
    """Approximate number of progress reports by `bench_rankers`."""
    return n_labelled * (len(RANKERS) + 1 + len(ABLATIONS) + len(DAMAGES)) + n_normal * len(RANKERS)


def _scores(outcome: Outcome) -> dict[str, float]:
    return {candidate.item: candidate.score for candidate in outcome.ranking.candidates}


def _run(
    ranker: Ranker, labelled: Iterable[LabelledCase], on_progress: Callable[[str], None]
) -> list[Outcome]:
    outcomes = []
    for index, each in enumerate(labelled):
        if index == 0:
            ranker.rank(each.case)  # the first call imports and warms up
        began = time.perf_counter()
        ranking = ranker.rank(each.case)
        outcomes.append(Outcome(ranking, each.case.cause, (time.perf_counter() - began) * 1000))
        on_progress(ranker.name)
    return outcomes


def _members(labelled: Sequence[LabelledCase]) -> dict[str, list[int]]:
    members: dict[str, list[int]] = defaultdict(list)
    for index, each in enumerate(labelled):
        for part in each.parts:
            members[part].append(index)
    return dict(sorted(members.items(), key=lambda entry: (entry[0] != "all", entry[0])))


def _figures(outcomes: Sequence[Outcome]) -> dict[str, float | int]:
    figures: dict[str, float | int] = {"n": len(outcomes)}
    for k in RANKS:
        share = float(np.mean([share_within(each.ranking, each.causes, k) for each in outcomes]))
        low, high = wilson_interval(share * len(outcomes), len(outcomes))
        figures |= {f"as{k}": share, f"as{k}_low": low, f"as{k}_high": high}
    figures["mrr"] = float(np.mean([reciprocal_rank(each.ranking, each.causes) for each in outcomes]))
    figures["abstained"] = float(np.mean([bool(each.ranking.abstained) for each in outcomes]))
    named = [each for each in outcomes if each.ranking.candidates and not each.ranking.abstained]
    if named:
        figures["calibration_error"] = calibration_error(
            [each.ranking.candidates[0].probability for each in named],
            [share_within(each.ranking, each.causes, 1) for each in named],
        )
    figures["ms_per_incident"] = float(np.mean([each.ms for each in outcomes]))
    return figures


def _normal_figures(outcomes: Sequence[Outcome]) -> dict[str, float | int]:
    named = float(np.mean([not each.ranking.abstained for each in outcomes]))
    ms = float(np.mean([each.ms for each in outcomes]))
    return {"n": len(outcomes), "abstained": 1.0 - named, "named_wrongly": named, "ms_per_incident": ms}


def _with_wrong_labels(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Each outcome with the cause of the next outcome that has another cause."""
    causes = [each.causes for each in outcomes]
    wrong = []
    for index, outcome in enumerate(outcomes):
        later = causes[index + 1 :] + causes[:index]
        wrong.append(replace(outcome, causes=next((each for each in later if each != outcome.causes), ())))
    return wrong


def _scrambled(labelled: LabelledCase) -> LabelledCase:
    """The same case with other names, in another order."""
    case = labelled.case
    order = np.random.default_rng(len(case.items)).permutation(len(case.items))
    names = {case.items[old]: f"item-{new:05d}" for new, old in enumerate(order)}
    graph = DependencyGraph(
        (replace(item, id=names[item.id]) for item in case.graph.items.values()),
        (Edge(names[edge.dependent], names[edge.dependency], edge.kind) for edge in case.graph.edges),
    )
    scrambled = replace(
        case,
        alert=replace(case.alert, item=names[case.alert.item]),
        graph=graph,
        items=tuple(names[case.items[old]] for old in order),
        window=_reordered(case.window, order),
        before=_reordered(case.before, order),
        normal=_reordered(case.normal, order),
        changes=tuple(replace(change, item=names[change.item]) for change in case.changes),
        other_alerts=tuple(replace(each, item=names[each.item]) for each in case.other_alerts),
        cause=_renamed(case.cause, names),
        window_spans=_renamed_spans(case.window_spans, names),
        normal_spans=_renamed_spans(case.normal_spans, names),
        window_logs=renamed_logs(case.window_logs, names),
        normal_logs=renamed_logs(case.normal_logs, names),
    )
    return LabelledCase(scrambled, labelled.parts)


def _renamed(causes: Iterable[str], names: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(names.get(cause, cause) for cause in causes)


def _renamed_spans(sums: SpanSums | None, names: Mapping[str, str]) -> SpanSums | None:
    if sums is None:
        return None

    def renamed(cells: Cells) -> Cells:
        return replace(cells, kinds=tuple(_renamed(kind, names) for kind in cells.kinds))

    return SpanSums(*(renamed(each) for each in (sums.own, sums.gap, sums.calls, sums.answers)))


def _reordered(signals: Signals, order: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Signals:
    return Signals(signals.times_ms, {role: values[:, order] for role, values in signals.values.items()})
