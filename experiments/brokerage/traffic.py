"""Customer demand over the exchange day, journey by journey."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from experiments.brokerage.noise import layered_noise
from features.calendar import MINUTES_A_DAY

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from experiments.brokerage.conditions import Conditions

TRADING_DAY: tuple[tuple[float, float], ...] = (
    (0, 22), (2 * 60, 6), (5 * 60, 5), (7 * 60, 25), (8 * 60 + 30, 50), (9 * 60, 62), (9 * 60 + 14.9, 75),
    (9 * 60 + 15, 120), (9 * 60 + 18, 95), (9 * 60 + 24, 98), (9 * 60 + 25, 135), (9 * 60 + 27, 100),
    (9 * 60 + 29.9, 96),
    (9 * 60 + 30, 1000), (9 * 60 + 36, 880), (9 * 60 + 50, 640), (10 * 60 + 15, 540), (11 * 60, 470),
    (11 * 60 + 25, 500), (11 * 60 + 29.9, 520), (11 * 60 + 30, 300), (11 * 60 + 40, 170), (12 * 60 + 30, 130),
    (12 * 60 + 59.9, 180), (13 * 60, 560), (13 * 60 + 10, 500), (14 * 60, 430), (14 * 60 + 30, 520),
    (14 * 60 + 50, 640), (14 * 60 + 56.9, 760), (14 * 60 + 57, 700), (14 * 60 + 59.9, 780), (15 * 60, 480),
    (15 * 60 + 10, 260), (15 * 60 + 40, 150), (17 * 60, 100), (18 * 60, 85), (20 * 60 + 30, 120),
    (22 * 60, 95), (MINUTES_A_DAY, 22),
)  # fmt: skip
"""Requests per second of a million customers by local minute of a trading day, linearly interpolated."""

OTHER_DAY: tuple[tuple[float, float], ...] = (
    (0, 18), (2 * 60, 6), (6 * 60, 5), (9 * 60, 35), (11 * 60, 48), (13 * 60, 42), (16 * 60, 45),
    (20 * 60, 75), (21 * 60 + 30, 80), (MINUTES_A_DAY, 18),
)  # fmt: skip
"""The same for a weekend or holiday."""

CUSTOMERS = 4.0
"""Millions of customers."""

UNOPENED = 96.0
"""Most of the same while the market should be open and is not: people look, and leave."""

MIX: dict[str, tuple[float, float, float]] = {
    # share of the requests: market open, trading day around it, evenings and other days
    "login": (0.03, 0.10, 0.05),
    "quotes": (0.47, 0.40, 0.22),
    "kline": (0.13, 0.08, 0.12),
    "news": (0.05, 0.12, 0.26),
    "search": (0.04, 0.05, 0.07),
    "account-opening": (0.004, 0.010, 0.020),
    "order": (0.085, 0.030, 0.004),
    "position": (0.14, 0.12, 0.08),
    "funds": (0.02, 0.03, 0.02),
    "wealth": (0.031, 0.060, 0.156),
}
"""The journeys that lead through the gateway."""

SETTLEMENT_PEAK = 12.0
"""Settlement jobs per second at the height of the evening batch."""

MARKET_MESSAGES = 4_000.0
"""Messages per second from the exchange while it trades."""

OPEN_MINUTES = ((9 * 60 + 30, 11 * 60 + 30), (13 * 60, 15 * 60))
AROUND_OPEN = ((7 * 60, 0.0), (8 * 60 + 45, 1.0), (15 * 60 + 15, 1.0), (17 * 60 + 30, 0.0))
"""Weight of the mix around trading by local minute, linearly interpolated; outside trading itself."""


def customer_demand(conditions: Conditions, rng: np.random.Generator) -> NDArray[np.float64]:
    """Requests per second from customers to the gateway, shape ``(n_ticks,)``, with noise."""
    expected = expected_demand(conditions)
    day = (conditions.minutes // MINUTES_A_DAY).astype(int)
    mood = rng.lognormal(0.0, 0.07, day[-1] + 1)[day]  # some days are livelier
    demand: NDArray[np.float64] = expected * mood * layered_noise(rng, (1, len(expected)), spread=0.09)[0]
    return demand


def expected_demand(conditions: Conditions, *, as_planned: bool = False) -> NDArray[np.float64]:
    """Requests per second without noise, shape ``(n_ticks,)``; as planned, every trading day opens."""
    minute = conditions.minute_of_day
    trading = _between(minute, TRADING_DAY)
    other = _between(minute, OTHER_DAY)
    demand: NDArray[np.float64] = CUSTOMERS * np.where(conditions.trades, trading, other)
    if as_planned:
        return demand
    return np.where(_is_unopened(conditions), np.minimum(demand, CUSTOMERS * UNOPENED), demand)


def journey_shares(conditions: Conditions, rng: np.random.Generator) -> dict[str, NDArray[np.float64]]:
    """Share of each journey in the gateway's requests, each shape ``(n_ticks,)``; they sum to 1."""
    around = _between(conditions.minute_of_day, AROUND_OPEN) * conditions.trades
    is_busy = is_open(conditions)
    weights = np.stack([is_busy, ~is_busy * around, ~is_busy * (1.0 - around)])
    noise = layered_noise(rng, (len(MIX), len(around)), spread=0.06)
    shares: NDArray[np.float64] = np.array(list(MIX.values())) @ weights * noise
    shares /= shares.sum(axis=0)
    return dict(zip(MIX, shares, strict=True))


def is_open(conditions: Conditions) -> NDArray[np.bool_]:
    """Whether the market trades in each tick, shape ``(n_ticks,)``."""
    return _in_hours(conditions) & conditions.opens


def settlement_jobs(conditions: Conditions) -> NDArray[np.float64]:
    """Jobs per second of the evening batch of a trading day, shape ``(n_ticks,)``."""
    shape = np.interp(
        conditions.minute_of_day, (0, 1109, 1110, 1125, 1230, 1290, 1320, 1440), (0, 0, 0.4, 1, 1, 0.5, 0, 0)
    )
    return SETTLEMENT_PEAK * np.where(conditions.trades, shape, 0.0) + 0.02


def market_messages(conditions: Conditions) -> NDArray[np.float64]:
    """Messages per second from the exchange, shape ``(n_ticks,)``."""
    minute = conditions.minute_of_day
    auction = conditions.trades & (minute >= 9 * 60 + 15) & (minute < 9 * 60 + 30)
    return 5.0 + MARKET_MESSAGES * np.where(
        is_open(conditions), 1.0, np.where(auction | _is_unopened(conditions), 0.08, 0.0)
    )


def _between(minute: NDArray[np.float64], points: tuple[tuple[float, float], ...]) -> NDArray[np.float64]:
    return np.interp(minute, [at for at, _ in points], [rate for _, rate in points])


def _in_hours(conditions: Conditions) -> NDArray[np.bool_]:
    minute = conditions.minute_of_day
    in_hours = np.zeros(len(minute), dtype=bool)
    for first, last in OPEN_MINUTES:
        in_hours |= (minute >= first) & (minute < last)
    return in_hours & conditions.trades


def _is_unopened(conditions: Conditions) -> NDArray[np.bool_]:
    return _in_hours(conditions) & ~conditions.opens
