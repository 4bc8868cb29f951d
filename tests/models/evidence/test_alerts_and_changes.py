"""Alerts, changes, new calls and the order of onsets as evidence."""

from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from builders import ONSET, a_case, a_frame, a_graph
from hypothesis import given
from hypothesis import strategies as st

from cmdb.items import ChangeEvent
from features.calendar import AlwaysClock, ExchangeClock
from features.golden import Role
from features.span_sums import Cells, SpanSums
from features.trading_time import trading_days_until
from models.cases.case import Alert, Case, build_case
from models.evidence.alerts import alerts
from models.evidence.calls import calls_of
from models.evidence.changes import changes
from models.evidence.finding import Finding
from models.evidence.new_calls import new_calls
from models.evidence.onset import onset
from models.evidence.own_excess import own_excesses

SHANGHAI = ZoneInfo("Asia/Shanghai")
SHOP = a_graph(("app", "cart"), ("cart", "db"), ("app", "search"))
NORMAL = a_case(SHOP, {}, alerting="app")
START = NORMAL.alert.starts_at


def position_of(case: Case) -> dict[str, int]:
    return {item: index for index, item in enumerate(case.items)}


def surprises(case: Case, finding: Finding | None) -> dict[str, float]:
    assert finding is not None
    return dict(zip(case.items, finding.surprise.tolist(), strict=True))


def sentence_of(case: Case, finding: Finding | None, item: str) -> str:
    assert finding is not None
    return finding.sentence(case.items.index(item))[0]


def ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def alerting(*fired: tuple[str, float]) -> Case:
    """The normal case, with alerts the given minutes after its own alert."""
    others = [Alert(item, f"Slow{item}", START + timedelta(minutes=minutes)) for item, minutes in fired]
    return replace(NORMAL, other_alerts=tuple(others))


def alerts_of(case: Case) -> Finding | None:
    return alerts(case, position_of(case), calls_of(case))


def test_without_another_alert_there_is_no_evidence_from_alerts() -> None:
    assert alerts_of(NORMAL) is None


def test_an_alert_counts_against_the_deepest_item_it_fires_on() -> None:
    case = alerting(("db", 1.0))
    found = surprises(case, alerts_of(case))
    assert found["db"] > 4.0
    assert found["app"] < 1.0
    assert np.isnan(found["cart"])
    assert sentence_of(case, alerts_of(case), "db") == (
        "An alert fires on db itself (Slowdb) but on none of its dependencies."
    )


def test_an_alert_that_has_fired_for_days_counts_little() -> None:
    new, old = alerting(("db", -3.0)), alerting(("db", -3 * 1440.0))
    assert surprises(new, alerts_of(new))["db"] > surprises(old, alerts_of(old))["db"] + 3.0


def test_many_alerts_of_one_item_are_counted() -> None:
    others = tuple(Alert("db", f"Rule{number}", START) for number in range(5))
    case = replace(NORMAL, other_alerts=others)
    assert "5 alerts fire on db itself (Rule0, Rule1, Rule2 and 2 more)" in sentence_of(
        case, alerts_of(case), "db"
    )


@given(st.permutations([("db", 1.0), ("search", 2.0), ("cart", -4.0), ("elsewhere", 0.0)]))
def test_the_order_of_alerts_does_not_matter(fired: list[tuple[str, float]]) -> None:
    some, other = alerting(*fired), alerting(("cart", -4.0), ("db", 1.0), ("search", 2.0))
    np.testing.assert_equal(surprises(some, alerts_of(some)), surprises(other, alerts_of(other)))


def changed(*made: tuple[str, float, str], changes_of: Case = NORMAL) -> Case:
    """A case with changes of items, the given minutes before the alert and of the given kinds."""
    events = [
        ChangeEvent(f"c{number}", item, START - timedelta(minutes=minutes), kind)
        for number, (item, minutes, kind) in enumerate(made)
    ]
    return replace(changes_of, changes=tuple(events))


def changes_in(case: Case) -> dict[str, float]:
    return surprises(case, changes(case, position_of(case)))


def test_a_change_on_the_evening_before_is_minutes_old_at_the_open() -> None:
    evening = ms(datetime(2026, 3, 3, 17, 0, tzinfo=SHANGHAI))
    at_the_open = ms(datetime(2026, 3, 4, 9, 31, tzinfo=SHANGHAI))
    trading, always = (
        trading_days_until(at_the_open, [evening], clock)[0] for clock in (ExchangeClock(), AlwaysClock())
    )
    assert trading * 275 == pytest.approx(32, abs=1)  # minutes: 16 of trading, and 16 hours at a minute each
    assert always == pytest.approx(16.5 / 24, abs=0.01)


def test_a_full_trading_day_counts_as_one_day() -> None:
    start = ms(datetime(2026, 3, 3, tzinfo=SHANGHAI))
    assert trading_days_until(start + 86_400_000, [start], ExchangeClock())[0] == pytest.approx(1.0)


@given(st.lists(st.integers(0, 10**9), max_size=5), st.sampled_from([AlwaysClock(), ExchangeClock()]))
def test_trading_time_never_runs_backwards(ages_ms: list[int], clock: AlwaysClock | ExchangeClock) -> None:
    now = ms(ONSET)
    days = trading_days_until(now, [now - age for age in sorted(ages_ms)], clock)
    assert (days >= 0).all()
    assert (np.diff(days) >= 0).all()


def test_a_built_case_measures_the_age_of_changes_by_the_clock() -> None:
    evening = datetime(2026, 3, 3, 17, 0, tzinfo=SHANGHAI)
    alert = Alert("app", "SlowRequests", datetime(2026, 3, 4, 9, 31, tzinfo=SHANGHAI))

    def ages(clock: AlwaysClock | ExchangeClock) -> tuple[float, ...]:
        return build_case(
            alert,
            alert.starts_at,
            SHOP,
            a_frame(sorted(SHOP.items), n_ticks=60),
            normal=a_frame(sorted(SHOP.items)),
            clock=clock,
            changes=[ChangeEvent("c", "db", evening), ChangeEvent("d", "elsewhere", evening)],
        ).change_ages_days

    assert len(ages(ExchangeClock())) == 1
    assert ages(ExchangeClock()) < ages(AlwaysClock())


def test_a_habit_of_one_kind_does_not_excuse_another_kind_of_change() -> None:
    scaled = [("db", 60.0 * hour, "scaling") for hour in range(1, 40)]
    habit = changes_in(changed(*scaled, ("db", 5.0, "scaling")))["db"]
    deploy = changes_in(changed(*scaled, ("db", 5.0, "deploy")))["db"]
    assert deploy > habit + 1.0


def test_a_change_that_made_an_item_worse_counts_more_than_one_without_effect() -> None:
    slow = a_case(SHOP, {("db", "latency_s"): 0.5}, alerting="app")
    case = changed(("db", 4.0, "deploy"), ("search", 4.0, "deploy"), changes_of=slow)
    found = changes_in(case)
    assert found["db"] > found["search"] + 0.5
    finding = changes(case, position_of(case))
    assert (
        sentence_of(case, finding, "db")
        == "Deploy of db 4 minutes before the alert: its signals became worse."
    )
    assert "its signals did not become worse" in sentence_of(case, finding, "search")


def test_without_signals_on_both_sides_a_change_counts_by_its_time_alone() -> None:
    assert "worse" not in sentence_of(
        changed(("db", 600.0, "deploy")), changes(changed(("db", 600.0, "deploy")), position_of(NORMAL)), "db"
    )


def cells(kinds: tuple[tuple[str, ...], ...], made: list[list[int]]) -> Cells:
    """One cell per kind and bucket of ten spans, of which the given number made the call."""
    n_kinds, n_buckets = len(kinds), len(made[0])
    total = np.array(made, dtype=np.float64).ravel()
    return Cells(
        kinds,
        np.repeat(np.arange(n_kinds), n_buckets),
        np.tile(np.arange(n_buckets) * 10_000, n_kinds),
        np.full(n_kinds * n_buckets, 10.0),
        total,
        total,
    )


def calling(now: list[int], then: list[int]) -> Case:
    kinds = (("cart", "pay", "", "", "search", "find"), ("cart", "pay", "", "", "db", "query"))
    nothing = cells((), [[]])
    spans = [
        SpanSums(nothing, nothing, cells(kinds, [made, [10] * len(made)]), nothing) for made in (now, then)
    ]
    return replace(NORMAL, window_spans=spans[0], normal_spans=spans[1])


def test_a_call_never_made_before_counts_against_its_caller() -> None:
    case = calling([5] * 6, [0] * 50)
    found = new_calls(case, position_of(case))
    assert surprises(case, found)["cart"] > 10.0
    assert np.isnan(surprises(case, found)["search"])
    assert sentence_of(case, found, "cart") == (
        "pay of cart now calls find of search: in 6 of 6 time intervals, and in none of the 50 before."
    )


def test_a_rare_call_and_a_known_call_are_no_evidence() -> None:
    rare = calling([0, 0, 0, 0, 1, 0], [0] * 50)
    assert surprises(rare, new_calls(rare, position_of(rare)))["cart"] < 3.0
    known = calling([5] * 6, [0] * 49 + [1])
    assert surprises(known, new_calls(known, position_of(known)))["cart"] == 0.0


def test_without_spans_or_a_past_there_is_no_data_on_new_calls() -> None:
    assert new_calls(NORMAL, position_of(NORMAL)) is None
    young = calling([5] * 6, [0] * 3)
    assert new_calls(young, position_of(young)) is None


def test_the_earliest_anomaly_is_reported_with_a_bounded_weight() -> None:
    slow = {("db", "latency_s"): 0.5, ("cart", "latency_s"): 0.5}
    case = a_case(SHOP, slow, alerting="app")
    case.window.values[Role.LATENCY][:2, case.items.index("cart")] = 0.1
    finding = onset(case, own_excesses(case))
    found = surprises(case, finding)
    assert 0.5 < found["db"] <= 1.0
    assert found["cart"] == 0.0
    assert np.isnan(found["app"])
    assert "earlier than 1 of the 2 items" in sentence_of(case, finding, "db")


def test_one_anomaly_or_none_has_no_order() -> None:
    assert onset(NORMAL, own_excesses(NORMAL)) is None
    case = a_case(SHOP, {("db", "latency_s"): 0.5}, alerting="app")
    assert onset(case, own_excesses(case)) is None
