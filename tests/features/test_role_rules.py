from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.frame import Frame
from features.golden import Role
from features.role_columns import RoleColumns
from features.role_files import BadRulesError, read_rules
from features.role_rules import Combine, Rule, Rules, Side
from telemetry.batches import SeriesKey

ITEMS = ("app", "cache", "db")
RULES = Rules(
    read_rules("""
- {rule: free, role: memory, metric: free_bytes, combine: ratio, of: {metric: all_bytes},
   scale: -1, offset: 1}
- {rule: failed, role: errors, metric: calls_total, labels: {code: "5.."}, combine: ratio,
   of: {metric: calls_total, labels: {code: ".+"}}, zero: true}
- {rule: lost, role: errors, metric: lost_ratio, combine: max}
- {rule: calls, role: requests, metric: calls_total, combine: sum}
- {rule: time, role: latency, metric: "t_(seconds|milliseconds)_mean", combine: weighted}
- {rule: cores, role: cpu, metric: idle_seconds_total, combine: mean, scale: -1, offset: 1}
- {rule: pool, role: saturation, metric: pool_percent, combine: max}
""")
)
METRICS = (
    "free_bytes",
    'free_bytes{numa="1"}',
    "all_bytes",
    "lost_ratio",
    'calls_total{code="200"}',
    'calls_total{code="500"}',
    'calls_total{code="503"}',
    "calls_total",
    "t_seconds_mean",
    't_seconds_mean{path="/a"}',
    't_milliseconds_mean{path="/b"}',
    't_seconds_count_total{path="/a"}',
    't_milliseconds_count_total{path="/b"}',
    'idle_seconds_total{cpu="0"}',
    'idle_seconds_total{cpu="1"}',
    "pool_percent",
    'pool_percent{name="b"}',
    "latency_ms",
    "memory_ratio",
    "heap",
)
STEP_MS = 30_000


def naive(frame: Frame, rule: Rule, number: int, item: str, tick: int) -> float:
    """What one rule makes of one item at one tick, series by series."""
    sides: dict[Side, list[tuple[float, float]]] = {side: [] for side in Side}
    for key in frame.keys:
        for part in RULES.parts(key.metric) if key.item == item else ():
            value = frame.values[tick, frame.column_of[key]] * part.scale
            if part.rule == number and not np.isnan(value):
                name, brace, labels = key.metric.partition("{")
                counted = SeriesKey(item, f"{name.removesuffix('_mean')}_count_total{brace}{labels}")
                column = frame.column_of.get(counted)
                weight = np.nan if column is None else frame.values[tick, column]
                sides[part.side].append((value, 0.0 if np.isnan(weight) else weight))
    values = [value for value, _ in sides[Side.VALUE]]
    if rule.combine is Combine.RATIO:
        below = sum(value for value, _ in sides[Side.OF])
        above = sum(values) if values or rule.is_zero_without else np.nan
        found = above / below if sides[Side.OF] and below > 0 else np.nan
    elif not values:
        found = np.nan
    elif rule.combine is Combine.SUM:
        found = sum(values)
    elif rule.combine is Combine.MAX:
        found = max(values)
    else:
        weights = [weight for _, weight in sides[Side.VALUE]]
        is_weighted = rule.combine is Combine.WEIGHTED and sum(weights) > 0
        found = float(np.average(values, weights=weights if is_weighted else None))
    per_tick = STEP_MS / 1000 if rule.role is Role.REQUESTS else 1.0
    return rule.offset + rule.scale * found * per_tick


def rule_for(frame: Frame, role: Role, item: str) -> int | None:
    sides = {
        (part.rule, part.side) for key in frame.keys if key.item == item for part in RULES.parts(key.metric)
    }
    for number, rule in enumerate(RULES.rules):
        is_there = (number, Side.VALUE) in sides or rule.is_zero_without
        if rule.role is role and is_there and (rule.of is None or (number, Side.OF) in sides):
            return number
    return None


KEYS = st.lists(
    st.builds(SeriesKey, st.sampled_from(ITEMS), st.sampled_from(METRICS)), unique=True, max_size=40
)


@given(
    keys=KEYS, asked=st.permutations((*ITEMS, "other")), n_asked=st.integers(0, 4), seed=st.integers(0, 99)
)
def test_combined_roles_equal_a_naive_reading(
    keys: list[SeriesKey], asked: list[str], n_asked: int, seed: int
) -> None:
    random = np.random.default_rng(seed)
    values = random.uniform(0.0, 2.0, size=(3, len(keys)))
    values[random.random(values.shape) < 0.3] = np.nan
    values[random.random(values.shape) < 0.1] = 0.0
    frame = Frame(0, STEP_MS, tuple(keys), values, RoleColumns(tuple(keys), RULES))
    items, ticks = asked[:n_asked], np.array([2, 0])
    roles = frame.roles(items)
    for role in Role:
        expected = np.full((3, n_asked), np.nan)
        for place, item in enumerate(items):
            number = rule_for(frame, role, item)
            for tick in range(3):
                if number is not None:
                    expected[tick, place] = naive(frame, RULES.rules[number], number, item, tick)
                golden = {Role.LATENCY: ("latency_ms", 1e-3), Role.MEMORY: ("memory_ratio", 1.0)}.get(role)
                column = frame.column_of.get(SeriesKey(item, golden[0])) if golden else None
                if golden and column is not None and not np.isnan(values[tick, column]):
                    expected[tick, place] = values[tick, column] * golden[1]
        np.testing.assert_allclose(roles.get(role, np.full((3, n_asked), np.nan)), expected)
        np.testing.assert_allclose(frame.role(role, items), expected)
        np.testing.assert_allclose(frame.role(role, items, ticks=ticks), expected[ticks])


def test_what_is_read_is_known() -> None:
    keys = tuple(SeriesKey("app", metric) for metric in METRICS)
    is_read = RoleColumns(keys, RULES).is_read
    unread = {metric for metric, each in zip(METRICS, is_read, strict=True) if not each}
    assert unread == {"heap", "lost_ratio"}


def test_a_counter_of_requests_is_a_number_a_tick() -> None:
    keys = (SeriesKey("app", 'calls_total{code="200"}'), SeriesKey("app", 'calls_total{code="500"}'))
    frame = Frame(0, STEP_MS, keys, np.array([[3.0, 1.0]]), RoleColumns(keys, RULES))
    assert frame.role(Role.REQUESTS, ["app"]).tolist() == [[120.0]]
    assert frame.role(Role.ERRORS, ["app"]).tolist() == [[0.25]]


@pytest.mark.parametrize(
    ("document", "line", "rule", "reason"),
    [
        ("a: b", 1, "", "list of rules"),
        ("- {rule: a, role: cpu", 1, "", "not YAML"),
        ("\n- nothing", 2, "", "must be fields"),
        ("- {rule: a, role: cpu, metric: b}", 1, "a", "'combine' is missing"),
        ("- {role: cpu, metric: b, combine: sum}", 1, "", "'rule' is missing"),
        ("- {rule: a, role: heat, metric: b, combine: sum}", 1, "a", "role 'heat' is not known"),
        ("- {rule: a, role: cpu, metric: b, combine: min}", 1, "a", "combine 'min' is not known"),
        ("- {rule: a, role: cpu, metric: '(', combine: sum}", 1, "a", "expression of the metric"),
        ("- {rule: a, role: cpu, metric: 5, combine: sum}", 1, "a", "put '5' in quotes"),
        (
            "- {rule: a, role: cpu, metric: b, combine: sum, labels: {code: 500}}",
            1,
            "a",
            "put '500' in quotes",
        ),
        ("- {rule: a, role: cpu, metric: b, combine: sum, labels: [c]}", 1, "a", "labels must be names"),
        ("- {rule: a, role: cpu, metric: b, combine: ratio}", 1, "a", "'of' is needed"),
        ("- {rule: a, role: cpu, metric: b, combine: sum, of: {metric: c}}", 1, "a", "'of' is needed"),
        ("- {rule: a, role: cpu, metric: b, combine: ratio, of: {labels: {}}}", 1, "a", "must have a metric"),
        ("- {rule: a, role: cpu, metric: b, combine: weighted}", 1, "a", "end in _mean"),
        ("- {rule: a, role: cpu, metric: b, combine: sum, unit: fortnights}", 1, "a", "unit 'fortnights'"),
        ("- {rule: a, role: cpu, metric: b, combine: sum, scale: x}", 1, "a", "not a number"),
        ("- {rule: a, role: cpu, metric: b, combine: sum, offset: .nan}", 1, "a", "not a number"),
        ("- {rule: a, role: cpu, metric: b, combine: sum, zero: true}", 1, "a", "for ratios only"),
        ("- {rule: a, role: cpu, metric: b, combine: sum, colour: red}", 1, "a", "'colour' is not known"),
        ("- {rule: a, role: cpu, role: loss, metric: b, combine: sum}", 1, "a", "given twice"),
        (2 * "- {rule: a, role: cpu, metric: b, combine: sum}\n", 2, "a", "line 1 has the same name"),
        ("- &x {rule: a, role: cpu, metric: b, combine: sum}\n- *x", 0, "", "aliases"),
        ("- " + "[" * 3000, 0, "", "not YAML"),
    ],
)
def test_a_wrong_file_says_where(document: str, line: int, rule: str, reason: str) -> None:
    with pytest.raises(BadRulesError, match=reason) as refused:
        read_rules(document)
    assert (refused.value.line if line else 0, refused.value.rule) == (line, rule)


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(document: str) -> None:
    try:
        read_rules(document)
    except BadRulesError:
        return
