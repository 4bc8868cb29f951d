"""Who sent a request, and what that one may do."""

from __future__ import annotations

from dataclasses import dataclass

from service.access.permissions import Permission


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sent a request.

    Attributes
    ----------
    name
        The token's or the person's: no two share one.
    teams
        Whose items and incidents the sender may see; empty for every team's.
    session
        Number of the session that a browser sent it in; ``None`` without one.
    csrf
        What a form of this session must hold; empty without a session.
    is_person
        Whether a person signed in by name and password.
    """

    name: str
    permissions: frozenset[Permission]
    teams: frozenset[str] = frozenset()
    session: int | None = None
    csrf: str = ""
    is_person: bool = False

    def may(self, permission: Permission) -> bool:
        """Whether the sender is allowed something."""
        return permission in self.permissions


LOCAL = Sender("local", frozenset(Permission))
"""Anybody at this machine, while neither a token nor a person exists."""
