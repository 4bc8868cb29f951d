"""Names of tokens and people: no two share one, so that the audit never confuses them."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from sqlalchemy import select

from service.store.tables import tokens, users

if TYPE_CHECKING:
    from sqlalchemy import Connection

RESERVED = frozenset({"local", "command", "sunspot"})
MAX_LENGTH = 100
LONGEST_TYPED = 10 * MAX_LENGTH
"""A longer text is no name in any form. Putting marks in order takes the square of their number: a form's
quarter of a million of them, which strangers may send, would hold the interpreter for a minute."""


class NameTakenError(ValueError):
    """A name that a token or a person has, or had."""

    def __init__(self, name: str) -> None:
        super().__init__(f"the name {name!r} is in use, or was: choose another")
        self.name = name


class BadNameError(ValueError):
    """A name that cannot be told apart from others."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name!r} is not a name: 1 to {MAX_LENGTH} printable characters without outer blanks"
        )
        self.name = name


def claim_name(connection: Connection, name: str) -> str:
    """Return a name as it is stored, or refuse it, within an open transaction that writes.

    Raises
    ------
    BadNameError
        If it is empty, too long, or holds what cannot be seen.
    NameTakenError
        If a token or a person has or had it, revoked and disabled ones included.
    """
    typed, name = name, normal_name(name)
    if not name or not name.isprintable():
        raise BadNameError(typed)
    for table in (tokens, users):
        if connection.execute(select(table.c.name).where(table.c.name == name)).first() is not None:
            raise NameTakenError(name)
    if name in RESERVED:
        raise NameTakenError(name)
    return name


def normal_name(name: str) -> str:
    """Return the one form of a name that people may type in several; empty for what is too long for one."""
    stripped = name.strip()
    normal = unicodedata.normalize("NFC", stripped) if len(stripped) <= LONGEST_TYPED else ""
    return normal if len(normal) <= MAX_LENGTH else ""
