"""Who may do what: bearer tokens with scopes, or, without any token, this machine alone."""

from __future__ import annotations

from base64 import b64decode
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from service.errors import (
    ForeignHostError,
    ForeignOriginError,
    MissingScopeError,
    NoTokenError,
    OpenToTheNetworkError,
    SignInNeededError,
)
from service.settings import is_loopback

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from service.settings import Settings
    from service.store.tokens import TokenStore

COOKIE = "sunspot_token"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
BEARER = HTTPBearer(
    auto_error=False,
    description="A sender's token, from `sunspot token create`. Not needed while no token exists: "
    "the service then answers this machine alone.",
)


class Scope(StrEnum):
    """What a token allows."""

    INGEST = "ingest"
    READ = "read"
    VERDICT = "verdict"
    ADMIN = "admin"  # the CMDB, and all of the above


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sent a request."""

    name: str
    scopes: frozenset[str]

    def may(self, scope: Scope) -> bool:
        """Whether the sender may do what needs a scope."""
        return scope in self.scopes or Scope.ADMIN in self.scopes


LOCAL = Sender("local", frozenset(Scope))
"""Anybody at this machine, while no token exists."""


class Gate:
    """Decides who may send each request."""

    def __init__(self, tokens: TokenStore) -> None:
        self._tokens = tokens

    @property
    def is_open(self) -> bool:
        """Whether there is no token yet, so that this machine may do everything."""
        return not self._tokens.any_exist()

    def check_listening(self, settings: Settings) -> None:
        """Refuse to listen beyond this machine while no token exists.

        Raises
        ------
        OpenToTheNetworkError
            If the host of the settings can be reached from elsewhere.
        """
        if self.is_open and not is_loopback(settings.host):
            raise OpenToTheNetworkError(settings.host)

    def sender(self, secret: str | None, headers: Mapping[str, str], method: str) -> Sender:
        """Return who sent a request.

        Raises
        ------
        NoTokenError
            If tokens exist and none of them was presented.
        ForeignHostError
            If no token exists and the request names another host than this machine: a page of another
            site whose name was made to point here (DNS rebinding).
        ForeignOriginError
            If a page of another site asks for a change.
        """
        check_origin(headers, method)
        if self.is_open:
            host = headers.get("host", "")
            if not is_loopback(_host_name(host)):
                raise ForeignHostError(host)
            return LOCAL
        token = self._tokens.holder(secret) if secret else None
        if token is None:
            raise NoTokenError
        return Sender(token.name, token.scopes)


def check_origin(headers: Mapping[str, str], method: str) -> None:
    """Refuse a change that a browser sends for a page of another site.

    Raises
    ------
    ForeignOriginError
        If the origin is not the host that the request is addressed to.
    """
    origin = headers.get("origin")
    if method in SAFE_METHODS or origin is None:
        return
    if origin.partition("://")[2] != headers.get("host", ""):
        raise ForeignOriginError(origin)


def requires(scope: Scope) -> Callable[..., Sender]:
    """Dependency of a route that only senders with a scope may call."""

    def check(
        request: Request, presented: Annotated[HTTPAuthorizationCredentials | None, Security(BEARER)]
    ) -> Sender:
        secret = presented.credentials if presented else _secret_of(request)
        sender = _gate(request).sender(secret, request.headers, request.method)
        if not sender.may(scope):
            raise MissingScopeError(sender.name, scope)
        return sender

    return check


CAN_INGEST, CAN_READ, CAN_GIVE_VERDICTS = (
    Depends(requires(each)) for each in (Scope.INGEST, Scope.READ, Scope.VERDICT)
)
"""Dependencies of a route that does not need to know who its sender is."""

VerdictSender = Annotated[Sender, CAN_GIVE_VERDICTS]
AdminSender = Annotated[Sender, Depends(requires(Scope.ADMIN))]
"""A route's parameter that receives who sent the request, checked."""


def _reader_of_pages(request: Request) -> Sender:
    """Return the reader of a page; a browser without a valid token is asked to sign in."""
    try:
        sender = _gate(request).sender(request.cookies.get(COOKIE), request.headers, request.method)
    except NoTokenError as error:
        raise SignInNeededError(request.url.path) from error
    if not sender.may(Scope.READ):
        raise MissingScopeError(sender.name, Scope.READ)
    return sender


CAN_READ_PAGES = Depends(_reader_of_pages)
"""Dependency of a page."""


def _gate(request: Request) -> Gate:
    gate: Gate = request.app.state.rooms.gate
    return gate


def _secret_of(request: Request) -> str | None:
    """Return the token that a client presents as a password or an API key, or a browser in its cookie.

    Elasticsearch's clients, among others, know no bearer tokens: both follow a name and a colon, in base64.
    """
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() not in {"basic", "apikey"}:
        return request.cookies.get(COOKIE)
    try:
        named = b64decode(given, validate=True).decode()
    except ValueError:
        return given
    return named.partition(":")[2] if ":" in named else given


def _host_name(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
