"""Waits for answers to alerts: alone, and while intake runs at 80 % of its limit.

The limit is looked for first: the rate of samples is raised until one batch in a hundred waits longer than a
bound, or batches fall behind. Sender and service share the machine, so the limit is that of both together.
Only an address is needed: any running service can be measured.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from experiments.reliability import estate
from experiments.reliability.load import Load
from experiments.reliability.quantiles import Waits
from training.progress import Progress, begin_step, silent

A_BODY = 1_000
BOUND_MS = 500.0
"""Acknowledgement of a batch; beyond it senders would rather drop samples than wait."""

KEPT_UP = 0.95
"""Share of the batches due that must be answered."""

FIRST_RATE, LAST_RATE = 5_000.0, 2_000_000.0
N_BISECTIONS = 3
SHARE = 0.8
ALERTS_PER_S = 5.0
N_SENDERS = 2


@dataclass(frozen=True)
class AlertsAnswered:
    """Waits for answers to alerts under some load."""

    while_: str
    samples_per_s: float
    waits: Waits


@dataclass(frozen=True)
class Latency:
    """Waits for answers to alerts.

    Attributes
    ----------
    limit_samples_per_s
        Highest rate at which batches were acknowledged in time.
    answered
        Alone, and at 80 % of the limit.
    """

    limit_samples_per_s: float
    answered: tuple[AlertsAnswered, ...]

    @property
    def failures(self) -> list[str]:
        """Alerts that were refused."""
        return [
            f"{each.waits.n_failed} alerts were refused while {each.while_}"
            for each in self.answered
            if each.waits.n_failed
        ]


def measure_latency(
    port: int,
    *,
    seconds: float,
    step_s: float = 2.0,
    first_rate: float = FIRST_RATE,
    last_rate: float = LAST_RATE,
    on_progress: Progress = silent,
) -> Latency:
    """Measure a running service that may have any state; its estate is sent first.

    Parameters
    ----------
    port
        Where it listens on 127.0.0.1.
    seconds
        How long alerts are sent, alone and under load, each.
    step_s
        How long each rate is tried in the search for the limit.
    first_rate, last_rate
        Samples a second between which the limit is looked for.
    """
    estate.introduce(port)
    report = begin_step(on_progress, "looking for the limit of intake")
    limit = intake_limit(port, step_s=step_s, first_rate=first_rate, last_rate=last_rate)
    report(1.0)
    report = begin_step(on_progress, "sending alerts, alone and under load")
    alone = _alerts(port, "alone", seconds)
    report(0.5)
    with intake(port, max(SHARE * limit, A_BODY)) as load:
        time.sleep(step_s)
        began, before = time.perf_counter(), load.waits.n
        under_load = _alerts(port, f"at {SHARE:.0%} of the limit", seconds)
        achieved = (load.waits.n - before) * A_BODY / (time.perf_counter() - began)
    return Latency(
        limit,
        (
            AlertsAnswered("alone", 0.0, alone),
            AlertsAnswered(f"intake at {SHARE:.0%} of its limit", achieved, under_load),
        ),
    )


def intake(port: int, samples_per_s: float) -> Load:
    """Load of samples of the estate at a rate."""
    template = estate.samples_template(A_BODY)
    return Load(
        port,
        "/v1/samples",
        lambda number: estate.stamped(template, estate.now_ms() + number % 7),
        samples_per_s / A_BODY,
        N_SENDERS,
    )


def intake_limit(port: int, *, step_s: float, first_rate: float, last_rate: float) -> float:
    """Highest rate of samples, a second, that is acknowledged in time; within an eighth of it."""
    good, bad = 0.0, first_rate
    while bad < last_rate and _keeps_up(port, bad, step_s):
        good, bad = bad, 2 * bad
    for _ in range(N_BISECTIONS):
        middle = (good + bad) / 2
        good, bad = (middle, bad) if _keeps_up(port, middle, step_s) else (good, middle)
    return good


def _keeps_up(port: int, samples_per_s: float, step_s: float) -> bool:
    with intake(port, samples_per_s) as load:
        time.sleep(step_s)
        waits = load.waits
    n_due = samples_per_s / A_BODY * step_s
    return not waits.n_failed and waits.n >= KEPT_UP * n_due - N_SENDERS and waits.p99_ms <= BOUND_MS


def _alerts(port: int, name: str, seconds: float) -> Waits:
    def body(number: int) -> bytes:
        return estate.webhook(estate.alert(number, name=f"Answered {name}"))

    with Load(port, "/v1/alerts", body, ALERTS_PER_S, 8) as load:
        time.sleep(seconds)
    return load.waits
