"""What can be allowed, and what the scopes of tokens and the roles of people allow."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class Permission(StrEnum):
    """Something that a route may need."""

    SEND = "ingest"  # samples, log lines and alerts
    RECORD_CHANGES = "changes"
    READ = "read"
    JUDGE = "verdict"
    PLAN_MAINTENANCE = "maintenance"
    ADMINISTER = "admin"  # the CMDB


class Scope(StrEnum):
    """What a token is made for."""

    INGEST = "ingest"
    READ = "read"
    VERDICT = "verdict"
    ADMIN = "admin"


class Role(StrEnum):
    """What a person is there for."""

    VIEWER = "viewer"
    RESPONDER = "responder"
    OPERATOR = "operator"
    ADMIN = "admin"


SCOPES: Mapping[Scope, frozenset[Permission]] = {
    Scope.INGEST: frozenset({Permission.SEND, Permission.RECORD_CHANGES}),
    Scope.READ: frozenset({Permission.READ}),
    Scope.VERDICT: frozenset({Permission.JUDGE, Permission.PLAN_MAINTENANCE}),
    Scope.ADMIN: frozenset(Permission),
}

ROLES: Mapping[Role, frozenset[Permission]] = {
    Role.VIEWER: frozenset({Permission.READ}),
    Role.RESPONDER: frozenset({Permission.READ, Permission.JUDGE}),
    Role.OPERATOR: frozenset(
        {Permission.READ, Permission.JUDGE, Permission.PLAN_MAINTENANCE, Permission.RECORD_CHANGES}
    ),
    Role.ADMIN: frozenset(Permission),
}

OF_EVERY_TEAM = frozenset({Permission.SEND, Permission.ADMINISTER})
"""What concerns every team, so that nobody who is limited to some may do it."""
