"""The page of the HTTP API, rendered here because the usual viewers fetch scripts from elsewhere."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from service.dependencies import ServiceSettings
from service.pages.rendering import Render

if TYPE_CHECKING:
    from collections.abc import Mapping

router = APIRouter()


@dataclass(frozen=True, slots=True)
class RouteView:
    """A route as the page shows it."""

    method: str
    path: str
    summary: str
    description: str
    example: str
    answers: tuple[tuple[str, str], ...]


@router.get("/docs")
def reference_page(settings: ServiceSettings, render: Render, request: Request) -> HTMLResponse:
    """Show every route with an example."""
    document = request.app.openapi()
    routes: dict[str, list[RouteView]] = {tag["name"]: [] for tag in document["tags"]}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            routes[operation["tags"][0]].append(_view(method, path, operation, document))
    return render(
        "docs.html",
        document=document,
        routes=routes,
        address=settings.address,
    )


def _view(method: str, path: str, operation: Mapping[str, Any], document: Mapping[str, Any]) -> RouteView:
    description = operation.get("description", "")
    return RouteView(
        method=method.upper(),
        path=path,
        summary=operation["summary"],
        description=description,
        example=_example(operation, document),
        answers=tuple((status, answer["description"]) for status, answer in operation["responses"].items()),
    )


def _example(operation: Mapping[str, Any], document: Mapping[str, Any]) -> str:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    named = list(content.get("examples", {}).values())
    if named:
        return json.dumps(named[0]["value"], indent=2)
    name = content.get("schema", {}).get("$ref", "").rpartition("/")[2]
    examples = document["components"]["schemas"].get(name, {}).get("examples", [])
    return json.dumps(examples[0], indent=2) if examples else ""
