"""What every route needs: the one table of who may do what.

Middleware refuses by it before a body is read (`service.http.admission`); a route that is not in it answers
nobody.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum, auto
from typing import TYPE_CHECKING, NamedTuple

from starlette.routing import compile_path

from service.access.permissions import OF_EVERY_TEAM, ROLES, SCOPES, Permission

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SEND, CHANGES, READ = Permission.SEND, Permission.RECORD_CHANGES, Permission.READ
JUDGE, MAINTENANCE, ADMIN = Permission.JUDGE, Permission.PLAN_MAINTENANCE, Permission.ADMINISTER
PUBLIC = None


class Of(Enum):
    """What decides which teams a route's answer belongs to."""

    NO_TEAM = auto()
    INCIDENT = auto()  # the number in the path
    ITEM = auto()  # the id in the path
    WINDOW = auto()  # of maintenance, the number in the path
    PARTS = auto()  # the route answers, or takes, only what the sender may see


class Kind(Enum):
    """Who calls a route, which decides how it refuses and what guards a change."""

    PROBE = auto()  # answered without looking at who asks
    API = auto()
    PAGE = auto()  # a browser without a session is asked to sign in
    FORM = auto()  # of a page, which holds what proves its session


class Rule(NamedTuple):
    """What one route needs.

    Attributes
    ----------
    needs
        ``None`` where everybody is answered.
    """

    needs: Permission | None
    of: Of = Of.NO_TEAM
    kind: Kind = Kind.API


ROUTES: Mapping[tuple[str, str], Rule] = {
    ("POST", "/v1/samples"): Rule(SEND),
    ("POST", "/api/v1/write"): Rule(SEND),
    ("POST", "/otlp/v1/metrics"): Rule(SEND),
    ("POST", "/otlp/v1/traces"): Rule(SEND),
    ("POST", "/api/v2/spans"): Rule(SEND),
    ("POST", "/v1/logs"): Rule(SEND),
    ("POST", "/loki/api/v1/push"): Rule(SEND),
    ("POST", "/otlp/v1/logs"): Rule(SEND),
    ("GET", "/elasticsearch"): Rule(SEND),
    ("GET", "/elasticsearch/"): Rule(SEND),
    ("GET", "/elasticsearch/_license"): Rule(SEND),
    ("GET", "/elasticsearch/_xpack"): Rule(SEND),
    ("GET", "/elasticsearch/_cluster/health"): Rule(SEND),
    ("POST", "/elasticsearch/_bulk"): Rule(SEND),
    ("PUT", "/elasticsearch/_bulk"): Rule(SEND),
    ("POST", "/_bulk"): Rule(SEND),
    ("PUT", "/_bulk"): Rule(SEND),
    ("POST", "/elasticsearch/{index}/_bulk"): Rule(SEND),
    ("PUT", "/elasticsearch/{index}/_bulk"): Rule(SEND),
    ("POST", "/{index}/_bulk"): Rule(SEND),
    ("PUT", "/{index}/_bulk"): Rule(SEND),
    ("POST", "/v1/alerts"): Rule(SEND),
    ("POST", "/v1/alerts/api/v2/alerts"): Rule(SEND),
    ("POST", "/api/v2/alerts"): Rule(SEND),
    ("GET", "/v1/items/{item:path}/scores"): Rule(READ, Of.ITEM),
    ("GET", "/v1/incidents"): Rule(READ, Of.PARTS),
    ("GET", "/v1/incidents/{incident}"): Rule(READ, Of.INCIDENT),
    ("GET", "/v1/incidents/{incident}/alerts"): Rule(READ, Of.INCIDENT),
    ("GET", "/v1/incidents/{incident}/causes"): Rule(READ, Of.INCIDENT),
    ("POST", "/v1/incidents/{incident}/verdict"): Rule(JUDGE, Of.INCIDENT),
    ("GET", "/v1/teams"): Rule(READ, Of.PARTS),
    ("GET", "/v1/pages"): Rule(READ, Of.PARTS),
    ("POST", "/v1/maintenance"): Rule(MAINTENANCE, Of.PARTS),
    ("GET", "/v1/maintenance"): Rule(READ, Of.PARTS),
    ("DELETE", "/v1/maintenance/{window}"): Rule(MAINTENANCE, Of.WINDOW),
    ("GET", "/v1/shadow"): Rule(READ, Of.PARTS),
    ("POST", "/v1/cmdb"): Rule(ADMIN),
    ("GET", "/v1/cmdb"): Rule(READ),
    ("GET", "/v1/cmdb/items/{item:path}/dependencies"): Rule(READ, Of.ITEM),
    ("GET", "/v1/cmdb/items/{item:path}/dependents"): Rule(READ, Of.ITEM),
    ("GET", "/v1/cmdb/items/{item:path}"): Rule(READ, Of.ITEM),
    ("POST", "/v1/changes"): Rule(CHANGES, Of.PARTS),
    ("GET", "/v1/changes"): Rule(READ, Of.PARTS),
    ("GET", "/healthz"): Rule(PUBLIC, kind=Kind.PROBE),
    ("GET", "/readyz"): Rule(PUBLIC),
    ("GET", "/metrics"): Rule(READ),
    ("GET", "/openapi.json"): Rule(PUBLIC, kind=Kind.PROBE),
    ("GET", "/style.css"): Rule(PUBLIC, kind=Kind.PROBE),
    ("GET", "/"): Rule(READ, Of.PARTS, Kind.PAGE),
    ("GET", "/incidents"): Rule(READ, Of.PARTS, Kind.PAGE),
    ("GET", "/incidents/{incident}"): Rule(READ, Of.INCIDENT, Kind.PAGE),
    ("POST", "/incidents/{incident}/verdict"): Rule(JUDGE, Of.INCIDENT, Kind.FORM),
    ("GET", "/items/{item:path}"): Rule(READ, Of.ITEM, Kind.PAGE),
    ("GET", "/teams"): Rule(READ, Of.PARTS, Kind.PAGE),
    ("GET", "/models"): Rule(READ, Of.PARTS, Kind.PAGE),
    ("GET", "/docs"): Rule(PUBLIC, kind=Kind.PAGE),
    ("GET", "/sign-in"): Rule(PUBLIC, kind=Kind.PAGE),
    ("POST", "/sign-in"): Rule(PUBLIC, kind=Kind.FORM),
    ("POST", "/sign-out"): Rule(PUBLIC, kind=Kind.FORM),
    ("GET", "/account"): Rule(READ, kind=Kind.PAGE),
    ("POST", "/account/password"): Rule(READ, kind=Kind.FORM),
    ("POST", "/account/sessions/{session}/end"): Rule(READ, kind=Kind.FORM),
}
"""Every route, by method and path. Of two that fit a path, the first counts, as in the router."""


@dataclass(frozen=True, slots=True)
class Found:
    """The route that a request is for.

    Attributes
    ----------
    path
        As the route declares it, such as ``/v1/incidents/{incident}``.
    parameters
        Text of the path's variable parts, as in the address.
    """

    path: str
    rule: Rule
    parameters: Mapping[str, str]


def find_route(method: str, path: str) -> Found | None:
    """Return the route of a method and path, or ``None`` if the table has none; HEAD is taken for GET.

    >>> find_route("GET", "/v1/incidents/7").path
    '/v1/incidents/{incident}'
    """
    method = "GET" if method == "HEAD" else method
    for (of_method, template), pattern in _PATTERNS.items():
        if of_method == method and (match := pattern.match(path)):
            return Found(template, ROUTES[of_method, template], match.groupdict())
    return None


class Answer(StrEnum):
    """How a route answers somebody, as far as access goes."""

    ALLOWED = "allowed"
    UNKNOWN = "401"
    REFUSED = "403"
    HIDDEN = "404"


class AccessRow(NamedTuple):
    """How one route answers one kind of sender."""

    method: str
    path: str
    credential: str
    answer: Answer


NOBODY, OF_ANOTHER_TEAM = "nobody", "of another team"
CREDENTIALS: Mapping[str, frozenset[Permission]] = {
    NOBODY: frozenset(),
    **{f"token {scope}": allowed for scope, allowed in SCOPES.items()},
    **{f"{role}": allowed for role, allowed in ROLES.items()},
    **{
        f"{role} {OF_ANOTHER_TEAM}": allowed for role, allowed in ROLES.items() if not allowed & OF_EVERY_TEAM
    },
}
"""Every kind of sender and what it may do; those of another team ask for what is not theirs."""


def access_rows() -> Iterator[AccessRow]:
    """Yield how every route answers every kind of sender."""
    for (method, path), rule in ROUTES.items():
        for credential, allowed in CREDENTIALS.items():
            yield AccessRow(method, path, credential, _answer(rule, credential, allowed))


def _answer(rule: Rule, credential: str, allowed: frozenset[Permission]) -> Answer:
    if rule.needs is PUBLIC:
        return Answer.ALLOWED
    if credential == NOBODY:
        return Answer.UNKNOWN
    if rule.needs not in allowed:
        return Answer.REFUSED
    has_owner = rule.of in {Of.INCIDENT, Of.ITEM, Of.WINDOW}
    return Answer.HIDDEN if has_owner and credential.endswith(OF_ANOTHER_TEAM) else Answer.ALLOWED


_PATTERNS = {(method, path): compile_path(path)[0] for method, path in ROUTES}
