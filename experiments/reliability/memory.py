"""Resident memory of the service under mixed load, and how fast it grows.

The slope is Theil and Sen's over the means of equal blocks of time, after the first quarter: single readings
depend on each other and would make its interval too narrow. The service holds a window of signals, so memory
may rise until that is full; the window is set to a fraction of the measured time.
"""

from __future__ import annotations

import json
import time
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import theilslopes

from experiments.reliability import estate
from experiments.reliability.load import Load
from experiments.reliability.sender import Sender
from training.progress import Progress, begin_step, silent

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from experiments.reliability.running import Running

READ_EVERY_S = 1.0
WARM_UP_SHARE = 0.25
N_BLOCKS = 30
WINDOW_SHARE = 0.2
SHORTEST_WINDOW_S = 120
PAGES = ("/", "/v1/incidents", "/incidents/1", "/teams", "/metrics", "/readyz")
PAGES_EVERY_S = 5.0
RATES = {"samples": 4_000.0, "alerts": 0.5, "changes": 1.0, "lines": 400.0}
"""Pieces a second."""

SAMPLES_A_BODY, LINES_A_BODY = 1_000, 100
N_ALERTS_KNOWN = 400
"""Alerts repeat after so many, as those of an estate do; their starts move on by the hour."""


@dataclass(frozen=True)
class Memory:
    """Resident memory over time.

    Attributes
    ----------
    minutes
        How long load was sent.
    n_samples, n_alerts, n_changes, n_lines
        What was accepted.
    at_s, rss_mb
        Readings: seconds since the load began, and MiB.
    mb_per_hour, low, high
        Slope after the warm-up, with its 95 % interval; ``nan`` with fewer than three blocks.
    """

    minutes: float
    n_samples: int
    n_alerts: int
    n_changes: int
    n_lines: int
    n_failed: int
    at_s: tuple[float, ...]
    rss_mb: tuple[float, ...]
    mb_per_hour: float
    low: float
    high: float

    @property
    def failures(self) -> list[str]:
        """Requests that failed; what memory may grow by depends on how long was measured."""
        return [f"{self.n_failed} requests failed"] if self.n_failed else []


def window_of(minutes: float) -> dict[str, str]:
    """Settings of a service that is to be watched for so long: its window is full before the warm-up ends."""
    return {"SUNSPOT_WINDOW": f"PT{max(SHORTEST_WINDOW_S, int(WINDOW_SHARE * minutes * 60))}S"}


def measure_memory(service: Running, minutes: float, *, on_progress: Progress = silent) -> Memory:
    """Read the memory of a service every second, under mixed load."""
    report = begin_step(on_progress, "watching memory under mixed load")
    at_s: list[float] = []
    rss_mb: list[float] = []
    estate.introduce(service.port, n_minutes=5)
    with Sender(service.port) as reader, ExitStack() as sending:
        loads = {name: sending.enter_context(each) for name, each in _loads(service.port).items()}
        began_s, next_page_s = time.perf_counter(), 0.0
        while (elapsed_s := time.perf_counter() - began_s) < minutes * 60:
            at_s.append(elapsed_s)
            rss_mb.append(service.rss_mb())
            if elapsed_s >= next_page_s:
                for path in PAGES:
                    reader.get(path)
                next_page_s = elapsed_s + PAGES_EVERY_S
            report(elapsed_s / (minutes * 60))
            time.sleep(READ_EVERY_S)
    waits = {name: load.waits for name, load in loads.items()}
    return Memory(
        minutes,
        waits["samples"].n * SAMPLES_A_BODY,
        waits["alerts"].n,
        waits["changes"].n,
        waits["lines"].n * LINES_A_BODY,
        sum(each.n_failed for each in waits.values()),
        tuple(at_s),
        tuple(rss_mb),
        *slope_per_hour(np.array(at_s), np.array(rss_mb)),
    )


def slope_per_hour(at_s: NDArray[np.float64], values: NDArray[np.float64]) -> tuple[float, float, float]:
    """Slope of readings, by the hour, and its 95 % interval.

    Parameters
    ----------
    at_s, values
        Shape ``(n,)``: seconds, rising, and readings; ``nan`` readings are left out.

    >>> slope, low, high = slope_per_hour(np.arange(3600.0), np.arange(3600.0) / 3600)
    >>> round(slope, 6), round(low, 6), round(high, 6)
    (1.0, 1.0, 1.0)
    """
    kept = np.isfinite(values)
    if kept.any():
        kept &= at_s >= WARM_UP_SHARE * at_s[-1]
    blocks = np.array_split(np.flatnonzero(kept), N_BLOCKS)
    means = np.array([(at_s[each].mean(), values[each].mean()) for each in blocks if len(each)])
    if len(means) < 3:
        return float("nan"), float("nan"), float("nan")
    found = theilslopes(means[:, 1], means[:, 0] / 3600, alpha=0.95)
    return float(found.slope), float(found.low_slope), float(found.high_slope)


def _loads(port: int) -> dict[str, Load]:
    template = estate.samples_template(SAMPLES_A_BODY)

    def samples(number: int) -> bytes:
        return estate.stamped(template, estate.now_ms() + number % 7)

    def alert(number: int) -> bytes:
        hour = estate.now().replace(minute=0, second=0, microsecond=0)
        return estate.webhook(estate.alert(number % N_ALERTS_KNOWN, name="Mixed", starts_at=hour))

    def change(number: int) -> bytes:
        one = {"id": f"mixed-{number}", "item": estate.item(number), "at": estate.now().isoformat()}
        return json.dumps({"changes": [one]}).encode()

    def lines(number: int) -> bytes:
        texts = [
            f"order {number * LINES_A_BODY + each} of user-{each} took {each % 9} ms"
            for each in range(LINES_A_BODY)
        ]
        return estate.lines(estate.item(number), texts, estate.now_ms())

    return {
        "samples": Load(port, "/v1/samples", samples, RATES["samples"] / SAMPLES_A_BODY),
        "alerts": Load(port, "/v1/alerts", alert, RATES["alerts"]),
        "changes": Load(port, "/v1/changes", change, RATES["changes"]),
        "lines": Load(port, "/v1/logs", lines, RATES["lines"] / LINES_A_BODY),
    }
