"""The mechanisms of the brokerage, each against a naive computation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.brokerage.noise import layered_noise, rough_noise
from experiments.brokerage.queueing import (
    BUSIEST,
    SPREAD,
    carry_over,
    limited_wait,
    n_attempts,
    queueing_delay,
)
from experiments.brokerage.residuals import lagged_correlation, noise_of, ranks_of, residuals
from experiments.brokerage.sizing import outgoing, sizes
from experiments.brokerage.topology import callers_first

if TYPE_CHECKING:
    from pathlib import Path

growths = st.lists(st.floats(-50, 50), min_size=1, max_size=40)


@given(growths, st.floats(0.5, 60))
def test_the_backlog_matches_a_tick_by_tick_computation(growth: list[float], limit: float) -> None:
    expected, held = [], 0.0
    for each in growth:
        held = min(max(held + each, 0.0), limit)
        expected.append(held)
    np.testing.assert_allclose(carry_over(np.array(growth), limit), expected, atol=1e-9)


def test_waiting_grows_without_bound_but_is_capped() -> None:
    delay = queueing_delay(np.array([0.1, 0.5, 0.9, BUSIEST, 1.5]), 4.0)
    assert (np.diff(delay)[:3] > 0).all()
    assert delay[3] == delay[4] < 20


def test_the_wait_at_one_server_matches_theory() -> None:
    busy = np.array([0.2, 0.5, 0.8])
    np.testing.assert_allclose(queueing_delay(busy, 1.0, burstiness=1.0), busy / (1 - busy))


def test_a_limited_wait_is_the_mean_of_capped_answers() -> None:
    rng = np.random.default_rng(0)
    answers = rng.lognormal(np.log(0.5) - SPREAD**2 / 2, SPREAD, 400_000)
    wait = limited_wait(np.array([0.5]), 0.8)
    assert wait.mean_s[0] == pytest.approx(np.minimum(answers, 0.8).mean(), rel=0.01)
    assert wait.too_late[0] == pytest.approx((answers > 0.8).mean(), abs=0.005)


def test_no_retry_is_one_attempt() -> None:
    np.testing.assert_array_equal(n_attempts(np.array([0.0, 0.9]), 0), [1.0, 1.0])


def test_noise_is_heavy_tailed_and_autocorrelated() -> None:
    noise = np.log(rough_noise(np.random.default_rng(1), (1, 50_000), spread=0.1, memory=0.6, freedom=3.0)[0])
    assert noise.std() == pytest.approx(0.1, rel=0.15)
    assert np.corrcoef(noise[:-1], noise[1:])[0, 1] == pytest.approx(0.6, abs=0.05)
    assert np.mean(np.abs(noise) > 4 * noise.std()) > 20 * 6e-5


def test_layered_noise_is_autocorrelated_for_hours() -> None:
    noise = layered_noise(np.random.default_rng(1), (1, 40_000), spread=0.1)[0]
    ranks = ranks_of(noise)
    assert lagged_correlation(ranks, 1) > lagged_correlation(ranks, 120) > 0.3


def test_residuals_have_no_season_or_scale() -> None:
    rng = np.random.default_rng(2)
    slots = np.tile(np.repeat(np.arange(24), 60), 10)
    values = 100.0 * (1 + slots) + (1 + slots) * rng.standard_normal(len(slots))
    values[5] = np.nan
    left = residuals(values, slots)
    assert np.isnan(left[5])
    assert np.nanstd(left) == pytest.approx(1.0, rel=0.05)
    figures = noise_of(values, left)
    assert figures.beyond_4 < 5e-4
    assert figures.memory[0] == pytest.approx(0.0, abs=0.03)
    assert figures.missing == pytest.approx(1 / len(values))


def test_a_constant_series_has_no_residuals() -> None:
    left = residuals(np.full(5_000, 3.0), np.zeros(5_000, dtype=np.int64))
    assert np.isnan(left).all()
    with pytest.raises(ValueError, match="at least 1000 residuals, got 0"):
        noise_of(np.full(5_000, 3.0), left)


def test_sparse_slots_have_no_residuals() -> None:
    assert np.isnan(residuals(np.arange(9.0), np.zeros(9, dtype=np.int64))).all()
    assert lagged_correlation(np.full(10, np.nan), 1) == 0.0


def test_everything_is_sized_for_the_busiest_minute() -> None:
    for item, size in sizes().items():
        assert size.peak > 0, item
        assert size.cores > 0, item
        assert size.pool >= 16, item


def test_callers_come_before_their_callees() -> None:
    position = {item: index for index, item in enumerate(callers_first())}
    for caller, calls in outgoing().items():
        assert all(position[caller] < position[call.callee] for call in calls)


@pytest.mark.public_data
def test_the_noise_resembles_that_of_real_kpis(public_data: Path) -> None:
    from experiments.brokerage.realism import figures, read_kpis, simulated_series  # noqa: PLC0415

    real = figures(read_kpis(public_data / "kpi" / "aiops2018"))
    ours = figures(simulated_series({"requests": ("requests",)})["requests"])
    assert real["memory_1"][0] < ours["memory_1"][1] < real["memory_1"][2]
    assert real["beyond_4"][0] < ours["beyond_4"][1] < real["beyond_4"][2]
    assert 0.5 < ours["jump"][1] / real["jump"][1] < 2.0
