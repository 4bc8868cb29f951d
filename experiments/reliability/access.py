"""Which credential each route answers: the table that nobody should have to guess.

Every route of the application is asked once with each kind of credential, in the service's own process. An
answer counts as refused if it is 401 or 403, or sends a browser to sign in.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from experiments.reliability.fuzz import NOW, good_requests, in_memory
from experiments.reliability.in_process import StillClock, application, ask
from service.data_directory import STORE
from service.http.security import COOKIE, Scope
from service.store.database import Database
from service.store.tokens import TokenStore
from training.progress import Progress, begin_step, silent

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from experiments.reliability.fuzz import Good
    from experiments.reliability.in_process import Answered, Asked

NONE, WRONG = "none", "wrong"
CREDENTIALS: Final = (NONE, WRONG, *(each.value for each in Scope))
REFUSED = frozenset({401, 403})

PUBLIC: Final = None
NEEDED: Final[Mapping[str, Scope | None]] = {
    "GET /openapi.json": PUBLIC,
    "POST /v1/samples": Scope.INGEST,
    "GET /v1/items/{item}/scores": Scope.READ,
    "POST /v1/logs": Scope.INGEST,
    "POST /loki/api/v1/push": Scope.INGEST,
    "POST /otlp/v1/logs": Scope.INGEST,
    "POST /v1/alerts": Scope.INGEST,
    "GET /v1/incidents": Scope.READ,
    "GET /v1/incidents/{incident}": Scope.READ,
    "GET /v1/incidents/{incident}/causes": Scope.READ,
    "POST /v1/incidents/{incident}/verdict": Scope.VERDICT,
    "GET /v1/teams": Scope.READ,
    "GET /v1/pages": Scope.READ,
    "POST /v1/maintenance": Scope.VERDICT,
    "GET /v1/maintenance": Scope.READ,
    "DELETE /v1/maintenance/{window}": Scope.VERDICT,
    "GET /v1/shadow": Scope.READ,
    "POST /v1/cmdb": Scope.ADMIN,
    "GET /v1/cmdb": Scope.READ,
    "GET /v1/cmdb/items/{item}/dependencies": Scope.READ,
    "GET /v1/cmdb/items/{item}/dependents": Scope.READ,
    "GET /v1/cmdb/items/{item}": Scope.READ,
    "POST /v1/changes": Scope.INGEST,
    "GET /v1/changes": Scope.READ,
    "GET /healthz": PUBLIC,
    "GET /readyz": PUBLIC,
    "GET /metrics": Scope.READ,
    "GET /style.css": PUBLIC,
    "GET /incidents": Scope.READ,
    "GET /": Scope.READ,
    "GET /incidents/{incident}": Scope.READ,
    "POST /incidents/{incident}/verdict": Scope.VERDICT,
    "GET /sign-in": PUBLIC,
    "POST /sign-in": PUBLIC,
    "POST /sign-out": PUBLIC,
    "GET /items/{item}": Scope.READ,
    "GET /teams": Scope.READ,
    "GET /models": Scope.READ,
    "GET /docs": PUBLIC,
}
"""The scope that each route needs; none where everybody is answered."""


@dataclass(frozen=True)
class Answers:
    """Answers of one route, by credential: the status, or ``sign in``."""

    route: str
    needed: str
    answers: dict[str, str]


@dataclass(frozen=True)
class Access:
    """The table of routes and credentials.

    Attributes
    ----------
    table
        One row per route.
    wrong
        Answers that should have been refused, or were and should not, in words.
    """

    table: tuple[Answers, ...]
    wrong: tuple[str, ...]

    @property
    def failures(self) -> list[str]:
        """The wrong answers."""
        return list(self.wrong)


def measure_access(*, on_progress: Progress = silent) -> Access:
    """Ask every route of a service in this process with every credential."""
    report = begin_step(on_progress, "asking every route with every credential")
    with in_memory() as directory:
        access = asyncio.run(_measured(directory))
    report(1.0)
    return access


async def _measured(directory: Path) -> Access:
    async with application(directory, StillClock(NOW)) as app:
        seeds = {each.route: each for each in good_requests(app)}
        for route in ("POST /v1/cmdb", "POST /v1/samples", "POST /v1/alerts", "POST /v1/maintenance"):
            await ask(app, seeds[route].asked)  # while no token exists, everything is allowed
        secrets = _tokens(directory)
        table, wrong = [], []
        for route, good in seeds.items():
            needed = NEEDED.get(route)
            answers = {}
            for credential in CREDENTIALS:
                answered = await ask(app, _presenting(good, secrets.get(credential, "")))
                answers[credential] = _shown(answered)
                may = needed is PUBLIC or credential in {needed, Scope.ADMIN}
                if route not in NEEDED or may == _is_refused(answered, route):
                    wrong.append(f"{route} answered {answers[credential]} to {credential}")
            table.append(Answers(route, needed or "", answers))
    return Access(tuple(table), tuple(wrong))


def _tokens(directory: Path) -> dict[str, str]:
    """Secrets of one token of each scope, and one that no token has."""
    database = Database(directory / STORE)
    try:
        store = TokenStore(database)
        made = {each.value: store.create(each.value, [each], at=NOW, who="bench") for each in Scope}
    finally:
        database.close()
    return {WRONG: "sunspot_guess", **made}


def _presenting(good: Good, secret: str) -> Asked:
    """The request with a secret as a program presents it, and as a browser does."""
    if not secret:
        return good.asked
    presented = (
        (b"authorization", f"Bearer {secret}".encode()),
        (b"cookie", f"{COOKIE}={secret}".encode()),
    )
    return replace(good.asked, headers=(*good.asked.headers, *presented))


def _shown(answered: Answered) -> str:
    if _goes_to_sign_in(answered):
        return "sign in"
    return str(answered.status)


def _goes_to_sign_in(answered: Answered) -> bool:
    return answered.status == 303 and answered.headers.get("location", "").startswith("/sign-in")


def _is_refused(answered: Answered, route: str) -> bool:
    if route in {"POST /sign-in", "POST /sign-out"}:  # answered to everybody: that is what they are for
        return False
    return answered.status in REFUSED or _goes_to_sign_in(answered)
