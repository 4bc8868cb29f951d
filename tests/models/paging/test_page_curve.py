"""The rate of false pages by threshold, worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from models.paging.page_curve import page_curve

LEVELS = np.exp([0.0, 1.0, 2.0])


def test_rates_are_read_between_what_was_counted_and_fall_as_a_power_beyond() -> None:
    curve = page_curve(LEVELS, np.array([200, 100, 20]), weeks=10.0)
    # 80 pages went on average 0.75 levels beyond e: (80 + 100) / ((100 + 20) / 2 · 1 + 100 / 3)
    assert curve.fall == pytest.approx(27 / 14)
    np.testing.assert_allclose(curve.levels, [0.0, 1.0])
    np.testing.assert_allclose(np.exp(curve.log_rates), [20.0, 10.0])
    for level, rate in (
        (-1.0, 20.0),
        (0.0, 20.0),
        (0.5, 200**0.5),
        (1.0, 10.0),
        (2.0, 10.0 * np.exp(-27 / 14)),
    ):
        assert curve.rate(np.exp(level)) == pytest.approx(rate)


def test_a_threshold_is_found_for_each_rate_and_none_below_the_first_counted() -> None:
    curve = page_curve(LEVELS, np.array([200, 100, 20]), weeks=10.0)
    for rate, level in ((1000.0, 0.0), (20.0, 0.0), (200**0.5, 0.5), (10.0, 1.0)):
        assert np.log(curve.threshold_for(rate)) == pytest.approx(level)
    assert np.log(curve.threshold_for(10.0 * np.exp(-27 / 14))) == pytest.approx(2.0)


@pytest.mark.parametrize(("last", "levels"), [(50, [0.0, 1.0]), (49, [0.0])])
def test_a_rate_is_counted_where_fifty_pages_passed(last: int, levels: list[float]) -> None:
    np.testing.assert_allclose(page_curve(LEVELS[:2], np.array([60, last]), weeks=1.0).levels, levels)


def test_the_usual_fall_holds_where_no_page_passed() -> None:
    curve = page_curve(LEVELS[:1], np.array([0]), weeks=2.0)
    assert curve.fall == pytest.approx(3.0)
    assert np.exp(curve.log_rates) == pytest.approx([25.0])  # fifty pages at most
    assert page_curve(LEVELS[:1], np.array([0]), weeks=2.0, usual_fall=1.0).fall == pytest.approx(1.0)


def test_a_higher_threshold_never_costs_more_and_of_equal_rates_the_highest_counts() -> None:
    curve = page_curve(LEVELS, np.array([80, 100, 60]), weeks=1.0)
    np.testing.assert_allclose(curve.levels, [1.0, 2.0])
    np.testing.assert_allclose(np.exp(curve.log_rates), [100.0, 60.0])


def test_no_time_at_all_gives_a_rate_beyond_any_budget() -> None:
    assert page_curve(LEVELS[:1], np.array([50]), weeks=0.0).rate(1.0) == pytest.approx(50 / 1e-9)
