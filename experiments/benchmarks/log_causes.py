"""How often log lines alone name the service into which a fault was injected.

Data: Nezha's labelled injected faults on test beds. Every service that wrote a line is a candidate; only log
lines are used. Sunspot is compared with the excess of error lines, and with the number of lines of unseen
templates. Two controls belong to Sunspot's row: ``sunspot_scrambled`` renames every service, which changes
every order, and must give the same figures; ``sunspot_wrong_labels`` is judged by the next fault's cause,
and must do badly.
"""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from cmdb.graph import DependencyGraph
from cmdb.items import Item
from experiments.benchmarks.figures import reciprocal_rank, share_within
from features.logs.counts import LogKind
from features.logs.gaps import GapKind
from features.logs.windows import AT_LEAST_ERROR, log_reference, mix_change, stabilised
from models.evidence.log_templates import log_evidence
from models.rankers.ranking import Ranking, ranking_of
from training.intervals import wilson_interval

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from experiments.datasets.nezha_logs import LoggedDay
    from features.logs.sums import LogSums
    from models.cases.case import Case

    Row = dict[str, float | int | str]
    Outcome = tuple[Ranking, tuple[str, ...], float]

RANKS = (1, 3, 5)


def rank_by_logs(case: Case) -> Ranking:
    """Ranking by Sunspot's evidence from logs alone."""
    evidence = log_evidence(case)
    return ranking_of(case, "sunspot", np.zeros(len(case.items)) if evidence is None else evidence.score)


def rank_by_errors(case: Case) -> Ranking:
    """Items ranked by excess lines at ERROR or worse, in standard deviations."""
    scores = np.zeros(len(case.items))
    if case.window_logs is not None and case.normal_logs is not None:
        for index, item in enumerate(case.items):
            now, then = (_errors_and_lines(logs, item) for logs in (case.window_logs, case.normal_logs))
            expected = then[0] / max(then[1], 1.0) * now[1]
            scores[index] = max(float(stabilised(np.array(now[0])) - stabilised(np.array(expected))), 0.0)
    return ranking_of(case, "error_excess", scores)


def rank_by_new_templates(case: Case) -> Ranking:
    """Items ranked by the number of lines of templates they had not written before."""
    scores = np.zeros(len(case.items))
    if case.window_logs is not None and case.normal_logs is not None:
        counts = case.window_logs.counts
        change = mix_change(counts, log_reference(case.normal_logs.counts))
        place = {item: index for index, item in enumerate(case.items)}
        for kind in np.flatnonzero(change.is_new):
            scores[place[change.kinds[kind].service]] += change.observed[:, kind].sum()
    return ranking_of(case, "new_templates", scores)


METHODS: dict[str, Callable[[Case], Ranking]] = {
    "sunspot": rank_by_logs,
    "error_excess": rank_by_errors,
    "new_templates": rank_by_new_templates,
    "random": lambda case: ranking_of(case, "random", np.ones(len(case.items))),
}


def bench_log_causes(
    days: Sequence[LoggedDay], *, on_progress: Callable[[str], None] = lambda _: None
) -> list[Row]:
    """Rank the services of every fault that has lines; one flat row per part and method."""
    cases: list[Case] = []
    members: dict[str, list[int]] = defaultdict(list)
    for day in days:
        for fault, case in day.cases():
            for part in ("all", day.system, f"{day.system}/{fault.kind}"):
                members[part].append(len(cases))
            cases.append(case)
    outcomes = {name: [_timed(method, case) for case in cases] for name, method in METHODS.items()}
    on_progress("sunspot, its peers and a random order")
    outcomes["sunspot_scrambled"] = [_timed(rank_by_logs, _scrambled(case)) for case in cases]
    outcomes["sunspot_wrong_labels"] = _with_wrong_labels(outcomes["sunspot"])
    on_progress("the controls")
    return [
        {"part": part, "method": method, **_figures([results[each] for each in of])}
        for part, of in sorted(members.items(), key=lambda entry: (entry[0] != "all", entry[0]))
        for method, results in outcomes.items()
        if part == "all" or method in METHODS
    ]


def _timed(method: Callable[[Case], Ranking], case: Case) -> Outcome:
    began = time.perf_counter()
    ranking = method(case)
    return ranking, case.cause, (time.perf_counter() - began) * 1000


def _figures(outcomes: Sequence[Outcome]) -> Row:
    figures: Row = {"n": len(outcomes)}
    for k in RANKS:
        share = float(np.mean([share_within(ranking, causes, k) for ranking, causes, _ in outcomes]))
        low, high = wilson_interval(share * len(outcomes), len(outcomes))
        figures |= {f"as{k}": share, f"as{k}_low": low, f"as{k}_high": high}
    figures["mrr"] = float(np.mean([reciprocal_rank(ranking, causes) for ranking, causes, _ in outcomes]))
    figures["ms_per_incident"] = float(np.mean([ms for _, _, ms in outcomes]))
    return figures


def _errors_and_lines(logs: LogSums, item: str) -> tuple[float, float]:
    total = logs.counts.counts.sum(axis=0)
    lines = errors = 0.0
    for kind, n_lines in zip(logs.counts.kinds, total.tolist(), strict=True):
        if kind.service == item:
            lines += n_lines
            errors += n_lines if kind.severity in AT_LEAST_ERROR else 0.0
    return errors, lines


def _with_wrong_labels(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Each outcome with the cause of the next outcome that has another cause."""
    causes = [each[1] for each in outcomes]
    wrong = []
    for index, (ranking, own, ms) in enumerate(outcomes):
        later = causes[index + 1 :] + causes[:index]
        wrong.append((ranking, next((each for each in later if each != own), ()), ms))
    return wrong


def _scrambled(case: Case) -> Case:
    """The same case with other names, in another order."""
    order = np.random.default_rng(len(case.items)).permutation(len(case.items))
    names = {case.items[old]: f"item-{new:05d}" for new, old in enumerate(order)}
    return replace(
        case,
        alert=replace(case.alert, item=names[case.alert.item]),
        graph=DependencyGraph([Item(name) for name in names.values()], []),
        items=tuple(sorted(names.values())),
        window_logs=renamed_logs(case.window_logs, names),
        normal_logs=renamed_logs(case.normal_logs, names),
        cause=tuple(names[cause] for cause in case.cause),
    )


def renamed_logs(logs: LogSums | None, names: Mapping[str, str]) -> LogSums | None:
    """The same sums with other names; a service without a new name stays as it is."""
    if logs is None:
        return None

    def other(kind: LogKind) -> LogKind:
        return kind._replace(service=names.get(kind.service, kind.service))

    kinds = tuple(other(kind) for kind in logs.counts.kinds)
    gaps = tuple(
        GapKind(
            names.get(each.service, each.service),
            each.template,
            names.get(each.next_service, each.next_service),
            each.next_template,
        )
        for each in logs.gaps.kinds
    )
    return replace(
        logs,
        counts=replace(logs.counts, kinds=kinds),
        gaps=replace(logs.gaps, kinds=gaps),
        examples={other(kind): lines for kind, lines in logs.examples.items()},
        traces={other(kind): ids for kind, ids in logs.traces.items()},
    )
