"""Senders' tokens: only hashes of high-entropy secrets are stored."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, update

from service.store.audit import CREATE_TOKEN, REVOKE_TOKEN, record
from service.store.names import claim_name
from service.store.secret_hashes import digest
from service.store.tables import tokens
from telemetry.instants import from_ms, to_ms

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from service.store.database import Database

SECRET_BYTES = 32


class UnknownTokenError(LookupError):
    """A token name that no token in use has."""

    def __init__(self, name: str) -> None:
        super().__init__(f"no token in use is named {name!r}")
        self.name = name


@dataclass(frozen=True, slots=True)
class Token:
    """A sender's token, without its secret.

    Attributes
    ----------
    teams
        Whose items and incidents it may see; empty for every team's.
    """

    name: str
    scopes: frozenset[str]
    created_at: datetime
    revoked_at: datetime | None = None
    teams: frozenset[str] = frozenset()


class TokenStore:
    """The tokens of all senders."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(
        self, name: str, scopes: Iterable[str], *, teams: Iterable[str] = (), at: datetime, who: str
    ) -> str:
        """Store a new token and return its secret, which cannot be read again.

        Raises
        ------
        BadNameError, NameTakenError
            If the name cannot be given; it may have been a revoked token's.
        """
        secret = f"sunspot_{secrets.token_urlsafe(SECRET_BYTES)}"
        granted = {"scopes": sorted(set(scopes)), "teams": sorted(set(teams))}
        with self._database.writing() as connection:
            name = claim_name(connection, name)
            row = {"name": name, "secret_sha256": digest(secret), "created_ms": to_ms(at), **granted}
            connection.execute(insert(tokens).values(row))
            record(connection, at=at, who=who, action=CREATE_TOKEN, subject=name, document=granted)
        return secret

    def revoke(self, name: str, *, at: datetime, who: str) -> None:
        """Revoke a token.

        Raises
        ------
        UnknownTokenError
            If no token in use has the name.
        """
        chosen = update(tokens).where(tokens.c.name == name, tokens.c.revoked_ms.is_(None))
        with self._database.writing() as connection:
            if not connection.execute(chosen.values(revoked_ms=to_ms(at))).rowcount:
                raise UnknownTokenError(name)
            record(connection, at=at, who=who, action=REVOKE_TOKEN, subject=name, document={})

    def all(self) -> list[Token]:
        """Every token, revoked ones included, by name."""
        with self._database.reading() as connection:
            rows = connection.execute(select(tokens).order_by(tokens.c.name)).all()
        return [_token(row) for row in rows]

    def holder(self, secret: str) -> Token | None:
        """Return the token in use that has this secret.

        It is looked up by its hash, in the index of hashes. How long that takes reveals nothing of a secret:
        nobody can choose a secret by the first digits of its SHA-256.
        """
        query = select(tokens).where(tokens.c.secret_sha256 == digest(secret), tokens.c.revoked_ms.is_(None))
        with self._database.reading() as connection:
            row = connection.execute(query).first()
        return None if row is None else _token(row)


def _token(row: Any) -> Token:
    return Token(
        row.name,
        frozenset(row.scopes),
        from_ms(row.created_ms),
        None if row.revoked_ms is None else from_ms(row.revoked_ms),
        frozenset(row.teams),
    )
