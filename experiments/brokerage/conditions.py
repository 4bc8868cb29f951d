"""The conditions of a day: deviations from a normal day, tick by tick."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cmdb.items import ChangeEvent


class Knob(StrEnum):
    """Property of an item that a fault can change."""

    WAIT_S = "wait_s"  # added to each request, occupying nothing
    WORK = "work"  # factor on the work of a request
    FAIL = "fail"  # share of the requests that fail at once
    HOG = "hog"  # share of the cores used by something else
    POOL = "pool"  # factor on the pool
    LEAK = "leak"  # share of the memory that is leaked
    LOSS = "loss"  # share of the packets that are lost
    COLD = "cold"  # share of the cache that is empty
    LOST = "lost"  # share of a data centre's machines that are gone
    DEMAND = "demand"  # factor on what customers ask for


NEUTRAL: dict[Knob, float] = dict.fromkeys(Knob, 0.0) | {Knob.WORK: 1.0, Knob.POOL: 1.0, Knob.DEMAND: 1.0}
"""The value of each knob on a normal day."""


@dataclass(frozen=True)
class Chatter:
    """Log lines of an item in addition to those explained by its requests.

    Attributes
    ----------
    per_minute
        Shape ``(n_ticks,)``: expected number of lines.
    """

    item: str
    template: str
    per_minute: NDArray[np.float64]


@dataclass
class Conditions:
    """Every knob of every item over time; unturned knobs are neutral.

    Attributes
    ----------
    minutes
        Shape ``(n_ticks,)``: minutes since the start of the simulation.
    minute_of_day, trades
        The local minute, and whether the exchange opens that day; shape ``(n_ticks,)``.
    """

    minutes: NDArray[np.float64]
    minute_of_day: NDArray[np.float64]
    trades: NDArray[np.bool_]
    turned: dict[tuple[Knob, str], NDArray[np.float64]] = field(default_factory=dict)
    chatter: list[Chatter] = field(default_factory=list)
    changes: list[ChangeEvent] = field(default_factory=list)
    opens: NDArray[np.bool_] = field(init=False)

    def __post_init__(self) -> None:
        """Let the market open on every trading day."""
        self.opens = self.trades.copy()

    def of(self, knob: Knob, item: str) -> NDArray[np.float64] | float:
        """Values of a knob, shape ``(n_ticks,)``, or its neutral value."""
        return self.turned.get((knob, item), NEUTRAL[knob])

    def is_turned(self, knob: Knob, item: str) -> bool:
        """Whether any fault has turned this knob."""
        return (knob, item) in self.turned

    def add(self, knob: Knob, item: str, amount: NDArray[np.float64]) -> None:
        """Add to a knob; shares stay within ``[0, 0.99]``."""
        self.turned[knob, item] = np.clip(
            self.of(knob, item) + amount, 0.0, None if knob is Knob.WAIT_S else 0.99
        )

    def scale(self, knob: Knob, item: str, factor: NDArray[np.float64]) -> None:
        """Multiply a knob."""
        self.turned[knob, item] = self.of(knob, item) * factor
