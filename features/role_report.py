"""What some series mean: which rule reads which metrics for which role, and what none reads."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from features.golden import MEANINGS
from features.role_columns import RoleColumns
from features.role_hints import hint_of
from features.role_rules import Side, unit_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from features.role_rules import Rule, Rules
    from telemetry.batches import SeriesKey

GOLDEN = "golden name"


class Reading(NamedTuple):
    """What is read for a role by one rule.

    Attributes
    ----------
    role, rule, group
        The rule; `GOLDEN` for a metric with a golden name.
    metrics
        Names without labels; of a ratio first those above the line.
    unit
        Of the first metric; empty if nothing says it.
    n_series, n_items
        How much is read.
    """

    role: str
    rule: str
    group: str
    metrics: tuple[str, ...]
    unit: str
    n_series: int
    n_items: int


class Unused(NamedTuple):
    """A rule whose metrics are there, but that is read for no item."""

    rule: str
    role: str
    reason: str


class Unread(NamedTuple):
    """A metric that is read for no role, the number of its series, and advice if it looks like a role."""

    metric: str
    n_series: int
    hint: str


class RoleReport(NamedTuple):
    """What some series mean."""

    readings: tuple[Reading, ...]
    unused: tuple[Unused, ...]
    unread: tuple[Unread, ...]


def report_on(keys: Sequence[SeriesKey], rules: Rules) -> RoleReport:
    """Which rule reads which of the series, by role, and what is left."""
    columns = RoleColumns(tuple(keys), rules)
    readings = sorted(
        (*_golden(keys), *_by_rules(keys, columns)), key=lambda each: (each.role, each.rule != GOLDEN)
    )
    used = {each.rule for each in readings}
    names = [key.metric.partition("{")[0] for key in keys]
    n_series = Counter(name for name, is_read in zip(names, columns.is_read, strict=True) if not is_read)
    read = {name for name, is_read in zip(names, columns.is_read, strict=True) if is_read}
    fitting = _fitting(keys, rules)
    known = read | {name for sides in fitting.values() for found in sides.values() for name in found}
    unread = (
        Unread(name, count, "" if name in known else hint_of(name))
        for name, count in sorted(n_series.items())
    )
    unused = (
        Unused(rule.name, rule.role, _reason(rule, sides))
        for rule, sides in fitting.items()
        if rule.name not in used
    )
    return RoleReport(tuple(readings), tuple(unused), tuple(unread))


def _golden(keys: Sequence[SeriesKey]) -> Iterator[Reading]:
    for metric in sorted({key.metric for key in keys} & MEANINGS.keys()):
        items = [key.item for key in keys if key.metric == metric]
        unit = metric.rpartition("_")[2] if "_" in metric else "count"
        yield Reading(MEANINGS[metric].role, GOLDEN, "", (metric,), unit, len(items), len(set(items)))


def _by_rules(keys: Sequence[SeriesKey], columns: RoleColumns) -> Iterator[Reading]:
    for each in columns.combinations:
        names = [
            sorted({keys[column].metric.partition("{")[0] for column in side.columns})
            for side in (each.value, each.of)
        ]
        read = np.unique(np.concatenate([each.value.columns, each.of.columns]))
        metrics = tuple(dict.fromkeys(names[0] + names[1]))
        unit = unit_of(each.rule, metrics[0])
        yield Reading(
            each.rule.role, each.rule.name, each.rule.group, metrics, unit, len(read), len(each.places)
        )


def _fitting(keys: Sequence[SeriesKey], rules: Rules) -> dict[Rule, dict[Side, set[str]]]:
    """The rules that some series fit, in their order, with the names on each side."""
    found: dict[int, dict[Side, set[str]]] = {}
    for metric in {key.metric for key in keys}:
        for part in rules.parts(metric):
            sides = found.setdefault(part.rule, {side: set() for side in Side})
            sides[part.side].add(metric.partition("{")[0])
    return {rules.rules[number]: found[number] for number in sorted(found)}


def _reason(rule: Rule, sides: dict[Side, set[str]]) -> str:
    lacking = "no item has both sides of the ratio"
    if rule.of is not None and not sides[Side.OF]:
        return f"there is no {rule.of.metric.pattern} to divide by"
    if rule.of is not None and not sides[Side.VALUE] and not rule.is_zero_without:
        return f"there is no {rule.value.metric.pattern} to divide"
    return f"an earlier rule counts{f', or {lacking}' if rule.of is not None else ''}"
