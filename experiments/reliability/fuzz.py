"""Hostile requests to every route, by the hundred thousand: none may end in a fault of the service.

The application is called without a socket. Good requests come from the examples of its OpenAPI document, and
from its table of routes; `mutations` spoils them. What was accepted stays, so that later requests meet it;
the background work is done by hand in between, since it meets it as well. A 503 that says when to try again
is an answer, every other 5xx and every error that comes out of the application is a fault.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
import time
import traceback
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NamedTuple

from experiments.reliability.in_process import Asked, StillClock, application, ask
from experiments.reliability.mutations import ADDRESS_MUTATORS, BODY_MUTATORS
from service.http.openapi import routes_of
from training.progress import Progress, begin_step, silent

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence

    from experiments.reliability.in_process import Answered

NOW = datetime(2026, 3, 4, 2, 6, tzinfo=UTC)
"""Just after the instants in the examples of the API."""

A_LIFE = 2_500
"""Bodies for one data directory, before the next service begins with an empty one."""

SEED_STRIDE = 1_000_003
BODIES_SHARE = 0.9
"""Share of the requests that have a body; the others ask for pages and documents."""

MEMORY_DISK = Path("/dev/shm")  # noqa: S108  where there is one
"""A directory that needs no disk: a sync there costs nothing, and what is looked for is not on disks."""

A_ROUND = 500
"""Requests between two rounds of the background work."""

N_TRIALS = 400
"""Requests that may be spent on making one finding small."""

MAX_SHOWN = 200
"""Characters of a request that a finding shows."""

BODY_LIMIT_BYTES = 1 << 20
SERVER_FAULT, UNAVAILABLE = 500, 503
JSON_TYPE = ((b"content-type", b"application/json"),)
FORM_TYPE = ((b"content-type", b"application/x-www-form-urlencoded"),)
A_LINE = b'{"create": {}}\n{"@timestamp": "2026-03-04T02:05:30Z", "service": "order", "message": "slow"}\n'
FORMS = {
    "/_bulk": A_LINE,
    "/{index}/_bulk": A_LINE,
    "/incidents/{incident}/verdict": b"cause=item%3Aorder&note=because",
    "/sign-in": b"name=zhou&password=guess&token=guess&to=%2F",
    "/sign-out": b"",
    "/account/password": b"password=of+today&new=of+tomorrow",
    "/account/sessions/{session}/end": b"",
}
ITEM, NUMBER = "order", "1"
"""Values of the variable parts of paths: an item, and the number of whatever else is in one."""


class Good(NamedTuple):
    """A request that should succeed, and the route it is for."""

    route: str
    asked: Asked


@dataclass(frozen=True)
class Finding:
    """A fault of the service, with the smallest request found that shows it.

    Attributes
    ----------
    route, mutator
        Which request was spoiled, and how; for background work its name.
    status
        The answer's status, 0 if there was none.
    error
        What was raised, and where.
    request
        Method, address, headers and body as Python would write them; cut to `MAX_SHOWN` characters.
    """

    route: str
    mutator: str
    status: int
    error: str
    request: str


class Spoiled(NamedTuple):
    """Answers to the requests that one mutator spoiled."""

    mutator: str
    n: int
    n_accepted: int
    n_refused: int
    n_unavailable: int
    n_faults: int


@dataclass(frozen=True)
class Fuzzed:
    """What hostile requests did.

    Attributes
    ----------
    n_requests, n_bodies
        All requests, and those with a body.
    n_routes
        Routes that were asked, by method.
    seconds, slowest_s
        Time for all, and for the slowest.
    spoiled
        Answers by mutator.
    findings
        One entry for each kind of fault.
    """

    n_requests: int
    n_bodies: int
    n_routes: int
    seconds: float
    slowest_s: float
    slowest: str
    spoiled: tuple[Spoiled, ...]
    findings: tuple[Finding, ...]

    @property
    def failures(self) -> list[str]:
        """Faults in words."""
        return [f"{each.route} ({each.mutator}): {each.error}: {each.request}" for each in self.findings]


def fuzz(n_bodies: int, *, seed: int = 0, n_processes: int = 1, on_progress: Progress = silent) -> Fuzzed:
    """Send hostile requests, at least ``n_bodies`` of them with a body.

    Parameters
    ----------
    seed
        Equal seeds give equal requests, whatever the number of processes.
    n_processes
        Lives of the service that are attacked at the same time, each in a process of its own.
    """
    report, began_s = begin_step(on_progress, "sending hostile bodies"), time.perf_counter()
    lives = [
        (min(A_LIFE, n_bodies - first), seed + SEED_STRIDE * (first // A_LIFE))
        for first in range(0, n_bodies, A_LIFE)
    ]
    found: list[Fuzzed] = []
    with _mapping(n_processes) as mapped:
        for each in mapped(_one_life, lives):
            found.append(each)
            report(len(found) / len(lives))
    return _together(found, seconds=time.perf_counter() - began_s)


@contextmanager
def _mapping(n_processes: int) -> Iterator[Callable[..., Iterator[Fuzzed]]]:
    if n_processes == 1:
        yield map
        return
    with ProcessPoolExecutor(n_processes, mp_context=get_context("spawn")) as pool:
        yield pool.map


def _one_life(life: tuple[int, int]) -> Fuzzed:
    with _quiet():
        return asyncio.run(_Fuzzer(*life).run())


def _together(found: Sequence[Fuzzed], *, seconds: float) -> Fuzzed:
    """Several runs as one; the first finding of each kind is kept."""
    slowest = max(found, key=lambda each: each.slowest_s)
    findings = {finding.error: finding for each in reversed(found) for finding in reversed(each.findings)}
    return Fuzzed(
        sum(each.n_requests for each in found),
        sum(each.n_bodies for each in found),
        max(each.n_routes for each in found),
        seconds,
        slowest.slowest_s,
        slowest.slowest,
        tuple(
            Spoiled(
                rows[0].mutator, *(sum(column) for column in zip(*(row[1:] for row in rows), strict=True))
            )
            for rows in zip(*(each.spoiled for each in found), strict=True)
        ),
        tuple(findings.values()),
    )


class _Fuzzer:
    """One life of a service: what was counted so far."""

    def __init__(self, n_bodies: int, seed: int) -> None:
        self.n_bodies = n_bodies
        self.random = Random(seed)
        self.counted: Counter[tuple[str, str]] = Counter()
        self.findings: dict[str, Finding] = {}
        self.n_sent = self.n_sent_bodies = self.n_routes = 0
        self.slowest = (0.0, "")

    async def run(self) -> Fuzzed:
        began_s = time.perf_counter()
        with in_memory() as directory:
            async with _seeded(directory) as app:
                good = good_requests(app)
                self.n_routes = len({each.route for each in good})
                with_body = [each for each in good if each.asked.body]
                without = [each for each in good if not each.asked.body]
                while self.n_sent_bodies < self.n_bodies:
                    has_body = self.random.random() < BODIES_SHARE
                    await self._one(app, self.random.choice(with_body if has_body else without))
                    if self.n_sent % A_ROUND == 0:
                        self._background(app)
                self._background(app)
        return Fuzzed(
            self.n_sent,
            self.n_sent_bodies,
            self.n_routes,
            time.perf_counter() - began_s,
            *self.slowest,
            tuple(self._spoiled(name) for name in BODY_MUTATORS),
            tuple(self.findings.values()),
        )

    async def _one(self, app: Any, good: Good) -> None:
        mutators = BODY_MUTATORS if good.asked.body else ADDRESS_MUTATORS
        name = self.random.choice(list(mutators))
        spoiled = mutators[name](good.asked, self.random)
        began_s = time.perf_counter()
        answered = await ask(app, spoiled)
        self.slowest = max(self.slowest, (time.perf_counter() - began_s, f"{good.route} ({name})"))
        self.n_sent += 1
        self.n_sent_bodies += bool(spoiled.body)
        outcome = outcome_of(answered)
        self.counted[name, outcome] += 1
        if outcome == "fault":
            error = described(answered.error)
            if error not in self.findings:
                self.findings[error] = Finding(good.route, name, answered.status, error, "")
                small = repr(await minimal(spoiled))[:MAX_SHOWN]
                self.findings[error] = replace(self.findings[error], request=small)

    def _background(self, app: Any) -> None:
        """Do a round of all background work; a failure is a finding, too."""
        for worker in app.state.workers:
            waits = iter((False, True))
            worker.rounds(lambda _seconds, waits=waits: next(waits))
        for part in app.state.rooms.health.parts():
            if part.n_failures and part.last_error not in self.findings:
                where = f"within requests {self.n_sent - A_ROUND} to {self.n_sent} of the run"
                self.findings[part.last_error] = Finding(
                    part.name, "background work", 0, part.last_error, where
                )

    def _spoiled(self, name: str) -> Spoiled:
        accepted, refused, unavailable, faults = (
            self.counted[name, outcome] for outcome in ("accepted", "refused", "unavailable", "fault")
        )
        return Spoiled(
            name, accepted + refused + unavailable + faults, accepted, refused, unavailable, faults
        )


def good_requests(app: Any) -> list[Good]:
    """A request to every route that should succeed: the API's own examples, and one of each form."""
    document = app.openapi()
    schemas = document["components"]["schemas"]
    found = []
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            route, address = f"{method.upper()} {path}", _address(path)
            content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
            examples = [each["value"] for each in content.get("examples", {}).values()]
            if content and not examples:
                examples = schemas[content["schema"]["$ref"].rpartition("/")[2]]["examples"]
            bodies = [json.dumps(each).encode() for each in examples] or [b""]
            headers = JSON_TYPE if content else ()
            found += [
                Good(route, Asked(method.upper(), address, headers=headers, body=each)) for each in bodies
            ]
    documented = {each.route for each in found}
    for route in routes_of(app):
        if route in documented:
            continue
        method, path = route.split(" ", 1)
        is_form = method == "POST"
        found.append(
            Good(
                route,
                Asked(
                    method,
                    _address(path),
                    headers=FORM_TYPE if is_form else (),
                    body=FORMS.get(path, b"name=value") if is_form else b"",
                ),
            )
        )
    return found


def outcome_of(answered: Answered) -> str:
    """Judge an answer: accepted, refused, unavailable (with the time of another try), or a fault."""
    if answered.error is not None or not answered.status:
        return "fault"
    if answered.status == UNAVAILABLE and ("retry-after" in answered.headers or _is_readiness(answered)):
        return "unavailable"
    if answered.status >= SERVER_FAULT:
        return "fault"
    return "accepted" if answered.status < 400 else "refused"


def _is_readiness(answered: Answered) -> bool:
    return answered.body.startswith(b'{"ready":false')


def described(error: BaseException | None) -> str:
    """An error's type, and where in the code it was raised."""
    if error is None:
        return "a 5xx without an error"
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__} at {place}"


async def minimal(asked: Asked) -> Asked:
    """The smallest request found that a fresh service fails on; the one given, if a fresh one does not."""
    with in_memory() as directory:
        async with _seeded(directory) as app:

            async def fails(tried: Asked) -> bool:
                return outcome_of(await ask(app, tried)) == "fault"

            return await shortened(asked, fails) if await fails(asked) else asked


async def shortened(asked: Asked, fails: Callable[[Asked], Awaitable[bool]]) -> Asked:
    """A request without the headers, the query and the parts of the body that its failure does not need.

    Pieces of the body are left out, halves first, as in Zeller and Hildebrandt, "Simplifying and isolating
    failure-inducing input", IEEE Transactions on Software Engineering, 2002; at most `N_TRIALS` are tried.
    """
    for number in range(len(asked.headers) - 1, -1, -1):
        fewer = replace(asked, headers=asked.headers[:number] + asked.headers[number + 1 :])
        asked = fewer if await fails(fewer) else asked
    without_query = replace(asked, query=b"")
    asked = without_query if await fails(without_query) else asked
    n_left, size = N_TRIALS, max(len(asked.body) // 2, 1)
    while size and n_left:
        start = 0
        while start < len(asked.body) and n_left:
            n_left -= 1
            shorter = replace(asked, body=asked.body[:start] + asked.body[start + size :])
            if await fails(shorter):
                asked = shorter
            else:
                start += size
        size //= 2
    return asked


@contextmanager
def in_memory() -> Iterator[Path]:
    """Give a temporary directory, in memory where the system has such."""
    with TemporaryDirectory(dir=MEMORY_DISK if MEMORY_DISK.is_dir() else None) as folder:
        yield Path(folder)


@contextmanager
def _quiet() -> Iterator[None]:
    """Leave out what the service logs about each fault: a finding says it once."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)


def _seeded(directory: Path) -> Any:
    return application(directory, StillClock(NOW), body_limit_bytes=BODY_LIMIT_BYTES)


def _address(path: str) -> str:
    return re.sub(r"{\w+}", NUMBER, path.replace("{item}", ITEM))
