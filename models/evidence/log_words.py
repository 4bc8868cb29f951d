"""What is told of the lines behind a suspicion: templates, counts, waits, and lines to read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

import numpy as np

from features.logs.counts import LogKind
from features.logs.sums import MAX_EXAMPLES
from features.logs.windows import RARE
from models.evidence.figures import figure

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from features.logs.gaps import GapKind, LogGaps
    from features.logs.sums import LogSums
    from features.logs.windows import MixChange
    from models.cases.case import Case

    Floats = NDArray[np.float64]

Shown = TypeVar("Shown", str, tuple[str, ...])

WORDS: Final = {
    "missing": "Log lines missing",
    "excess": "Log lines in excess",
    "new": "New log lines",
    "rare": "Rare log lines in excess",
}

N_TOLD = 3
"""So many templates are told of each direction, beside the strongest those of three standard deviations."""

TELLING: Final = 3.0

MIN_WAITS_NOW, MIN_WAITS_BEFORE = 5, 20
"""So many waits of one kind are needed to tell of it."""


@dataclass(frozen=True, slots=True)
class TemplateChange:
    """One template of log lines that came more or less often, or later, than it usually does.

    Attributes
    ----------
    kind
        ``missing``, ``excess``, ``new``, ``rare`` (in excess, and seldom seen before) or ``slow``.
    template
        Its text, ``<*>`` where its lines differ; its id where the text is not known.
    observed, expected
        What was seen in the incident's window, and what should have been, in ``unit``: ``lines``, or for
        ``slow`` the ``ms`` that passed until the next line of the trace.
    examples
        At most three lines, secrets masked.
    first_seen_ms
        Start of the first window that it is known from, in milliseconds since the epoch.
    trace_ids
        At most three.
    """

    kind: str
    template: str
    severity: str
    observed: float
    expected: float
    unit: str
    examples: tuple[str, ...]
    first_seen_ms: int | None
    trace_ids: tuple[str, ...]


def changed_templates(
    case: Case, change: MixChange, *, item: str, is_missing: bool
) -> tuple[TemplateChange, ...]:
    """The templates of an item that are missing most, or in largest excess, strongest first."""
    value = -change.change[0] if is_missing else change.change[0]
    owned = [index for index, kind in enumerate(change.kinds) if kind.service == item and value[index] > 0]
    ranked = sorted(owned, key=lambda index: -float(value[index]))[:N_TOLD]
    told = [index for place, index in enumerate(ranked) if place == 0 or value[index] >= TELLING]
    n_lines = sum(
        float(change.observed[0, index]) for index, kind in enumerate(change.kinds) if kind.service == item
    )
    return tuple(
        _told(
            case,
            change.kinds[index],
            "missing" if is_missing else _kind_of_excess(change, index, n_lines),
            (float(change.observed[0, index]), float(change.expected[0, index])),
        )
        for index in told
    )


def slowest_wait(case: Case, item: str) -> tuple[TemplateChange, ...]:
    """The wait that begins at an item and grew most, of those that came often enough; none or one."""
    if case.window_logs is None or case.normal_logs is None:
        return ()
    now, before = _waits(case.window_logs.gaps), _waits(case.normal_logs.gaps)
    grown = [
        (np.sqrt(n) * (mean - before[kind][1]), kind)
        for kind, (n, mean) in now.items()
        if kind.service == item
        and n >= MIN_WAITS_NOW
        and kind in before
        and before[kind][0] >= MIN_WAITS_BEFORE
    ]
    growth, kind = max(grown, default=(0.0, None))
    if kind is None or growth <= 0:
        return ()
    line = next(
        (each for each in case.window_logs.counts.kinds if (each.service, each.template) == kind[:2]),
        LogKind(item, "", kind.template),
    )
    passed = float(np.expm1(now[kind][1])), float(np.expm1(before[kind][1]))
    return (_told(case, line, "slow", passed, unit="ms"),)


def in_words(item: str, changes: Sequence[TemplateChange], name: str) -> tuple[str, dict[str, float]]:
    """The strongest of some changes of an item as a sentence, and its figures under a name with its unit."""
    if not changes:
        return f"The log lines of {item} differ from what they usually are.", {}
    told = changes[0]
    shown = f"“{told.examples[0][:160]}”" if told.examples else f"template {told.template}"
    figures = {f"{name}_observed": told.observed, f"{name}_expected": told.expected}
    if told.kind == "slow":
        passed = f"{figure(told.observed)} ms passed until the next line of the trace"
        return f"{item} is late after {shown}: {passed}, usually {figure(told.expected)} ms.", figures
    counted = f"{told.observed:,.0f} came, {figure(told.expected)} expected"
    return f"{WORDS[told.kind]} of {item}: {counted}, such as {shown}.", figures


def _told(
    case: Case, kind: LogKind, word: str, figures: tuple[float, float], *, unit: str = "lines"
) -> TemplateChange:
    known = [each for each in (case.window_logs, case.normal_logs) if each is not None]
    starts = [start for start in (_first_start(each, kind) for each in known) if start is not None]
    return TemplateChange(
        word,
        _of(kind, [each.texts for each in known]) or kind.template,
        kind.severity,
        *figures,
        unit,
        (_of(kind, [each.examples for each in known]) or ())[:MAX_EXAMPLES],
        min(starts, default=None),
        (_of(kind, [each.traces for each in known]) or ())[:MAX_EXAMPLES],
    )


def _of(kind: LogKind, maps: Sequence[Mapping[LogKind, Shown]]) -> Shown | None:
    return next((each[kind] for each in maps if each.get(kind)), None)


def _first_start(sums: LogSums, kind: LogKind) -> int | None:
    counts = sums.counts
    if kind not in counts.kinds:
        return None
    said = np.flatnonzero(counts.counts[:, counts.kinds.index(kind)])
    return int(counts.starts_ms[said[0]]) if len(said) else None


def _kind_of_excess(change: MixChange, index: int, n_lines: float) -> str:
    if change.is_new[index]:
        return "new"
    return "rare" if 0 < change.expected[0, index] < RARE * n_lines else "excess"


def _waits(gaps: LogGaps) -> dict[GapKind, tuple[float, float]]:
    """Number of waits of each kind, and the mean of ln(1 + milliseconds)."""
    n, total = (
        np.bincount(gaps.kind, weights=each, minlength=len(gaps.kinds)) for each in (gaps.n, gaps.total)
    )
    return {
        kind: (float(n[index]), float(total[index] / n[index]))
        for index, kind in enumerate(gaps.kinds)
        if n[index] > 0
    }
