"""People who sign in by name and password; of passwords, only hashes are stored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, insert, select, update

from service.store.audit import CHANGE_PASSWORD, CREATE_USER, DISABLE_USER, GRANT_ROLE, record
from service.store.names import claim_name, normal_name
from service.store.tables import sessions, users
from telemetry.instants import from_ms, to_ms

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from service.store.database import Database

ANYBODY = "SELECT EXISTS (SELECT 1 FROM users) OR EXISTS (SELECT 1 FROM tokens)"


class UnknownUserError(LookupError):
    """A name that no person in use has."""

    def __init__(self, name: str) -> None:
        super().__init__(f"nobody who may sign in is named {name!r}")
        self.name = name


@dataclass(frozen=True, slots=True)
class User:
    """A person, without a password.

    Attributes
    ----------
    teams
        Whose items and incidents the person may see; empty for every team's.
    """

    name: str
    role: str
    teams: frozenset[str]
    created_at: datetime
    disabled_at: datetime | None = None


class UserStore:
    """Everybody who may, or might once, sign in."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(
        self, name: str, *, role: str, teams: Iterable[str], password: str, at: datetime, who: str
    ) -> User:
        """Store a new person with the hash of a password.

        Raises
        ------
        BadNameError, NameTakenError
            If the name cannot be given.
        """
        granted = {"role": role, "teams": sorted(set(teams))}
        with self._database.writing() as connection:
            name = claim_name(connection, name)
            row = {"name": name, "password": password, "created_ms": to_ms(at), **granted}
            connection.execute(insert(users).values(row))
            record(connection, at=at, who=who, action=CREATE_USER, subject=name, document=granted)
        return User(name, role, frozenset(teams), from_ms(to_ms(at)))

    def grant(self, name: str, *, role: str, teams: Iterable[str], at: datetime, who: str) -> None:
        """Give a person another role and other teams; both count from the next request on.

        Raises
        ------
        UnknownUserError
            If nobody who may sign in has the name.
        """
        granted = {"role": role, "teams": sorted(set(teams))}
        with self._database.writing() as connection:
            name = _change(connection, name, granted)
            record(connection, at=at, who=who, action=GRANT_ROLE, subject=name, document=granted)

    def set_password(self, name: str, password: str, *, at: datetime, who: str) -> None:
        """Store the hash of another password, and end every session of the person.

        Raises
        ------
        UnknownUserError
            If nobody who may sign in has the name.
        """
        with self._database.writing() as connection:
            name = _change(connection, name, {"password": password})
            _end_sessions(connection, name, at)
            record(connection, at=at, who=who, action=CHANGE_PASSWORD, subject=name, document={})

    def disable(self, name: str, *, at: datetime, who: str) -> None:
        """Let a person sign in no more, and end every session.

        Raises
        ------
        UnknownUserError
            If nobody who may sign in has the name.
        """
        with self._database.writing() as connection:
            name = _change(connection, name, {"disabled_ms": to_ms(at)})
            _end_sessions(connection, name, at)
            record(connection, at=at, who=who, action=DISABLE_USER, subject=name, document={})

    def all(self) -> list[User]:
        """Everybody, the disabled included, by name."""
        with self._database.reading() as connection:
            rows = connection.execute(select(users).order_by(users.c.name)).all()
        return [
            User(
                row.name,
                row.role,
                frozenset(row.teams),
                from_ms(row.created_ms),
                None if row.disabled_ms is None else from_ms(row.disabled_ms),
            )
            for row in rows
        ]

    def anybody_exists(self) -> bool:
        """Whether a person or a token was ever created: revoking the last one does not open the service.

        Each request asks it while there is nobody, so it is one statement.
        """
        with self._database.reading() as connection:
            return bool(connection.exec_driver_sql(ANYBODY).scalar())

    def password_of(self, name: str) -> str | None:
        """Return the hash of a person's password; ``None`` if nobody who may sign in has the name."""
        own = users.c.name == normal_name(name), users.c.disabled_ms.is_(None)
        with self._database.reading() as connection:
            return connection.execute(select(users.c.password).where(*own)).scalar()


def _change(connection: Connection, name: str, values: dict[str, Any]) -> str:
    name = normal_name(name)
    chosen = update(users).where(users.c.name == name, users.c.disabled_ms.is_(None))
    if not connection.execute(chosen.values(values)).rowcount:
        raise UnknownUserError(name)
    return name


def _end_sessions(connection: Connection, name: str, at: datetime) -> None:
    own = update(sessions).where(sessions.c.user == name, sessions.c.ended_ms.is_(None))
    connection.execute(own.values(ended_ms=to_ms(at)))
