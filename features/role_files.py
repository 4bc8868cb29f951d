"""Reads files of role rules, and says where one is wrong."""

from __future__ import annotations

import math
import re
from functools import cache
from typing import TYPE_CHECKING, Any, Final, TypeVar

import yaml

from features.golden import Role
from features.role_rules import MEAN_ENDING, SHIPPED, UNITS, Combine, Rule, Rules, Term

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAX_RULES: Final = 1_000
MAX_BYTES: Final = 1_000_000
MAX_PATTERN: Final = 300
KEYS: Final = frozenset(
    {"rule", "set", "role", "metric", "labels", "of", "combine", "unit", "scale", "offset", "zero"}
)
NEEDED: Final = ("rule", "role", "metric", "combine")

Choice = TypeVar("Choice", bound=str)


class BadRulesError(ValueError):
    """A file of rules that cannot be used.

    Attributes
    ----------
    line
        Where, from 1; 0 if it is no matter of a line.
    rule
        The rule's name, empty if it is no matter of one.
    reason
        What is wrong.
    """

    def __init__(self, reason: str, *, line: int = 0, rule: str = "") -> None:
        where = [f"line {line}"] * (line > 0) + [f"rule {rule[:60]!r}"] * bool(rule)
        super().__init__(f"{', '.join(where)}: {reason}" if where else reason)
        self.line = line
        self.rule = rule
        self.reason = reason


def read_rules(document: str) -> tuple[Rule, ...]:
    """The rules of a YAML document: a list, in the order in which they are tried.

    Raises
    ------
    BadRulesError
        If it is no such document, or a rule is incomplete, contradicts itself or names what is not known.

    Examples
    --------
    >>> rule, = read_rules("- {rule: pool, role: saturation, metric: pool_used_ratio, combine: max}")
    >>> rule.combine, rule.role
    (<Combine.MAX: 'max'>, <Role.SATURATION: 'saturation'>)
    """
    if len(document) > MAX_BYTES:
        raise BadRulesError(f"it is over the limit of {MAX_BYTES} characters")
    rules: list[Rule] = []
    lines: dict[str, int] = {}
    for line, fields in _entries(document):
        rule = _rule(line, fields)
        if rule.name in lines:
            raise BadRulesError(f"line {lines[rule.name]} has the same name", line=line, rule=rule.name)
        lines[rule.name] = line
        rules.append(rule)
    return tuple(rules)


def rules_with(path: Path | None) -> Rules:
    """A firm's own rules, if there is a file of them, before the shipped ones.

    Raises
    ------
    OSError, UnicodeDecodeError
        If the file cannot be read.
    BadRulesError
        If it cannot be used.
    """
    if path is None:
        return shipped_rules()
    own = read_rules(path.read_text(encoding="utf-8-sig"))
    return Rules((*own, *shipped_rules().rules))


@cache
def shipped_rules() -> Rules:
    """The rules that come with Sunspot."""
    return Rules(read_rules(SHIPPED.read_text(encoding="utf-8")))


def _entries(document: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Line and fields of each entry of the list."""
    loader = yaml.CSafeLoader if hasattr(yaml, "CSafeLoader") else yaml.SafeLoader
    try:
        if any(isinstance(token, yaml.AliasToken) for token in yaml.scan(document, Loader=loader)):
            raise BadRulesError("aliases (*name) are not understood")
        root = yaml.compose(document, Loader=loader)
        entries = yaml.load(document, Loader=loader)  # noqa: S506 (it is a safe loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or "a character that is not allowed"
        line = min(mark.line + 1, document.count("\n") + 1) if mark else 0
        raise BadRulesError(f"it is not YAML: {problem}", line=line) from error
    except (RecursionError, ValueError) as error:
        raise BadRulesError(f"it is not YAML: {error}") from error
    if root is None:
        return
    if not isinstance(entries, list):
        raise BadRulesError("it must be a list of rules, each beginning with '- rule: NAME'", line=1)
    if len(entries) > MAX_RULES:
        raise BadRulesError(f"{len(entries)} rules are over the limit of {MAX_RULES}")
    for node, fields in zip(root.value, entries, strict=True):
        line = node.start_mark.line + 1
        if not isinstance(fields, dict):
            raise BadRulesError("a rule must be fields such as 'rule: NAME'", line=line)
        names = [each.value for each, _ in node.value]
        if repeated := sorted({name for name in names if names.count(name) > 1}):
            raise BadRulesError(
                f"{repeated[0]!r} is given twice", line=line, rule=str(fields.get("rule", ""))
            )
        yield line, fields


def _rule(line: int, fields: dict[str, Any]) -> Rule:
    name = fields.get("rule")
    try:
        return _checked(fields)
    except (TypeError, ValueError) as error:
        raise BadRulesError(str(error), line=line, rule="" if name is None else str(name)) from error


def _checked(fields: dict[str, Any]) -> Rule:
    if unknown := sorted(str(each) for each in fields.keys() - KEYS):
        raise ValueError(f"{unknown[0]!r} is not known; a rule has {', '.join(sorted(KEYS))}")
    if missing := [each for each in NEEDED if each not in fields]:
        raise ValueError(f"{missing[0]!r} is missing")
    name, group = fields["rule"], fields.get("set", "own")
    if not isinstance(name, str) or not name or not isinstance(group, str):
        raise ValueError("the names of a rule and of its set must be texts")
    role = _one_of(fields["role"], "role", tuple(Role))
    combine = _one_of(fields["combine"], "combine", tuple(Combine))
    value = _term(fields["metric"], fields.get("labels", {}))
    if combine is Combine.WEIGHTED and not value.metric.pattern.endswith(MEAN_ENDING):
        raise ValueError(f"'combine: weighted' is for metrics that end in {MEAN_ENDING}")
    of, is_zero = fields.get("of"), fields.get("zero", False)
    if (of is None) is (combine is Combine.RATIO):
        raise ValueError("'of' is needed with 'combine: ratio', and with no other")
    if of is not None and (not isinstance(of, dict) or not {"metric"} <= of.keys() <= {"metric", "labels"}):
        raise ValueError("'of' must have a metric, and may have labels")
    if not isinstance(is_zero, bool) or (is_zero and of is None):
        raise ValueError("'zero' must be true or false, and is for ratios only")
    default_unit = "per_second" if role is Role.REQUESTS and of is None else ""
    unit = fields.get("unit", default_unit)
    return Rule(
        name=name,
        group=group,
        role=role,
        value=value,
        combine=combine,
        of=None if of is None else _term(of["metric"], of.get("labels", {})),
        unit=_one_of(unit, "unit", tuple(UNITS)) if unit else "",
        scale=_number(fields, "scale", 1.0),
        offset=_number(fields, "offset", 0.0),
        is_zero_without=is_zero,
    )


def _one_of(value: object, key: str, known: tuple[Choice, ...]) -> Choice:
    for each in known:
        if value == each:
            return each
    raise ValueError(f"{key} {str(value)[:40]!r} is not known; known are {', '.join(known)}")


def _number(fields: dict[str, Any], key: str, default: float) -> float:
    value = fields.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{key} {str(value)[:40]!r} is not a number")
    return float(value)


def _term(metric: object, labels: object) -> Term:
    if not isinstance(labels, dict):
        raise TypeError("labels must be names, each with an expression")
    conditions = []
    for name, expression in labels.items():
        if not isinstance(name, str):
            raise TypeError(f"label {str(name)[:40]!r} is not a text: put it in quotes")
        conditions.append((name, _pattern(expression, f"label {name[:40]!r}")))
    return Term(_pattern(metric, "the metric"), tuple(conditions))


def _pattern(expression: object, what: str) -> re.Pattern[str]:
    if not isinstance(expression, str):
        raise TypeError(f"{what} must be a text: put {str(expression)[:40]!r} in quotes")
    if len(expression) > MAX_PATTERN:
        raise ValueError(f"the expression of {what} is over the limit of {MAX_PATTERN} characters")
    try:
        return re.compile(expression, re.ASCII)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"the expression of {what}, {expression[:40]!r}, is wrong: {error}") from error
