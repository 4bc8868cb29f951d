import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import genpareto

from models.tails import BEYOND, past_surprise, surprise


def column(values: np.ndarray) -> np.ndarray:
    return np.asarray(values, dtype=np.float64)[:, None]


def test_the_middle_of_the_past_is_not_surprising() -> None:
    assert surprise(np.array([0.0]), column(np.arange(-50, 51)))[0] == pytest.approx(np.log(2), abs=0.02)


def test_surprise_follows_the_tail_that_the_past_was_drawn_from() -> None:
    past = genpareto.rvs(0.2, size=(40_000, 1), random_state=1)
    value = genpareto.isf(1e-4, 0.2)
    assert surprise(np.array([value]), past)[0] == pytest.approx(-np.log(1e-4), rel=0.12)


def test_surprise_is_capped_a_little_beyond_what_the_past_had_room_for() -> None:
    past = column(np.random.default_rng(0).normal(size=500))
    assert surprise(np.array([1e9]), past)[0] == pytest.approx(np.log(BEYOND * 501))


def test_a_past_that_never_moved_gives_the_surprise_of_its_length() -> None:
    assert surprise(np.array([1e-9]), np.zeros((99, 1)))[0] == pytest.approx(np.log(100))


def test_a_floor_keeps_a_small_move_over_a_still_past_unsurprising() -> None:
    past = column(1.0 + 1e-9 * np.arange(200))
    loud = surprise(np.array([1.01]), past)[0]
    calm = surprise(np.array([1.01]), past, floor=0.02)[0]
    assert calm < loud
    assert calm == pytest.approx(-np.log(0.05) + 0.5, abs=0.1)


def test_no_past_gives_no_surprise() -> None:
    assert surprise(np.array([5.0]), np.empty((0, 1)))[0] == 0.0


def test_a_short_past_is_counted_and_not_fitted() -> None:
    assert surprise(np.array([9.0]), column(np.arange(9.0)))[0] == pytest.approx(np.log(10))


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=80), st.floats(-1e6, 1e6), st.floats(0, 1e6))
def test_more_is_never_less_surprising(past: list[float], value: float, more: float) -> None:
    both = surprise(np.array([value, value + more]), np.array([past, past]).T)
    assert np.isfinite(both).all()
    assert (both >= 0).all()
    assert both[1] >= both[0] - 1e-9


@given(st.lists(st.sampled_from([-1.0, 0.0, 0.0, 2.0, 5.0]), min_size=1, max_size=30))
def test_how_surprising_a_past_was_is_the_share_of_it_that_is_as_large(past: list[float]) -> None:
    shares = [sum(other >= value for other in past) / len(past) for value in past]
    both = past_surprise(np.array([past, past[::-1]]).T)
    np.testing.assert_allclose(both[:, 0], -np.log(shares), atol=1e-12)
    np.testing.assert_allclose(both[::-1, 1], both[:, 0])


def test_without_a_past_none_of_it_is_surprising() -> None:
    assert past_surprise(np.empty((0, 3))).shape == (0, 3)
