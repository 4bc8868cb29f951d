"""The OpenAPI document, beyond what the routes themselves declare."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastapi.openapi.utils import get_openapi
from fastapi.routing import iter_route_contexts

from service.http.access import ROUTES
from service.http.problems import PROBLEM_TYPE, Problem
from service.http.request_schemas import schemas_of
from service.http.rpc_status import StatusOut

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fastapi import FastAPI

EXAMPLES = Path(__file__).parent / "examples.json"
"""An answer of each operation, recorded from a running service; a test checks that it still looks so."""

BEARER = "HTTPBearer"
BEARER_SCHEME = {
    "type": "http",
    "scheme": "bearer",
    "description": "A sender's token, from `sunspot token create`. Not needed while no token and no person "
    "exists: the service then answers this machine alone.",
}

TAGS = [
    {"name": "signals", "description": "Metric samples and log lines in, scores out."},
    {"name": "alerts", "description": "Alerts in, the same alerts with their likely causes out."},
    {
        "name": "incidents",
        "description": "What is wrong, where it started, how sure that is, and what the true cause was.",
    },
    {"name": "paging", "description": "Sunspot's own pages, their budgets, and maintenance."},
    {"name": "cmdb", "description": "Configuration items and what depends on what."},
    {"name": "changes", "description": "Recorded alterations of items, such as deploys."},
    {"name": "health", "description": "Whether the service itself works."},
]


def describe(app: FastAPI, *, bodies: Sequence[type]) -> None:
    """Complete the application's OpenAPI document with bodies, examples and problem documents.

    Parameters
    ----------
    bodies
        What describes the bodies that routes read as bytes.
    """

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _completed(
                get_openapi(
                    title=app.title,
                    version=app.version,
                    summary=app.summary,
                    routes=app.routes,
                    tags=app.openapi_tags,
                ),
                bodies,
            )
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]


def routes_of(app: FastAPI) -> list[str]:
    """Every route of the application, pages included, such as ``GET /v1/incidents/{incident}``."""
    return [
        f"{method} {route.path_format or route.path}"
        for route in iter_route_contexts(app.routes)
        for method in sorted((route.methods or set()) - {"HEAD"})
    ]


def declared_path(path: str) -> str:
    """Return a route's path without the kinds of its parameters.

    >>> declared_path("/v1/items/{item:path}/scores")
    '/v1/items/{item}/scores'
    """
    return re.sub(r":\w+}", "}", path)


def _completed(document: dict[str, Any], bodies: Sequence[type]) -> dict[str, Any]:
    schemas = document["components"]["schemas"]
    schemas.update(schemas_of([*bodies, Problem, StatusOut]))
    document["components"]["securitySchemes"] = {BEARER: BEARER_SCHEME}
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    problem = {PROBLEM_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    examples = json.loads(EXAMPLES.read_text(encoding="utf-8"))
    declared = {declared_path(path): path for _, path in ROUTES}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            summary, _, rest = operation["description"].partition("\n\n")
            operation["summary"], operation["description"] = summary.rstrip("."), rest or summary
            answers = operation["responses"]
            if ROUTES[method.upper(), declared[path]].needs is not None:
                operation["security"] = [{BEARER: []}]
            for content in answers["200"]["content"].values():
                if content.get("schema", {}).get("format") == "binary":
                    continue
                content["example"] = examples[f"{method.upper()} {path}"]
            if "422" in answers:
                answers["422"] = {"description": "Not what this route reads", "content": problem}
            answers["default"] = {"description": "What was wrong, as a problem document", "content": problem}
    return document
