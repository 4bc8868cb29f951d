"""Rules that say which metrics of real senders mean a role, and how an item's series combine to it.

The shipped rules are in ``roles.yaml``; a firm's own come before them. The first rule of a role that an
item has the metrics for counts.
"""

from __future__ import annotations

import re
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from features.counters import COUNTER_ENDING
from features.golden import MEANINGS, Role
from telemetry.metric_names import labels_in

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SHIPPED: Final = Path(__file__).with_name("roles.yaml")
MAX_REMEMBERED: Final = 200_000
"""Metrics whose parts are remembered at once."""

MEAN_ENDING: Final = "_mean"
COUNT_ENDING: Final = "_count_total"

UNITS: Final[Mapping[str, float]] = {
    "seconds": 1.0,
    "milliseconds": 1e-3,
    "microseconds": 1e-6,
    "nanoseconds": 1e-9,
    "ratio": 1.0,
    "percent": 0.01,
    "bytes": 1.0,
    "cores": 1.0,
    "count": 1.0,
    "per_second": 1.0,
}
"""Units that a rule may name, and the scale to the role's own unit."""

NAMED_UNITS: Final = frozenset(UNITS) - {"count", "per_second", "cores"}
"""Units that the last word of a metric's name may say."""

_ENDINGS: Final = re.compile(r"(_total|_mean|_value|_p50|_p95|_p99|_sum)+$")


class Combine(StrEnum):
    """How the series of one item become one value a tick."""

    SUM = "sum"
    MEAN = "mean"
    MAX = "max"
    WEIGHTED = "weighted"  # mean of means, each weighted by its count
    RATIO = "ratio"  # sum of some series over the sum of others


class Side(StrEnum):
    """Where a series stands in its rule."""

    VALUE = "value"
    OF = "of"  # below the line of a ratio


class Term(NamedTuple):
    """Which series are meant.

    Attributes
    ----------
    metric
        Matches the whole name, without labels.
    labels
        Each matches the whole value of its label; a label that is not there is empty.
    """

    metric: re.Pattern[str]
    labels: tuple[tuple[str, re.Pattern[str]], ...] = ()

    def takes(self, labels: Mapping[str, str]) -> bool:
        """Whether a metric whose name matches is meant, by its labels."""
        return all(pattern.fullmatch(labels.get(name, "")) for name, pattern in self.labels)


class Rule(NamedTuple):
    """How a role is read: ``role`` value = ``offset + scale × combined values in the role's unit``.

    Attributes
    ----------
    name
        Unique among the rules of a file.
    group
        What it belongs to, such as a sender's name.
    value, of
        The series; ``of`` are those below the line of a ratio.
    unit
        Of the values; empty where each metric's name says it.
    is_zero_without
        Whether a ratio is 0 where no series is above the line, as where no request ever failed.
    """

    name: str
    group: str
    role: Role
    value: Term
    combine: Combine
    of: Term | None = None
    unit: str = ""
    scale: float = 1.0
    offset: float = 0.0
    is_zero_without: bool = False

    @property
    def is_per_second(self) -> bool:
        """Whether values are numbers a second, and the role is a number a tick."""
        return self.unit == "per_second"


class Part(NamedTuple):
    """That a metric is read by a rule: the rule's place in the order, and the scale of the metric's unit."""

    rule: int
    side: Side
    scale: float


class Rules:
    """Rules in their order.

    Parameters
    ----------
    rules
        The first rule of a role for which an item has metrics counts.
    """

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.rules = tuple(rules)
        self._parts: dict[str, tuple[Part, ...]] = {}
        self._candidates = lru_cache(maxsize=10_000)(self._named)

    def parts(self, metric: str) -> tuple[Part, ...]:
        """The rules by which a metric, given with its labels, is read; none for golden names."""
        found = self._parts.get(metric)
        if found is None:
            if len(self._parts) >= MAX_REMEMBERED:
                self._parts.clear()
            found = self._parts[metric] = self._found(metric)
        return found

    def _found(self, metric: str) -> tuple[Part, ...]:
        name, brace, _ = metric.partition("{")
        candidates = self._candidates(name)
        if not candidates or metric in MEANINGS:
            return ()
        labels = labels_in(metric) if brace else {}
        return tuple(part for part, term in candidates if term.takes(labels))

    def _named(self, name: str) -> tuple[tuple[Part, Term], ...]:
        """The rules that a name fits, whatever its labels."""
        found = []
        for number, rule in enumerate(self.rules):
            for side, term in ((Side.VALUE, rule.value), (Side.OF, rule.of)):
                if term is not None and term.metric.fullmatch(name):
                    is_said = bool(rule.unit) and side is Side.VALUE
                    found.append((Part(number, side, UNITS[rule.unit] if is_said else scale_in(name)), term))
        return tuple(found)


def unit_in(name: str) -> str:
    """The unit that a metric's name ends in, without labels; empty if it says none.

    >>> unit_in("request_duration_milliseconds_mean"), unit_in("request_duration_seconds_count_total")
    ('milliseconds', '')
    """
    if name.endswith(COUNT_ENDING):
        return ""
    last = _ENDINGS.sub("", name).rpartition("_")[2]
    return last if last in NAMED_UNITS else ""


def scale_in(name: str) -> float:
    """Scale from the unit in a metric's name to seconds or a share; 1 if it says none."""
    return UNITS.get(unit_in(name), 1.0)


def unit_of(rule: Rule, name: str) -> str:
    """The unit in which a rule reads a metric; empty if neither says one."""
    if rule.of is not None:
        return rule.unit or (unit_in(name) if rule.role is Role.LATENCY else "ratio")
    return rule.unit or unit_in(name) or ("per_second" if name.endswith(COUNTER_ENDING) else "")
