"""Sessions of browsers: only hashes of their secrets are stored."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, insert, select, update

from service.store.audit import END_SESSION, SIGN_IN, SIGN_OUT, record
from service.store.secret_hashes import digest
from service.store.tables import sessions, tokens, users
from telemetry.instants import from_ms, to_ms

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import ColumnElement

    from service.store.database import Database

SECRET_BYTES = 32
KEPT = timedelta(days=90)
"""A session so old is removed; until then its address is known to be the person's."""

MAX_BROWSER = 200


@dataclass(frozen=True, slots=True)
class Session:
    """A browser that has signed in.

    Attributes
    ----------
    holder
        Name of the person, or of the token that was used.
    role
        The person's; empty for a token.
    scopes
        The token's; empty for a person.
    address, browser
        Where it signed in from, and what it called itself.
    """

    id: int
    holder: str
    role: str
    scopes: frozenset[str]
    teams: frozenset[str]
    address: str
    browser: str
    created_at: datetime
    seen_at: datetime


class SessionStore:
    """All sessions.

    Parameters
    ----------
    length, idle
        How long a session lasts at most, and how long it lasts without a request.
    """

    def __init__(self, database: Database, *, length: timedelta, idle: timedelta) -> None:
        self._database = database
        self._length = length
        self._idle = idle

    def open(
        self, holder: str, *, is_person: bool, address: str, browser: str, at: datetime, before: str = ""
    ) -> str:
        """Store a new session, and return its secret, which cannot be read again.

        Parameters
        ----------
        before
            Secret of the session that the browser had; it ends.
        """
        secret, at_ms = secrets.token_urlsafe(SECRET_BYTES), to_ms(at)
        row = {
            "secret_sha256": digest(secret),
            "user" if is_person else "token": holder,
            "address": address,
            "browser": browser[:MAX_BROWSER],
            "created_ms": at_ms,
            "seen_ms": at_ms,
        }
        with self._database.writing() as connection:
            connection.execute(delete(sessions).where(sessions.c.created_ms < to_ms(at - KEPT)))
            mine = sessions.c.secret_sha256 == digest(before), sessions.c.ended_ms.is_(None)
            connection.execute(update(sessions).where(*mine).values(ended_ms=at_ms))
            connection.execute(insert(sessions).values(row))
            with_ = {"with": "password" if is_person else "token"}
            record(connection, at=at, who=holder, action=SIGN_IN, subject=address, document=with_)
        return secret

    def find(self, secret: str, at: datetime) -> Session | None:
        """Return the session of a secret, unless it has ended; that it was seen is noted now and then."""
        with self._database.reading() as connection:
            own = sessions.c.secret_sha256 == digest(secret)
            row = connection.execute(_SESSIONS.where(own, self._lasts(at))).first()
        if row is None:
            return None
        found = _session(row)
        if (
            at - found.seen_at > self._idle / 20
        ):  # rarely: a page that is only read shall not wait for a writer
            with self._database.writing() as connection:
                connection.execute(
                    update(sessions).where(sessions.c.id == found.id).values(seen_ms=to_ms(at))
                )
        return found

    def of(self, holder: str, at: datetime) -> list[Session]:
        """Return what sessions a person or token has, the latest first."""
        asked = _SESSIONS.where(_is_of(holder), self._lasts(at)).order_by(sessions.c.id.desc())
        with self._database.reading() as connection:
            return [_session(row) for row in connection.execute(asked)]

    def end(self, session: int, *, holder: str, at: datetime, is_sign_out: bool) -> None:
        """End a session of a person or token; one of somebody else stays."""
        mine = sessions.c.id == session, sessions.c.ended_ms.is_(None), _is_of(holder)
        with self._database.writing() as connection:
            if connection.execute(update(sessions).where(*mine).values(ended_ms=to_ms(at))).rowcount:
                action = SIGN_OUT if is_sign_out else END_SESSION
                record(connection, at=at, who=holder, action=action, subject=str(session), document={})

    def addresses_of(self, name: str, at: datetime) -> frozenset[str]:
        """Return the addresses from which a person has signed in lately."""
        asked = select(sessions.c.address).where(sessions.c.user == name).distinct()
        with self._database.reading() as connection:
            rows = connection.execute(asked.where(sessions.c.created_ms >= to_ms(at - KEPT)))
            return frozenset(rows.scalars())

    def _lasts(self, at: datetime) -> ColumnElement[bool]:
        return (
            sessions.c.ended_ms.is_(None)
            & users.c.disabled_ms.is_(None)
            & tokens.c.revoked_ms.is_(None)
            & (sessions.c.created_ms > to_ms(at - self._length))
            & (sessions.c.seen_ms > to_ms(at - self._idle))
        )


_SESSIONS = (
    select(sessions, users.c.role, users.c.teams.label("of_user"), tokens.c.scopes, tokens.c.teams)
    .select_from(sessions)
    .outerjoin(users, users.c.name == sessions.c.user)
    .outerjoin(tokens, tokens.c.name == sessions.c.token)
)


def _is_of(holder: str) -> ColumnElement[bool]:
    return (sessions.c.user == holder) | (sessions.c.token == holder)


def _session(row: Any) -> Session:
    return Session(
        row.id,
        row.user or row.token,
        row.role or "",
        frozenset(row.scopes or ()),
        frozenset((row.teams if row.user is None else row.of_user) or ()),
        row.address,
        row.browser,
        from_ms(row.created_ms),
        from_ms(row.seen_ms),
    )
