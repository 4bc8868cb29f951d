"""What histograms say about the time between two of them."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.histograms import described, plus, quantile, rise
from telemetry.batches import SeriesKey
from telemetry.histograms import Buckets, HistogramPoint

WHOLE = SeriesKey("order", "latency_seconds")
INF = math.inf


def explicit(*counts: float, bounds: tuple[float, ...] = (0.1, 0.2)) -> Buckets:
    edges = (-INF, *bounds, INF)
    return Buckets(dict(zip(pairwise(edges), counts, strict=True)))


def a_point(buckets: Buckets | None, total: float = 1.0, **chosen: float) -> HistogramPoint:
    n_observed = chosen.get("n_observed", sum(buckets.counts.values()) if buckets else 0.0)
    return HistogramPoint(WHOLE, 60_000, n_observed, total, buckets)


@pytest.mark.parametrize(
    ("share", "value"),
    # as histogram_quantile(share, …) of Prometheus 2.42 answers
    [(0.5, 0.1), (0.25, 0.05), (0.75, 0.15), (0.9, 0.18), (1.0, 0.2)],
)
def test_quantiles_are_linear_within_buckets_of_explicit_bounds(share: float, value: float) -> None:
    assert quantile(explicit(50, 50, 0), share) == pytest.approx(value)


def test_a_quantile_above_all_bounds_is_the_highest_bound() -> None:
    assert quantile(explicit(1, 0, 99), 0.99) == 0.2


def test_a_first_bucket_of_negative_values_gives_its_bound() -> None:
    assert quantile(explicit(10, 0, bounds=(-1.0,)), 0.5) == -1.0


def test_quantiles_are_exponential_within_native_buckets() -> None:
    assert quantile(Buckets({(1.0, 4.0): 10.0}, is_exponential=True), 0.5) == pytest.approx(2.0)
    assert quantile(Buckets({(-4.0, -1.0): 10.0}, is_exponential=True), 0.5) == pytest.approx(-2.0)


def test_a_zero_bucket_begins_at_zero_unless_there_are_negative_values() -> None:
    zeros = {(-0.5, 0.5): 10.0}
    assert quantile(Buckets(zeros, is_exponential=True), 0.5) == pytest.approx(0.25)
    both = Buckets({**zeros, (-2.0, -1.0): 10.0}, is_exponential=True)
    assert quantile(both, 0.75) == pytest.approx(0.0)


def test_native_buckets_that_reach_zero_are_linear_and_endless_ones_give_their_end() -> None:
    assert quantile(Buckets({(0.0, 4.0): 10.0}, is_exponential=True), 0.5) == 2.0
    assert quantile(Buckets({(-4.0, 0.0): 10.0}, is_exponential=True), 0.25) == -3.0
    assert quantile(Buckets({(4.0, INF): 10.0}, is_exponential=True), 0.5) == 4.0
    assert quantile(Buckets({(-INF, -4.0): 10.0}, is_exponential=True), 0.5) == -4.0


def test_a_rank_beyond_all_is_the_end_of_the_highest_filled_bucket() -> None:
    assert quantile(explicit(3, 1, 0), 1.5) == 0.2
    assert quantile(explicit(3, 0, 1), 1.5) == 0.2


def test_a_rise_without_buckets_has_a_mean() -> None:
    risen = rise(a_point(None, 1.0, n_observed=1.0), a_point(None, 3.0, n_observed=2.0))
    assert risen is not None
    assert described(risen) == {"mean": 2.0}
    running = plus(a_point(None, 1.0, n_observed=1.0), a_point(explicit(1, 0, 0), 1.0))
    assert (running.n_observed, running.buckets) == (2.0, explicit(1, 0, 0))


def test_nothing_observed_says_nothing() -> None:
    assert described(a_point(explicit(0, 0, 0))) == {}
    assert math.isnan(quantile(explicit(0, 0, 0), 0.5))


def test_a_summary_has_a_mean_alone() -> None:
    assert described(a_point(None, total=3.0, n_observed=2.0)) == {"mean": 1.5}


def test_an_unknown_sum_leaves_the_quantiles() -> None:
    assert described(a_point(explicit(1, 0, 0), total=math.nan)).keys() == {"p50", "p95", "p99"}


def test_the_rise_between_two_histograms_is_what_was_observed_between() -> None:
    risen = rise(a_point(explicit(5, 1, 0), 1.0), a_point(explicit(7, 4, 0), 1.7))
    assert risen is not None
    assert risen.buckets == explicit(2, 3, 0)
    assert (risen.n_observed, risen.total) == (5.0, pytest.approx(0.7))


def test_a_histogram_that_falls_was_reset() -> None:
    assert rise(a_point(explicit(5, 1, 0)), a_point(explicit(4, 0, 0))) is None
    assert rise(a_point(explicit(5, 1, 0)), a_point(explicit(9, 0, 0))) is None


def test_other_bounds_leave_the_mean() -> None:
    risen = rise(a_point(explicit(5, 1, 0)), a_point(explicit(9, 1, 0, bounds=(0.1, 0.3))))
    assert risen is not None
    assert risen.buckets is None


def test_a_native_bucket_that_is_new_was_empty() -> None:
    before = a_point(Buckets({(1.0, 2.0): 3.0}, is_exponential=True))
    after = a_point(Buckets({(1.0, 2.0): 3.0, (2.0, 4.0): 2.0}, is_exponential=True))
    risen = rise(before, after)
    assert risen is not None
    assert risen.buckets == Buckets({(1.0, 2.0): 0.0, (2.0, 4.0): 2.0}, is_exponential=True)


@given(st.lists(st.tuples(*[st.integers(0, 9)] * 3), min_size=1, max_size=5))
def test_running_totals_are_the_sum_of_their_parts(counts: list[tuple[int, int, int]]) -> None:
    running = a_point(explicit(0, 0, 0), 0.0)
    for each in counts:
        running = plus(running, a_point(explicit(*each), 0.5))
    assert running.buckets == explicit(*(sum(column) for column in zip(*counts, strict=True)))
    assert (running.n_observed, running.total) == (sum(map(sum, counts)), 0.5 * len(counts))
