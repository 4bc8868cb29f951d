"""The log lines behind a finding: templates, counts, waits, and examples."""

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
    "missing": "Missing log lines",
    "excess": "Additional log lines",
    "new": "New log lines",
    "rare": "Additional rare log lines",
}

MAX_SHOWN = 3
"""Most templates shown in each direction: the strongest, and others beyond `NOTABLE` standard deviations."""

NOTABLE: Final = 3.0

MIN_WAITS_NOW, MIN_WAITS_BEFORE = 5, 20
"""Waits of one kind needed to report it, in the window and in normal operation."""


@dataclass(frozen=True, slots=True)
class TemplateChange:
    """A template whose log lines came more or less often, or later, than usual.

    Attributes
    ----------
    kind
        ``missing``, ``excess``, ``new``, ``rare`` (in excess, and rarely seen before) or ``slow``.
    template
        Its text, ``<*>`` where its lines differ; its id if the text is unknown.
    observed, expected
        The observed value in the incident's window and the expected one, in ``unit``: ``lines``, or for
        ``slow`` the ``ms`` until the next line of the trace.
    examples
        At most three lines, secrets masked.
    first_seen_ms
        Start of the first window with the template, in milliseconds since the epoch.
    trace_ids
        At most three trace ids.
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
    """Return the templates of an item that are missing most, or in largest excess, strongest first."""
    value = -change.change[0] if is_missing else change.change[0]
    owned = [index for index, kind in enumerate(change.kinds) if kind.service == item and value[index] > 0]
    ranked = sorted(owned, key=lambda index: -float(value[index]))[:MAX_SHOWN]
    shown = [index for place, index in enumerate(ranked) if place == 0 or value[index] >= NOTABLE]
    n_lines = sum(
        float(change.observed[0, index]) for index, kind in enumerate(change.kinds) if kind.service == item
    )
    return tuple(
        _template_change(
            case,
            change.kinds[index],
            "missing" if is_missing else _kind_of_excess(change, index, n_lines),
            (float(change.observed[0, index]), float(change.expected[0, index])),
        )
        for index in shown
    )


def slowest_wait(case: Case, item: str) -> tuple[TemplateChange, ...]:
    """Return the wait that begins at an item and grew most, if one occurred often enough."""
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
    return (_template_change(case, line, "slow", passed, unit="ms"),)


def in_words(item: str, changes: Sequence[TemplateChange], name: str) -> tuple[str, dict[str, float]]:
    """Describe the strongest of an item's changes in a sentence, with its figures under the given name."""
    if not changes:
        return f"The log lines of {item} differ from the usual ones.", {}
    change = changes[0]
    shown = f"“{change.examples[0][:160]}”" if change.examples else f"template {change.template}"
    figures = {f"{name}_observed": change.observed, f"{name}_expected": change.expected}
    if change.kind == "slow":
        wait = f"the next line of the trace follows after {figure(change.observed)} ms"
        return f"{item} is slow after {shown}: {wait}, usually {figure(change.expected)} ms.", figures
    counted = f"{change.observed:,.0f} logged, {figure(change.expected)} expected"
    return f"{WORDS[change.kind]} of {item}: {counted}, such as {shown}.", figures


def _template_change(
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
    logged = np.flatnonzero(counts.counts[:, counts.kinds.index(kind)])
    return int(counts.starts_ms[logged[0]]) if len(logged) else None


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
