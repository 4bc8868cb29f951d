"""Evidence of log lines with numbers worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from builders import a_graph
from scipy import stats
from small_cases import a_small_case

from features.logs.counts import LogCounts, LogKind
from features.logs.gaps import GapKind, LogGaps
from features.logs.sums import LogSums
from features.logs.waits import wait_changes, wait_reference
from features.logs.windows import MixChange, log_reference, mix_change
from models.evidence.log_templates import LogEvidence, log_evidence, log_findings
from models.evidence.log_words import TemplateChange, changed_templates, in_words, slowest_wait

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.cases.case import Case

MINUTE_MS = 60_000
APP, CART, DB = range(3)
DONE, FAIL = LogKind("cart", "INFO", "t-done"), LogKind("cart", "ERROR", "t-fail")
READ, STRANGE = LogKind("db", "INFO", "t-read"), LogKind("stranger", "INFO", "t-x")
KINDS = (DONE, FAIL, READ, STRANGE)
OWN, LINK = GapKind("cart", "t-done", "cart", "t-next"), GapKind("cart", "t-done", "db", "t-read")
LINK_TO_APP, BACK = GapKind("cart", "t-done", "app", "t-got"), GapKind("db", "t-read", "x", "t-y")
NO_GAPS = LogGaps(MINUTE_MS, (), *(np.empty(0, dtype=np.int64),) * 2, *(np.empty(0),) * 3)


def minus_log_p(z: float, freedom: float) -> float:
    return float(-np.log(stats.t.sf(z, freedom)))


def counts(*rows: Sequence[float], step_ms: int = MINUTE_MS) -> LogCounts:
    starts_ms = step_ms * np.arange(len(rows), dtype=np.int64)
    return LogCounts(step_ms, starts_ms, KINDS, np.array(rows, dtype=np.float64).reshape(-1, len(KINDS)))


def gaps(*cells: tuple[GapKind, int, float, float]) -> LogGaps:
    """Cells of a kind and minute with a number of waits, all of the same ln(1 + milliseconds)."""
    kinds = tuple(dict.fromkeys(kind for kind, *_ in cells))
    n = np.array([each for _, _, each, _ in cells])
    wait = np.array([each for *_, each in cells])
    return LogGaps(
        MINUTE_MS,
        kinds,
        np.array([kinds.index(kind) for kind, *_ in cells], dtype=np.int64),
        np.array([MINUTE_MS * minute for _, minute, *_ in cells], dtype=np.int64),
        n,
        n * wait,
        n * wait**2,
    )


NORMAL = counts(*([40.0, 0.0, 20.0, 9.0], [44.0, 0.0, 22.0, 9.0]) * 4)
NOW = counts([10.0, 30.0, 21.0, 0.0], [10.0, 25.0, 21.0, 0.0])


def logged(
    now: LogCounts = NOW, then: LogCounts = NORMAL, *, waits: tuple[LogGaps, LogGaps] = (NO_GAPS, NO_GAPS)
) -> Case:
    case = a_small_case(a_graph(("app", "cart"), ("cart", "db")))
    return replace(case, window_logs=LogSums(now, waits[0]), normal_logs=LogSums(then, waits[1]))


def evidence_of(case: Case) -> LogEvidence:
    found = log_evidence(case)
    assert found is not None
    return found


def test_lines_are_compared_over_the_complete_window_and_the_number_compared_is_counted() -> None:
    found = evidence_of(logged())
    summed = LogCounts(2 * MINUTE_MS, NOW.starts_ms[:1], KINDS, NOW.counts.sum(axis=0, keepdims=True))
    change = mix_change(summed, log_reference(NORMAL))
    np.testing.assert_array_equal(found.change.change, change.change)
    z = dict(zip(change.kinds, change.change[0].tolist(), strict=True))
    assert z[FAIL] > 3.0
    assert z[DONE] < -3.0
    two, freedom = np.log(2), 7.0
    np.testing.assert_allclose(
        found.missing,
        [np.nan, minus_log_p(-z[DONE], freedom) - two, max(minus_log_p(-z[READ], freedom), 0.0)],
    )
    np.testing.assert_allclose(
        found.excess, [np.nan, minus_log_p(z[FAIL], freedom) - two, max(minus_log_p(z[READ], freedom), 0.0)]
    )
    assert np.isnan(found.slow).all()
    np.testing.assert_allclose(found.score, np.nan_to_num(found.missing) + np.nan_to_num(found.excess))


def test_findings_of_logs_have_their_meanings_and_waits_count_half() -> None:
    waits = (
        gaps(*((OWN, minute, 10.0, 3.0) for minute in range(4))),
        gaps(*((OWN, minute, 10.0, 2.0) for minute in range(8))),
    )
    case = logged(waits=waits)
    found = evidence_of(case)
    missing, excess, slow = log_findings(case)
    assert [(each.kind, each.meaning) for each in (missing, excess, slow)] == [
        ("log_missing", "missing"),
        ("log_excess", "new"),
        ("log_waits", "gap"),
    ]
    for each, expected in ((missing, found.missing), (excess, found.excess), (slow, 0.5 * found.slow)):
        np.testing.assert_array_equal(each.surprise, expected)
        assert each.share.tolist() == [1.0, 1.0, 1.0]
    assert missing.sentence(CART)[0].startswith("Missing log lines of cart: 20 logged")
    assert set(missing.sentence(CART)[1]) == {"missing_lines_observed", "missing_lines_expected"}
    assert excess.sentence(CART)[1]["excess_lines_observed"] == 55.0
    assert set(slow.sentence(CART)[1]) == {"wait_ms_observed", "wait_ms_expected"}
    assert missing.templates is not None
    assert excess.templates is not None
    assert slow.templates is not None
    assert [each.kind for each in missing.templates(CART)] == ["missing"]
    assert [each.kind for each in excess.templates(CART)][:1] == ["new"]
    assert [each.kind for each in slow.templates(CART)] == ["slow"]
    stronger = replace(
        found, missing=np.full(3, 0.0), excess=np.full(3, 0.0), slow=np.array([np.nan, 8.0, 2.0])
    )
    np.testing.assert_array_equal(stronger.score, [0.0, 4.0, 1.0])


def test_waits_within_an_item_count_by_the_worst_and_links_that_leave_it_by_their_median() -> None:
    before = gaps(
        *(
            (kind, minute, 10.0, 2.0 + 0.1 * (minute % 2))
            for kind in (OWN, LINK, LINK_TO_APP, BACK)
            for minute in range(8)
        )
    )
    now = gaps(
        (OWN, 0, 3.0, 2.3),
        (OWN, 1, 3.0, 2.5),
        (LINK, 0, 6.0, 2.6),
        (LINK_TO_APP, 0, 6.0, 3.0),
        (BACK, 0, 6.0, 9.0),
    )
    found = evidence_of(logged(waits=(now, before)))
    summed = gaps((OWN, 0, 6.0, 2.4), (LINK, 0, 6.0, 2.6), (LINK_TO_APP, 0, 6.0, 3.0), (BACK, 0, 6.0, 9.0))
    own, link, to_app, _ = wait_changes(summed, wait_reference(before)).tolist()
    expected = max(minus_log_p(own, 7.0), minus_log_p((link + to_app) / 2, 7.0))
    np.testing.assert_allclose(found.slow, [np.nan, expected, np.nan])
    lone = evidence_of(logged(waits=(gaps((OWN, 0, 6.0, 2.4)), before)))
    np.testing.assert_allclose(lone.slow, [np.nan, minus_log_p(own, 7.0), np.nan])


def test_a_past_of_few_or_many_windows_has_three_to_twelve_degrees_of_freedom() -> None:
    for rows, freedom in ((2, 3.0), (60, 12.0)):
        then = counts(*[[40.0, 1.0, 20.0, 9.0]] * rows)
        summed = LogCounts(2 * MINUTE_MS, NOW.starts_ms[:1], KINDS, NOW.counts.sum(axis=0, keepdims=True))
        z = mix_change(summed, log_reference(then)).change[0]
        found = evidence_of(logged(then=then))
        expected = min(max(minus_log_p(float(z[0] * -1), freedom), 0.0), 30.0 + np.log(2))
        assert found.missing[CART] == pytest.approx(expected - np.log(2))


def test_windows_shorter_than_a_minute_are_compared_by_the_minute() -> None:
    short = counts(*([20.0, 0.0, 10.0, 4.5],) * 16, step_ms=30_000)
    minutes = counts(*([40.0, 0.0, 20.0, 9.0],) * 8)
    for name in ("missing", "excess"):
        np.testing.assert_allclose(
            getattr(evidence_of(logged(then=short)), name), getattr(evidence_of(logged(then=minutes)), name)
        )


def test_without_lines_on_either_side_nothing_is_compared() -> None:
    assert log_evidence(logged(then=counts())) is None
    assert log_evidence(replace(logged(), window_logs=None)) is None
    assert log_findings(replace(logged(), normal_logs=None)) == []


CHANGE = MixChange(
    KINDS,
    observed=np.array([[20.0, 55.0, 42.0, 0.0]]),
    expected=np.array([[80.0, 0.0, 42.0, 9.0]]),
    change=np.array([[-5.0, 6.0, 0.0, -9.0]]),
    is_new=np.array([False, True, False, False]),
)


def named(case: Case) -> Case:
    texts, examples = {DONE: "done after <*>"}, {DONE: ("done after 3", "b", "c", "d"), FAIL: ("failed",)}
    assert case.window_logs is not None
    assert case.normal_logs is not None
    return replace(
        case,
        window_logs=replace(
            case.window_logs, examples={FAIL: ("failed",)}, traces={FAIL: ("t1", "t2", "t3", "t4")}
        ),
        normal_logs=replace(case.normal_logs, texts=texts, examples=examples),
    )


def test_a_missing_template_is_described_with_what_is_known_of_it() -> None:
    case = named(logged())
    assert changed_templates(case, CHANGE, item="cart", is_missing=True) == (
        TemplateChange(
            *("missing", "done after <*>", "INFO", 20.0, 80.0, "lines"), ("done after 3", "b", "c"), 0, ()
        ),
    )
    assert changed_templates(case, CHANGE, item="db", is_missing=True) == ()


def test_a_new_template_is_described_with_lines_and_traces_of_the_incident() -> None:
    assert changed_templates(named(logged()), CHANGE, item="cart", is_missing=False) == (
        TemplateChange("new", "t-fail", "ERROR", 55.0, 0.0, "lines", ("failed",), 0, ("t1", "t2", "t3")),
    )


@pytest.mark.parametrize(
    ("expected", "is_new", "word"),
    [(0.0, True, "new"), (0.0, False, "excess"), (0.07, False, "rare"), (0.08, False, "excess")],
)
def test_a_template_with_less_than_a_thousandth_of_the_lines_is_rare(
    expected: float, word: str, *, is_new: bool
) -> None:
    change = replace(
        CHANGE,
        expected=np.array([[80.0, expected, 42.0, 9.0]]),
        is_new=np.array([False, is_new, False, False]),
    )
    [found] = changed_templates(named(logged()), change, item="cart", is_missing=False)
    assert found.kind == word  # 75 lines of the cart were logged


def test_three_templates_are_shown_at_most_the_weaker_ones_from_three_deviations_on() -> None:
    kinds = tuple(LogKind("cart", "INFO", f"t{number}") for number in range(5))

    def shown(*z: float) -> list[str]:
        ones = np.ones((1, 5))
        change = MixChange(
            kinds, observed=ones, expected=ones, change=np.array([z]), is_new=np.zeros(5, dtype=bool)
        )
        return [each.template for each in changed_templates(logged(), change, item="cart", is_missing=False)]

    assert shown(3.0, 5.0, 4.0, 6.0, 3.5) == ["t3", "t1", "t2"]
    assert shown(3.0, 2.9, 4.0, 0.0, -9.0) == ["t2", "t0"]
    assert shown(0.1, 0.0, -1.0, 0.0, 0.0) == ["t0"]
    assert shown(0.0, 0.0, -1.0, 0.0, 0.0) == []


def slowest(n_now: float, n_before: float, wait: float = 3.0, other: float = 2.9) -> list[TemplateChange]:
    now = gaps((OWN, 0, n_now, wait), (LINK, 0, n_now, other))
    before = gaps((OWN, 0, n_before, 2.0), (LINK, 0, n_before, 2.0))
    return list(slowest_wait(named(logged(waits=(now, before))), "cart"))


def test_the_wait_that_grew_most_is_described_in_milliseconds() -> None:
    [found] = slowest(5.0, 20.0)
    assert found == TemplateChange(
        "slow",
        "done after <*>",
        "INFO",
        pytest.approx(np.expm1(3.0)),  # type: ignore[arg-type]
        pytest.approx(np.expm1(2.0)),  # type: ignore[arg-type]
        "ms",
        ("done after 3", "b", "c"),
        0,
        (),
    )
    assert slowest(4.0, 20.0) == []
    assert slowest(5.0, 19.0) == []
    assert slowest(5.0, 20.0, wait=1.9, other=2.0) == []
    assert slowest_wait(logged(), "cart") == ()
    assert slowest_wait(replace(logged(), normal_logs=None), "cart") == ()


def test_many_small_waits_grew_more_than_few_large_ones() -> None:
    now = gaps((OWN, 0, 100.0, 2.5), (GapKind("cart", "t-x", "cart", "t-y"), 0, 5.0, 4.0))
    before = gaps((OWN, 0, 50.0, 2.0), (GapKind("cart", "t-x", "cart", "t-y"), 0, 50.0, 2.0))
    [found] = slowest_wait(logged(waits=(now, before)), "cart")
    assert found.template == "t-done"
    [other] = slowest_wait(logged(waits=(replace(now, n=now.n[::-1], total=now.total[::-1]), before)), "cart")
    assert (other.template, other.severity) == ("t-x", "")


def words(kind: str, *, examples: tuple[str, ...] = ("x" * 200,)) -> tuple[str, dict[str, float]]:
    change = TemplateChange(kind, "t1", "INFO", 1234.0, 7.5, "lines", examples, None, ())
    return in_words("cart", (change, replace(change, kind="other")), "lines")


def test_the_strongest_change_is_a_sentence_with_its_figures() -> None:
    figures = {"lines_observed": 1234.0, "lines_expected": 7.5}
    quoted = f"“{'x' * 160}”"
    for kind, start in (
        ("missing", "Missing log lines"),
        ("excess", "Additional log lines"),
        ("new", "New log lines"),
        ("rare", "Additional rare log lines"),
    ):
        assert words(kind) == (f"{start} of cart: 1,234 logged, 7.5 expected, such as {quoted}.", figures)
    assert words("slow") == (
        f"cart is slow after {quoted}: the next line of the trace follows after 1,234 ms, usually 7.5 ms.",
        figures,
    )
    assert words("new", examples=())[0].endswith("such as template t1.")
    assert in_words("cart", (), "lines") == ("The log lines of cart differ from the usual ones.", {})
