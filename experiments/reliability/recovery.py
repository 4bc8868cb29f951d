"""How long the service takes from a start after ``kill -9`` until it does its work again.

An empty service and a full one, which has samples, log lines and alerts in its journals to replay, are each
killed and started several times. A service works again when a sample is accepted and when an alert is
answered.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from experiments.reliability import estate
from experiments.reliability.running import running
from experiments.reliability.sender import Sender
from training.progress import Progress, begin_step, silent

if TYPE_CHECKING:
    from experiments.reliability.running import Running

SERIES_A_BODY = 2_000
LINES_A_BODY = 2_000
MINUTES = 100
"""So many minutes of past are filled."""

SAMPLES_A_LINE, SAMPLES_AN_ALERT = 10, 10_000
"""For each log line and each alert that is stored, so many samples are."""


@dataclass(frozen=True)
class Start:
    """One start after a kill, in seconds from the start of the process.

    Attributes
    ----------
    listening_s
        Until it announced its address.
    first_sample_s
        Until a batch of samples was accepted.
    first_alert_s
        Until an alert was answered.
    """

    listening_s: float
    first_sample_s: float
    first_alert_s: float


@dataclass(frozen=True)
class Recovery:
    """Starts after a kill, with little and with much to replay.

    Attributes
    ----------
    n_samples, n_lines, n_alerts
        What the full service has stored.
    empty, full
        The starts of each.
    """

    n_samples: int
    n_lines: int
    n_alerts: int
    empty: tuple[Start, ...]
    full: tuple[Start, ...]

    @property
    def failures(self) -> list[str]:
        """Nothing is promised about how long a start takes on an unknown machine."""
        return []


def measure_recovery(n_samples: int, *, n_starts: int, on_progress: Progress = silent) -> Recovery:
    """Kill an empty and a full service, and time their starts.

    Parameters
    ----------
    n_samples
        Samples that the full service has stored, with log lines and alerts in proportion.
    n_starts
        Timed starts of each.
    """
    report = begin_step(on_progress, "starting again after a kill")
    with TemporaryDirectory() as folder:
        empty, full = Path(folder) / "empty", Path(folder) / "full"
        for directory in (empty, full):
            estate.give_bundle(directory)
        n_lines, n_alerts = n_samples // SAMPLES_A_LINE, n_samples // SAMPLES_AN_ALERT
        with running(full) as service, Sender(service.port) as sender:
            fill(sender, n_samples, n_lines=n_lines, n_alerts=n_alerts)
        starts: dict[Path, list[Start]] = {empty: [], full: []}
        for number in range(n_starts):
            for directory, timed in starts.items():
                timed.append(_start(directory, number))
            report((number + 1) / n_starts)
    return Recovery(n_samples, n_lines, n_alerts, tuple(starts[empty]), tuple(starts[full]))


def fill(sender: Sender, n_samples: int, *, n_lines: int, n_alerts: int) -> None:
    """Send the estate, and samples, log lines and alerts of the last hours."""
    sender.accepted("/v1/cmdb", estate.cmdb())
    now_ms = estate.now_ms() // estate.STEP_MS * estate.STEP_MS
    n_series = max(n_samples // MINUTES, 1)
    for first in range(0, n_series, SERIES_A_BODY):
        template = estate.samples_template(min(SERIES_A_BODY, n_series - first), first=first)
        for minute in range(MINUTES, 0, -1):
            sender.accepted("/v1/samples", estate.stamped(template, now_ms - minute * estate.STEP_MS))
    for first in range(0, n_lines, LINES_A_BODY):
        texts = [
            f"request {number} of user-{number % 97} took {number % 1000} ms"
            for number in range(first, min(first + LINES_A_BODY, n_lines))
        ]
        sender.accepted("/v1/logs", estate.lines(estate.item(first // LINES_A_BODY), texts, now_ms))
    for number in range(n_alerts):
        sender.accepted("/v1/alerts", estate.webhook(estate.alert(number, name="Filled")))


def _start(directory: Path, number: int) -> Start:
    with running(directory) as service, Sender(service.port) as sender:
        listening_s = time.perf_counter() - service.began_s
        sender.accepted("/v1/samples", estate.stamped(estate.samples_template(10), estate.now_ms()))
        first_sample_s = _since(service)
        sender.accepted("/v1/alerts", estate.webhook(estate.alert(number, name="Started")))
        return Start(listening_s, first_sample_s, _since(service))


def _since(service: Running) -> float:
    return time.perf_counter() - service.began_s
