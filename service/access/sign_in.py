"""Signing in, by name and password or by a token."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, NamedTuple

from anyio import CapacityLimiter, to_thread

from service.access.addresses import network_of
from service.access.passwords import fits, hashed
from service.errors import SignInBusyError, WrongPasswordError
from service.store.names import normal_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from service.access.attempts import Attempts
    from service.access.refusals import Refusals
    from service.clock import WallClock
    from service.store.sessions import SessionStore
    from service.store.tokens import TokenStore
    from service.store.users import UserStore

logger = logging.getLogger(__name__)

N_AT_ONCE, N_WAITING = 2, 20
"""Attempts that are looked at at the same time, so that no storm of them takes the machine; others wait."""

BUSY_S = 5.0


class Browser(NamedTuple):
    """What signs in.

    Attributes
    ----------
    session
        Secret of the session that it has; it ends when another begins.
    """

    address: str
    name: str
    session: str


class SignIn:
    """Turns a password or a token into a session.

    Parameters
    ----------
    n_at_once, n_waiting
        How many attempts are looked at at the same time, and how many may wait.
    """

    def __init__(
        self,
        users: UserStore,
        tokens: TokenStore,
        sessions: SessionStore,
        attempts: Attempts,
        *,
        refusals: Refusals,
        clock: WallClock,
        n_at_once: int = N_AT_ONCE,
        n_waiting: int = N_WAITING,
    ) -> None:
        self._users = users
        self._tokens = tokens
        self._sessions = sessions
        self._attempts = attempts
        self._refusals = refusals
        self._clock = clock
        self._limiter = CapacityLimiter(n_at_once)
        self._n_most = n_at_once + n_waiting
        self._n_now = 0

    async def with_password(self, name: str, password: str, browser: Browser) -> str:
        """Return the secret of a new session.

        Raises
        ------
        WrongPasswordError
            If nobody who may sign in has the name and the password.
        SignInDelayedError
            If it comes too soon after attempts that failed.
        SignInBusyError
            If too many wait already.
        """
        return await self._run(lambda: self._by_password(normal_name(name), password, browser))

    async def with_token(self, secret: str, browser: Browser) -> str:
        """Return the secret of a new session.

        Raises
        ------
        WrongPasswordError
            If no token in use has the secret.
        TooManyRefusalsError
            If so, and the address has sent too many that are not in use.
        SignInBusyError
            If too many wait already.
        """
        return await self._run(lambda: self._by_token(secret, browser))

    async def change_password(self, name: str, old: str, new: str, browser: Browser) -> str:
        """Give a person another password, end every session, and return the secret of a new one.

        Raises
        ------
        WrongPasswordError
            If the old password is not the person's.
        WeakPasswordError
            If the new one is too short or too long.
        SignInDelayedError, SignInBusyError
            As in signing in.
        """
        return await self._run(lambda: self._changed(name, old, new, browser))

    async def _run(self, attempt: Callable[[], str]) -> str:
        if self._n_now >= self._n_most:
            raise SignInBusyError(BUSY_S)
        self._n_now += 1
        try:
            return await to_thread.run_sync(attempt, limiter=self._limiter)
        finally:
            self._n_now -= 1

    def _by_password(self, name: str, password: str, browser: Browser) -> str:
        self._check(name, password, browser)
        return self._opened(name, browser, is_person=True)

    def _changed(self, name: str, old: str, new: str, browser: Browser) -> str:
        self._check(name, old, browser)
        self._users.set_password(name, hashed(new), at=self._clock.now(), who=name)
        return self._opened(name, browser, is_person=True)

    def _by_token(self, secret: str, browser: Browser) -> str:
        token = self._tokens.holder(secret)
        if token is None:
            self._refusals.add(browser.address, "/sign-in", has_credentials=True)
            raise WrongPasswordError
        return self._opened(token.name, browser, is_person=False)

    def _check(self, name: str, password: str, browser: Browser) -> None:
        network = network_of(browser.address)
        known = self._sessions.addresses_of(name, self._clock.now())
        is_known = network in map(network_of, known)
        stored = self._users.password_of(name)
        self._attempts.begin(name, network, is_known=is_known)
        if not fits(password, stored):
            # a name that nobody has may be a password in the wrong field
            named = {"user": name} if stored else {}
            logger.warning("sign-in refused", extra={"address": browser.address, "by": "password", **named})
            raise WrongPasswordError
        self._attempts.succeeded(name, network)

    def _opened(self, holder: str, browser: Browser, *, is_person: bool) -> str:
        return self._sessions.open(
            holder,
            is_person=is_person,
            address=browser.address,
            browser=browser.name,
            at=self._clock.now(),
            before=browser.session,
        )
