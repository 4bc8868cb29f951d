"""Full days of the brokerage: calendar, graph, plausible numbers, reproducible by seed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from cmdb.items import EdgeKind
from experiments.brokerage.estate import CONSUMERS, ENTRY, LINK_SHARES
from experiments.brokerage.simulate import Simulation, simulate
from experiments.brokerage.topology import brokerage_graph
from features.calendar import MINUTES_A_DAY
from features.golden import Role, meaning_of
from telemetry.batches import SeriesKey

FRIDAY = date(2026, 2, 13)  # the last trading day before the Spring Festival
OPEN = 9 * 60 + 30
RATIOS = {Role.ERRORS, Role.CPU, Role.MEMORY, Role.SATURATION, Role.LOSS}


@pytest.fixture(scope="module")
def days() -> Simulation:
    """A trading Friday, a weekend, and a Monday without trading."""
    return simulate(FRIDAY, n_days=4, seed=7)


def jump(simulation: Simulation, *, day: int) -> float:
    column = simulation.frame.column_of[SeriesKey(ENTRY, "requests")]
    start = day * MINUTES_A_DAY + OPEN
    values = simulation.frame.values[:, column]
    return float(np.nanmedian(values[start : start + 5]) / np.nanmedian(values[start - 5 : start]))


def test_requests_jump_tenfold_when_the_market_opens(days: Simulation) -> None:
    assert 7.0 < jump(days, day=0) < 13.0


@pytest.mark.parametrize("day", [1, 2, 3], ids=["Saturday", "Sunday", "holiday"])
def test_nothing_jumps_on_a_day_without_trading(days: Simulation, day: int) -> None:
    assert 0.8 < jump(days, day=day) < 1.25


def test_a_trading_day_has_its_shape(days: Simulation) -> None:
    requests = days.frame.values[:MINUTES_A_DAY, days.frame.column_of[SeriesKey(ENTRY, "requests")]]

    def level(hour: int, minute: int) -> float:
        return float(np.nanmedian(requests[hour * 60 + minute : hour * 60 + minute + 4]))

    assert level(9, 15) > 1.2 * level(9, 10)  # the call auction
    assert level(12, 15) < 0.5 * level(11, 0)  # lunch
    assert level(14, 55) > 1.2 * level(14, 0)  # the close
    assert level(16, 0) < 0.5 * level(14, 0)


def test_the_batch_runs_on_the_evening_of_a_trading_day_only(days: Simulation) -> None:
    jobs = days.frame.values[:, days.frame.column_of[SeriesKey("settlement", "requests")]]
    evening = slice(19 * 60, 20 * 60)
    by_day = jobs.reshape(4, MINUTES_A_DAY)
    assert np.nanmedian(by_day[0, evening]) > 300
    assert np.nanmedian(by_day[1:, evening]) < 10


def test_days_are_local_days(days: Simulation) -> None:
    assert days.start == datetime(2026, 2, 12, 16, tzinfo=UTC)
    assert days.end - days.start == timedelta(days=4)


def test_numbers_are_possible(days: Simulation) -> None:
    for key, column in days.frame.column_of.items():
        values = days.frame.values[:, column]
        known = values[np.isfinite(values)]
        meaning = meaning_of(key.metric)
        assert meaning is not None, key
        assert not np.isinf(values).any(), key
        assert (known >= 0).all(), key
        assert meaning.role not in RATIOS or (known <= 1).all(), key


def test_some_samples_are_missing(days: Simulation) -> None:
    missing = np.isnan(days.frame.values).mean(axis=0)
    assert 0.0005 < np.median(missing) < 0.02


def test_values_are_quantised(days: Simulation) -> None:
    cpu = days.frame.values[:, days.frame.column_of[SeriesKey("order", "cpu_ratio")]] * 1000
    known = cpu[np.isfinite(cpu)]
    np.testing.assert_allclose(known, np.round(known), atol=1e-6)


def test_requests_forwarded_by_the_gateway_arrive(days: Simulation) -> None:
    gateway, session = days.flows.nodes[ENTRY], days.flows.nodes["session"]
    np.testing.assert_allclose(session.arrivals, gateway.arrivals, rtol=0.01)


def test_a_caller_takes_longer_than_the_callee_it_always_calls(days: Simulation) -> None:
    order, risk = days.flows.nodes["order"], days.flows.nodes["risk-check"]
    assert (order.latency_s > risk.latency_s).all()


def test_the_same_seed_gives_the_same_days() -> None:
    first, again, other = (simulate(FRIDAY, n_days=1, seed=seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first.frame.values, again.frame.values)
    assert first.changes == again.changes
    assert not np.array_equal(first.frame.values, other.frame.values, equal_nan=True)


def test_a_longer_step_preserves_the_rates(days: Simulation) -> None:
    coarse = simulate(FRIDAY, n_days=1, seed=7, step=timedelta(minutes=5)).frame
    assert (coarse.n_ticks, coarse.step_ms) == (288, 300_000)
    key = SeriesKey(ENTRY, "requests")
    total = np.nansum(coarse.values[:, coarse.column_of[key]])
    fine = np.nansum(days.frame.values[:MINUTES_A_DAY, days.frame.column_of[key]])
    assert 0.7 < total / fine < 1.4


def test_releases_are_recorded_and_break_nothing(days: Simulation) -> None:
    assert {change.kind for change in days.changes} == {"deploy", "config"}
    assert all(days.start <= change.at < days.end for change in days.changes)
    assert [change.at for change in days.changes] == sorted(change.at for change in days.changes)


@pytest.mark.parametrize(
    ("n_days", "step"),
    [(0, timedelta(minutes=1)), (1, timedelta(0)), (1, timedelta(minutes=7)), (1, timedelta(milliseconds=1))],
)
def test_impossible_days_are_refused(n_days: int, step: timedelta) -> None:
    with pytest.raises(ValueError, match=r"day"):
        simulate(FRIDAY, n_days=n_days, seed=0, step=step)


def test_the_graph_contains_every_item() -> None:
    graph = brokerage_graph()
    kinds = {item.kind for item in graph.items.values()}
    assert len(graph) == 60
    assert kinds == {"service", "database", "cache", "queue", "link", "cdn", "data_centre"}
    assert all(item.team for item in graph.items.values())
    assert {edge.kind for edge in graph.edges} >= {
        EdgeKind.CALLS,
        EdgeKind.ASYNC,
        EdgeKind.RUNS_ON,
        EdgeKind.CONNECTS,
    }


def test_everything_but_the_batch_is_within_reach_of_the_gateway() -> None:
    graph = brokerage_graph()
    assert graph.dependencies(ENTRY) == set(graph.items) - {ENTRY, "settlement"}
    assert set(LINK_SHARES) <= set(graph.hops(ENTRY, max_hops=1))


def test_a_queue_depends_on_its_consumer_and_not_the_other_way_round() -> None:
    graph = brokerage_graph()
    for queue, consumer in CONSUMERS.items():
        assert consumer in graph.dependencies(queue)
        assert queue not in graph.dependencies(consumer)


def test_exactly_the_items_have_series(days: Simulation) -> None:
    assert set(days.frame.items) == set(days.graph.items)


def test_only_the_friday_trades(days: Simulation) -> None:
    assert days.conditions.trades.reshape(4, MINUTES_A_DAY).all(axis=1).tolist() == [
        True,
        False,
        False,
        False,
    ]
