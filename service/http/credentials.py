"""What a request presents to say who sent it."""

from __future__ import annotations

import hashlib
from base64 import b64decode
from typing import TYPE_CHECKING, NamedTuple

from starlette.requests import HTTPConnection

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import Scope

COOKIE, SECURE_COOKIE = "sunspot_session", "__Host-sunspot_session"
"""Names of the session's cookie. A browser takes the second from this very host by HTTPS only, and sends it
to no other (RFC 6265bis, section 4.1.3.2)."""


class Presented(NamedTuple):
    """The credentials of a request; empty text for one that it lacks.

    Attributes
    ----------
    token
        Of the header ``Authorization``.
    session
        Secret of the cookie; looked at only without a token.
    """

    token: str
    session: str
    address: str
    headers: Mapping[str, str]
    method: str
    path: str

    @property
    def is_empty(self) -> bool:
        """Whether it says nothing about its sender."""
        return not (self.token or self.session)


def presented_by(scope: Scope, *, is_encrypted: bool) -> Presented:
    """Return what a request presents.

    Parameters
    ----------
    is_encrypted
        Whether the pages are read by HTTPS: the plain cookie is then nobody's.
    """
    request = HTTPConnection(scope)
    session = request.cookies.get(cookie_name(is_encrypted=is_encrypted), "")
    return Presented(
        token=token_in(request.headers.get("authorization", "")),
        session=session,
        address=request.client.host if request.client else "",
        headers=request.headers,
        method=scope["method"],
        path=scope["path"],
    )


def token_in(authorization: str) -> str:
    """Return the token of a header, also one given as a password or an API key.

    Elasticsearch's clients, among others, know no bearer tokens: both follow a name and a colon, in base64.
    """
    scheme, _, given = authorization.partition(" ")
    if scheme.lower() == "bearer":
        return given.strip()
    if scheme.lower() not in {"basic", "apikey"}:
        return ""
    try:
        named = b64decode(given, validate=True).decode()
    except ValueError:
        return given.strip()
    return named.partition(":")[2] if ":" in named else given.strip()


def cookie_name(*, is_encrypted: bool) -> str:
    """Name of the session's cookie."""
    return SECURE_COOKIE if is_encrypted else COOKIE


def form_token(secret: str) -> str:
    """Return what the forms of a session hold: no other site knows it, and it does not tell the secret."""
    return hashlib.sha256(f"form of {secret}".encode(errors="surrogateescape")).hexdigest()
