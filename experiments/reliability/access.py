"""Which credential each route answers: the table that nobody should have to guess.

Every route of the application is asked once with each kind of credential, in the service's own process. An
answer counts as refused if it is 401 or 403, or sends a browser to sign in.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from experiments.reliability.fuzz import NOW, good_requests, in_memory
from experiments.reliability.in_process import StillClock, application, ask
from service.access.passwords import hashed
from service.access.permissions import Role, Scope
from service.data_directory import STORE
from service.http.access import NOBODY, OF_ANOTHER_TEAM, ROUTES, Answer, Kind, access_rows
from service.http.credentials import COOKIE, form_token
from service.http.openapi import declared_path
from service.store.database import Database
from service.store.sessions import SessionStore
from service.store.tokens import TokenStore
from service.store.users import UserStore
from training.progress import Progress, begin_step, silent

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from experiments.reliability.fuzz import Good
    from experiments.reliability.in_process import Answered, Asked

NONE, WRONG = "none", "wrong"
TOKENS: Final[Mapping[str, Scope]] = {f"token {each}": each for each in Scope}
CREDENTIALS: Final = (NONE, WRONG, *TOKENS, *Role)
OPEN_TO_ALL: Final = frozenset({"POST /sign-in", "POST /sign-out"})
"""Routes that answer everybody: what they refuse is a password, not a sender."""

REFUSED = frozenset({401, 403})
AN_HOUR = timedelta(hours=1)


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
        database = Database(directory / STORE)
        try:
            senders, expected = _Senders(database), _expected()
            table, wrong = [], []
            for number, (route, good) in enumerate(seeds.items()):
                answers, address = {}, f"10.0.{number}.1"  # of its own: whoever is refused often must wait
                for credential in CREDENTIALS:
                    answered = await ask(app, senders.presenting(good, credential), address=address)
                    answers[credential] = _shown(answered)
                    should = expected.get((route, NOBODY if credential in {NONE, WRONG} else credential))
                    if should is None or (should is Answer.ALLOWED) == _is_refused(answered, route):
                        wrong.append(f"{route} answered {answers[credential]} to {credential}")
                table.append(Answers(route, _needed(route), answers))
        finally:
            database.close()
    return Access(tuple(table), tuple(wrong))


def _expected() -> dict[tuple[str, str], Answer]:
    """What the service's own table says, by route and credential; those of another team are left out."""
    return {
        (f"{each.method} {declared_path(each.path)}", each.credential): each.answer
        for each in access_rows()
        if not each.credential.endswith(OF_ANOTHER_TEAM)
    }


def _needed(route: str) -> str:
    needs = {f"{method} {declared_path(path)}": rule.needs for (method, path), rule in ROUTES.items()}
    return needs.get(route) or ""


class _Senders:
    """One token of each scope, and one person of each role."""

    def __init__(self, database: Database) -> None:
        tokens, users = TokenStore(database), UserStore(database)
        self._sessions = SessionStore(database, length=AN_HOUR, idle=AN_HOUR)
        self._tokens = {WRONG: "sunspot_guess"}
        for name, scope in TOKENS.items():
            self._tokens[name] = tokens.create(scope, [scope], at=NOW, who="bench")
        password = hashed("of the benchmark alone")
        for role in Role:
            users.create(f"a-{role}", role=role, teams=[], password=password, at=NOW, who="bench")

    def presenting(self, good: Good, credential: str) -> Asked:
        """Return the request as a sender makes it: a program with a token, a person from a page of a session.

        Each request has a session of its own: some end it.
        """
        if credential == NONE:
            return good.asked
        if credential in self._tokens:
            header = (b"authorization", f"Bearer {self._tokens[credential]}".encode())
            return replace(good.asked, headers=(*good.asked.headers, header))
        secret = self._sessions.open(
            f"a-{credential}", is_person=True, address="127.0.0.1", browser="bench", at=NOW
        )
        headers = ((b"cookie", f"{COOKIE}={secret}".encode()), (b"x-csrf-token", form_token(secret).encode()))
        body = good.asked.body
        if good.route in FORMS:
            body += f"&csrf={form_token(secret)}".encode()
        return replace(good.asked, headers=(*good.asked.headers, *headers), body=body)


FORMS: Final = frozenset(
    f"{method} {declared_path(path)}" for (method, path), rule in ROUTES.items() if rule.kind is Kind.FORM
)


def _is_page(answered: Answered) -> bool:
    return answered.headers.get("content-type", "").startswith("text/html")


def _shown(answered: Answered) -> str:
    if _goes_to_sign_in(answered):
        return "sign in"
    return str(answered.status)


def _goes_to_sign_in(answered: Answered) -> bool:
    return answered.status == 303 and answered.headers.get("location", "").startswith("/sign-in")


def _is_refused(answered: Answered, route: str) -> bool:
    if route in OPEN_TO_ALL or _is_page(answered):  # a page that says no was reached: to a wrong password
        return False
    return answered.status in REFUSED or _goes_to_sign_in(answered)
