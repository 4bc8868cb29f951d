"""What a storm of alerts costs everybody else: one body with all of them, then each in a body of its own.

Others go on sending single alerts, changes and samples; their waits are measured before the storm and while
it comes in. Only an address is needed.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Self

from experiments.reliability import estate
from experiments.reliability.load import Load
from experiments.reliability.quantiles import Waits
from experiments.reliability.sender import NO_ANSWER, Sender, is_success
from training.progress import Progress, begin_step, silent

QUIET_S = 5.0
STORM_TIMEOUT_S = 300.0
SINGLES_S = 60.0
"""The alerts of the storm come one by one within so long."""

OTHERS_PER_S = {"alerts": 4.0, "changes": 2.0, "samples": 4.0}
N_CONNECTIONS = 8


@dataclass(frozen=True)
class Others:
    """Waits of what others sent during one phase."""

    while_: str
    kind: str
    waits: Waits


@dataclass(frozen=True)
class Storm:
    """A storm, and what others noticed.

    Attributes
    ----------
    n_alerts
        Alerts of the storm, in one body, and again one by one.
    size_bytes
        Length of the one body.
    status, seconds
        Its answer (0: none in five minutes), and when it came.
    n_stored
        How many of its alerts the service reports afterwards, at most: alerts of others that were stored
        although their sender was not told cannot be told apart.
    singles
        Waits of the alerts one by one.
    others
        Waits of everybody else, phase by phase.
    """

    n_alerts: int
    size_bytes: int
    status: int
    seconds: float
    n_stored: int
    singles: Waits
    others: tuple[Others, ...]

    @property
    def failures(self) -> list[str]:
        """What was lost or refused in the storm."""
        refused = [
            f"{each.waits.n_failed} {each.kind} of others failed: {each.while_}"
            for each in self.others
            if each.waits.n_failed
        ]
        if is_success(self.status) and self.n_stored < self.n_alerts:
            refused.append(f"{self.n_alerts - self.n_stored} alerts of an accepted storm are not there")
        if not self.status:
            refused.append("the storm was not answered")
        return refused


def measure_storm(
    port: int,
    n_alerts: int,
    *,
    singles_s: float = SINGLES_S,
    quiet_s: float = QUIET_S,
    on_progress: Progress = silent,
) -> Storm:
    """Send a storm to a running service, and measure it and everybody else.

    Parameters
    ----------
    port
        Where it listens on 127.0.0.1.
    n_alerts
        Alerts of the storm.
    singles_s
        How long the same number of alerts, one by one, takes to be sent.
    quiet_s
        How long everybody else is measured before the storm, and at least during it.
    """
    estate.introduce(port)
    report = begin_step(on_progress, "sending a storm of alerts")
    others = list(_others(port, "before the storm", quiet_s))
    report(0.2)
    body = estate.webhook(*(estate.alert(number, name="Storm") for number in range(n_alerts)))
    before = _n_stored(port)
    with _Sending(port, "one body") as sending, Sender(port, timeout_s=STORM_TIMEOUT_S) as sender:
        began_s = time.perf_counter()
        try:
            status, _ = sender.post("/v1/alerts", body)
        except NO_ANSWER:
            status = 0
        seconds = time.perf_counter() - began_s
        time.sleep(max(0.0, quiet_s - seconds))
    others += sending.others
    n_of_others = next(each.waits.n for each in sending.others if each.kind == "alerts")
    n_stored = min(n_alerts, _n_stored(port) - before - n_of_others)
    report(0.5)

    def single(number: int) -> bytes:
        return estate.webhook(estate.alert(number, name="Single"))

    with (
        _Sending(port, "one by one") as sending,
        Load(port, "/v1/alerts", single, n_alerts / singles_s, N_CONNECTIONS) as load,
    ):
        time.sleep(singles_s)
    others += sending.others
    report(1.0)
    return Storm(n_alerts, len(body), status, seconds, n_stored, load.waits, tuple(others))


class _Sending:
    """Everybody else, as a context; afterwards `others` has their waits."""

    def __init__(self, port: int, while_: str) -> None:
        template = estate.samples_template(500)

        def alert(number: int) -> bytes:
            return estate.webhook(estate.alert(number, name=f"Other {while_}"))

        def change(number: int) -> bytes:
            at = estate.now().isoformat()
            one = {"id": f"{while_}-{number}", "item": estate.item(number), "at": at}
            return json.dumps({"changes": [one]}).encode()

        def samples(number: int) -> bytes:
            return estate.stamped(template, estate.now_ms() + number % 7)

        self._while = while_
        self._loads = {
            "alerts": Load(port, "/v1/alerts", alert, OTHERS_PER_S["alerts"], N_CONNECTIONS),
            "changes": Load(port, "/v1/changes", change, OTHERS_PER_S["changes"]),
            "samples": Load(port, "/v1/samples", samples, OTHERS_PER_S["samples"]),
        }

    def __enter__(self) -> Self:
        for load in self._loads.values():
            load.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        for load in self._loads.values():
            load.__exit__()

    @property
    def others(self) -> tuple[Others, ...]:
        return tuple(Others(self._while, kind, load.waits) for kind, load in self._loads.items())


def _others(port: int, while_: str, seconds: float) -> tuple[Others, ...]:
    with _Sending(port, while_) as sending:
        time.sleep(seconds)
    return sending.others


def _n_stored(port: int) -> int:
    """How many alerts the incidents of a service have."""
    n_alerts = 0
    offset: int | None = 0
    with Sender(port) as sender:
        while offset is not None:
            page = sender.read(f"/v1/incidents?limit=200&offset={offset}")
            n_alerts += sum(each["n_alerts"] for each in page["incidents"])
            offset = page["next_offset"]
    return n_alerts
