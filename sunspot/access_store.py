"""The store as the commands about tokens, people and the audit open it."""

from __future__ import annotations

import getpass
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from service.access.marker import EMPTIED, AccessMarker
from service.clock import SystemClock
from service.data_directory import ACCESS_MARKER, STORE
from service.store.audit import Audit
from service.store.database import Database
from service.store.tokens import TokenStore
from service.store.users import UserStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path


@dataclass(frozen=True)
class AccessStore:
    """Tokens, people and the audit of one data directory."""

    tokens: TokenStore
    users: UserStore
    audit: Audit
    marker: AccessMarker

    def closing(self) -> None:
        """Remember that requests need credentials, before the first are created; tell if some were lost."""
        if self.marker.is_set and not self.users.anybody_exists():
            click.echo(f"Note: {EMPTIED}. This opens the service to what is created now.", err=True)
        self.marker.set()


@contextmanager
def access_store(data: Path) -> Iterator[AccessStore]:
    """Open the store of a data directory; what cannot be done is a message of one line."""
    try:
        database = Database(data / STORE)
        try:
            marker = AccessMarker(data / ACCESS_MARKER)
            yield AccessStore(TokenStore(database), UserStore(database), Audit(database), marker)
        finally:
            database.close()
    except (ValueError, LookupError, OSError) as error:
        raise click.ClickException(str(error)) from error


def who_commands() -> str:
    """Return who runs the command, as the audit names it.

    >>> who_commands().startswith("command by ")
    True
    """
    try:
        name = getpass.getuser()
    except (OSError, KeyError, ImportError):
        name = "an account without a name"
    return f"command by {name}"


def now() -> datetime:
    """Return the time of the machine."""
    return SystemClock().now()
