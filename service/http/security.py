"""Who sent a request: a token, a person's session, or, while there is neither, this machine alone."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from service.access.permissions import ROLES, SCOPES, Role, Scope
from service.access.sender import LOCAL, Sender
from service.errors import ForeignHostError, ForeignOriginError, NoTokenError, OpenToTheNetworkError
from service.http.credentials import form_token
from service.settings import is_loopback

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from service.access.marker import AccessMarker
    from service.access.permissions import Permission
    from service.clock import WallClock
    from service.http.credentials import Presented
    from service.settings import Settings
    from service.store.sessions import Session, SessionStore
    from service.store.tokens import Token, TokenStore
    from service.store.users import UserStore

logger = logging.getLogger(__name__)

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
OWN_SITE, TYPED_BY_HAND = "same-origin", "none"
"""What a browser puts into Sec-Fetch-Site for requests that no other site caused."""


class Gate:
    """Knows who sent each request."""

    def __init__(
        self,
        tokens: TokenStore,
        users: UserStore,
        sessions: SessionStore,
        marker: AccessMarker,
        clock: WallClock,
    ) -> None:
        self._tokens = tokens
        self._users = users
        self._sessions = sessions
        self._marker = marker
        self._clock = clock
        self._is_closed = False

    @property
    def is_open(self) -> bool:
        """Whether no token or person was ever created, so that this machine may do everything."""
        if not self._is_closed and (self._marker.is_set or self._users.anybody_exists()):
            self._is_closed = True  # for good: nothing opens the service again
            try:
                self._marker.set()  # a store of before has none
            except OSError as error:
                logger.warning("the file that remembers access is not written", extra={"error": str(error)})
        return not self._is_closed

    @property
    def is_emptied(self) -> bool:
        """Whether the store holds no token and no person any more, so that nobody can be answered."""
        return not self.is_open and not self._users.anybody_exists()

    def check_listening(self, settings: Settings) -> None:
        """Refuse to listen beyond this machine while neither a token nor a person exists.

        Raises
        ------
        OpenToTheNetworkError
            If the host of the settings can be reached from elsewhere.
        """
        if self.is_open and not is_loopback(settings.host):
            raise OpenToTheNetworkError(settings.host)

    def sender(self, presented: Presented) -> Sender:
        """Return who sent a request.

        Raises
        ------
        NoTokenError
            If tokens or people exist and the request presents none of them.
        ForeignHostError
            If none exists and the request names another host than this machine: a page of another site
            whose name was made to point here (DNS rebinding).
        """
        if self.is_open:
            host = presented.headers.get("host", "")
            if not is_loopback(_host_name(host)):
                raise ForeignHostError(host)
            return LOCAL
        found = None
        if presented.token:
            token = self._tokens.holder(presented.token)
            found = None if token is None else _of_token(token)
        elif presented.session:
            session = self._sessions.find(presented.session, self._clock.now())
            found = None if session is None else _of_session(session, presented.session)
        if found is None:
            raise NoTokenError
        return found


def check_origin(headers: Mapping[str, str], method: str) -> None:
    """Refuse a change that a browser sends for a page of another site.

    Raises
    ------
    ForeignOriginError
        If the origin is not the host that the request is addressed to, or the browser says that it is not.
    """
    if method in SAFE_METHODS:
        return
    site, origin = headers.get("sec-fetch-site", OWN_SITE), headers.get("origin")
    if site not in {OWN_SITE, TYPED_BY_HAND}:
        raise ForeignOriginError(origin or site)
    if origin is not None and origin.partition("://")[2] != headers.get("host", ""):
        raise ForeignOriginError(origin)


def _of_token(token: Token) -> Sender:
    return Sender(token.name, _allowed(token.scopes), token.teams)


def _of_session(session: Session, secret: str) -> Sender:
    return Sender(
        session.holder,
        ROLES[Role(session.role)] if session.role else _allowed(session.scopes),
        session.teams,
        session=session.id,
        csrf=form_token(secret),
        is_person=bool(session.role),
    )


def _allowed(scopes: Iterable[str]) -> frozenset[Permission]:
    return frozenset().union(*(SCOPES[Scope(each)] for each in scopes))


def _host_name(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
