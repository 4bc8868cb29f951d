"""What was acknowledged and is missing or doubled after ``kill -9`` under load.

Five senders write to the real service while it is killed at random instants and started again, every fourth
time before it has started completely. A body whose answer was lost is sent again where it has an identity
(alerts, changes); the others (samples, log lines, verdicts) are not, and may be there once or not at all.
In the end everything is read back and compared with the senders' own lists.

A kill ends the process, not the machine: what the system had in its page cache survives. That files are
synced before an answer is the business of the journal's own tests.
"""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from experiments.reliability import estate
from experiments.reliability.errors import ServiceDidNotStartError
from experiments.reliability.running import LOG_NAME, running, starting, stop
from experiments.reliability.sender import NO_ANSWER, Sender, is_success
from service.data_directory import HISTORY, LINES
from telemetry.history import History
from telemetry.log_history import read_lines
from training.progress import Progress, begin_step, silent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

A_BODY = 20
"""Samples or log lines of one body."""

LONGEST_LIFE_S = 2.0
"""A life under load lasts up to so long after every sender was answered."""

EARLY_EVERY = 4
"""Each kill whose number is a multiple of this comes while the service starts."""

READY_TIMEOUT_S = 60.0
PAUSE_S = 0.005
"""Between two bodies of a sender, so that none of them starves the others."""

CHANGES_AN_ITEM = 900
"""Changes are listed by item, a thousand at most."""

ALERTS_AN_ITEM_APART = timedelta(minutes=45)
ALONE = "alone"
"""Item of the incident that all verdicts are about."""


@dataclass(frozen=True)
class Kept:
    """What became of one kind of data.

    Attributes
    ----------
    kind
        The kind of data.
    n_acknowledged
        Pieces whose sender was told that they are stored: samples, lines, alerts, changes, verdicts.
    n_missing, n_doubled
        Acknowledged pieces that are not there, and pieces that are there more than once.
    n_unanswered
        Pieces whose answer was lost with the process.
    """

    kind: str
    n_acknowledged: int
    n_missing: int
    n_doubled: int
    n_unanswered: int


@dataclass(frozen=True)
class Kills:
    """What was kept over many kills.

    Attributes
    ----------
    n_under_load, n_while_starting
        Kills with all senders at work, and kills before the service had started.
    kept
        One entry per kind of data.
    first_write_s
        Seconds from each start after a kill to the first write that was accepted.
    refused
        Answers that were not a success, by kind and status.
    """

    n_under_load: int
    n_while_starting: int
    kept: tuple[Kept, ...]
    first_write_s: tuple[float, ...]
    refused: dict[str, int]

    @property
    def failures(self) -> list[str]:
        """Promises that were broken, in words."""
        return [
            f"{each.kind}: {each.n_missing} missing and {each.n_doubled} doubled of {each.n_acknowledged}"
            for each in self.kept
            if each.n_missing or each.n_doubled
        ]


@dataclass
class Stream:
    """What one sender sent, by consecutive numbers, over all lives of the service.

    Attributes
    ----------
    has_identity
        Whether sending the same body twice stores it once, so that it may be sent again.
    """

    path: str
    body: Callable[[int], bytes]
    has_identity: bool = False
    n_pieces: int = 1
    acknowledged: list[int] = field(default_factory=list)
    unanswered: set[int] = field(default_factory=set)
    refused: Counter[int] = field(default_factory=Counter)
    first_s: float = 0.0
    _number: int = 0

    def write_until_killed(self, port: int, stopping: threading.Event, answered: threading.Event) -> None:
        """Send one body after another until the service is gone or the event is set."""
        with Sender(port) as sender:
            while not stopping.is_set():
                number = self._number
                try:
                    status, _ = sender.post(self.path, self.body(number))
                except NO_ANSWER:
                    self.unanswered.add(number)
                    self._number += not self.has_identity
                    return
                if is_success(status):
                    self.acknowledged.append(number)
                    self.unanswered.discard(number)
                    if not answered.is_set():
                        self.first_s = time.perf_counter()
                        answered.set()
                else:
                    self.refused[status] += 1
                self._number += 1
                stopping.wait(PAUSE_S)


def measure_kills(
    n_kills: int,
    *,
    seed: int = 0,
    longest_life_s: float = LONGEST_LIFE_S,
    on_progress: Progress = silent,
    directory: Path | None = None,
) -> Kills:
    """Kill the service again and again under load, and compare what it kept with what it acknowledged.

    Parameters
    ----------
    n_kills
        Kills in all; the last life is ended in peace.
    directory
        The data directory; by default a temporary one.

    Raises
    ------
    ServiceDidNotStartError
        If it does not start after a kill.
    """
    if directory is None:
        with TemporaryDirectory() as folder:
            return measure_kills(
                n_kills,
                seed=seed,
                longest_life_s=longest_life_s,
                on_progress=on_progress,
                directory=Path(folder),
            )
    random, report = Random(seed), begin_step(on_progress, "killing the service under load")
    estate.give_bundle(directory)
    streams = _streams(estate.now_ms())
    first_write_s: list[float] = []
    n_early = 0
    for number in range(n_kills):
        if number % EARLY_EVERY == EARLY_EVERY - 1:
            with starting(directory):
                time.sleep(random.uniform(0.3, 1.0) * first_write_s[-1])
            n_early += 1
        else:
            life_s = random.uniform(0.0, longest_life_s)
            first_write_s.append(_live(directory, streams, life_s, is_first=not number))
        report((number + 1) / n_kills)
    found = _stored(directory, streams)
    return Kills(
        n_kills - n_early,
        n_early,
        tuple(kept_of(kind, streams[kind], found[kind]) for kind in streams),
        tuple(first_write_s[1:]),  # the first start was after no kill
        {
            f"{kind} {status}": n_refused
            for kind, stream in streams.items()
            for status, n_refused in stream.refused.items()
        },
    )


def _prepare(port: int) -> None:
    """Send an estate, half an hour of its signals, and the alert that the verdicts are about."""
    alone = estate.alert(0, name=ALONE)
    alone["labels"]["service"] = ALONE
    estate.introduce(port)
    with Sender(port) as sender:
        sender.accepted("/v1/alerts", estate.webhook(alone))


def _streams(base_ms: int) -> dict[str, Stream]:
    base = datetime.fromtimestamp(base_ms / 1000, UTC)

    def samples(number: int) -> bytes:
        series = [
            {"item": "killed", "metric": f"m{each}", "time_ms": [base_ms - number], "values": [number]}
            for each in range(A_BODY)
        ]
        return json.dumps({"series": series}).encode()

    def log_lines(number: int) -> bytes:
        texts = [f"event {number * A_BODY + each} was handled" for each in range(A_BODY)]
        return estate.lines("killed", texts, estate.now_ms())

    def alerts(number: int) -> bytes:
        starts_at = base - ALERTS_AN_ITEM_APART * (number // estate.N_ITEMS)
        return estate.webhook(estate.alert(number, name="Killed", starts_at=starts_at))

    def changes(number: int) -> bytes:
        change = {"id": str(number), "item": _item_of_change(number), "at": base.isoformat()}
        return json.dumps({"changes": [change]}).encode()

    def verdicts(number: int) -> bytes:
        return json.dumps({"causes": [str(number)]}).encode()

    return {
        "samples": Stream("/v1/samples", samples, n_pieces=A_BODY),
        "log lines": Stream("/v1/logs", log_lines, n_pieces=A_BODY),
        "alerts": Stream("/v1/alerts", alerts, has_identity=True),
        "changes": Stream("/v1/changes", changes, has_identity=True),
        "verdicts": Stream("/v1/incidents/1/verdict", verdicts),
    }


def _live(directory: Path, streams: Mapping[str, Stream], life_s: float, *, is_first: bool) -> float:
    """Start, let every sender write for a while, and kill; return the seconds to the first accepted write."""
    stopping = threading.Event()
    with running(directory) as service:
        if is_first:
            _prepare(service.port)
        answered = {kind: threading.Event() for kind in streams}
        threads = [
            threading.Thread(
                target=stream.write_until_killed, args=(service.port, stopping, answered[kind]), daemon=True
            )
            for kind, stream in streams.items()
        ]
        for thread in threads:
            thread.start()
        for event in answered.values():
            event.wait(READY_TIMEOUT_S)
        time.sleep(life_s)
        service.kill()
        stopping.set()
        for thread in threads:
            thread.join(READY_TIMEOUT_S)
    first_s = [streams[kind].first_s for kind, event in answered.items() if event.is_set()]
    if not first_s:
        raise ServiceDidNotStartError((directory / LOG_NAME).read_text(encoding="utf-8")[-2_000:])
    return min(first_s) - service.began_s


def _stored(directory: Path, streams: Mapping[str, Stream]) -> dict[str, Counter[int]]:
    """How often each piece is there, by kind and number."""
    with running(directory) as service, Sender(service.port) as sender:
        alerts = Counter(
            int(fingerprint.removeprefix("Killed-"))
            for fingerprint in _fingerprints(sender)
            if fingerprint.startswith("Killed-")
        )
        n_changes = max([*streams["changes"].acknowledged, *streams["changes"].unanswered], default=0)
        items = {_item_of_change(number) for number in range(n_changes + 1)}
        changes = Counter(
            int(each["id"])
            for item in items
            for each in sender.read(f"/v1/changes?limit=1000&item={item}")["changes"]
        )
        verdicts = Counter(
            int(each["causes"][0]) for each in sender.read("/v1/incidents/1")["verdicts"] if each["causes"]
        )
        stop(service)
    with History(directory / HISTORY) as history:
        stored = history.read()
    numbers = {
        index: int(key.metric[1:])
        for index, key in enumerate(stored.keys)
        if key.item == "killed"
        if key.metric.startswith("m")
    }
    samples = Counter(
        int(value) * A_BODY + numbers[series]
        for series, value in zip(stored.series.tolist(), stored.values.tolist(), strict=True)
        if series in numbers
    )
    lines = Counter(int(body.split()[1]) for batch in read_lines(directory / LINES) for body in batch.bodies)
    return {
        "samples": samples,
        "log lines": lines,
        "alerts": alerts,
        "changes": changes,
        "verdicts": verdicts,
    }


def _fingerprints(sender: Sender) -> Iterable[str]:
    offset: int | None = 0
    while offset is not None:
        page = sender.read(f"/v1/incidents?limit=200&offset={offset}")
        for incident in page["incidents"]:
            for alert in sender.read(f"/v1/incidents/{incident['id']}")["alerts"]:
                yield alert["fingerprint"]
        offset = page["next_offset"]


def kept_of(kind: str, stream: Stream, found: Mapping[int, int]) -> Kept:
    """Compare what was acknowledged with how often each piece is there."""
    pieces = range(stream.n_pieces)
    acknowledged = {number * stream.n_pieces + each for number in stream.acknowledged for each in pieces}
    return Kept(
        kind,
        len(acknowledged),
        len(acknowledged - found.keys()),
        sum(times > 1 for times in found.values()),
        len(stream.unanswered) * stream.n_pieces,
    )


def _item_of_change(number: int) -> str:
    return f"changed-{number // CHANGES_AN_ITEM}"
