"""OpenAPI of the bodies that routes read as bytes, generated from the types that describe them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

if TYPE_CHECKING:
    from collections.abc import Sequence

COMPONENT = "#/components/schemas/"


def json_body(described_by: type, **examples: Any) -> dict[str, Any]:
    """OpenAPI of a required JSON body.

    Parameters
    ----------
    described_by
        A msgspec struct or a pydantic model; `schemas_of` has its schema.
    examples
        Complete bodies by name; a pydantic model may have its own instead.
    """
    content: dict[str, Any] = {"schema": {"$ref": f"{COMPONENT}{described_by.__name__}"}}
    if examples:
        content["examples"] = {name: {"value": value} for name, value in examples.items()}
    return {"requestBody": {"required": True, "content": {"application/json": content}}}


def binary_body(media_type: str, description: str, **examples: Any) -> dict[str, Any]:
    """OpenAPI of a required body of bytes.

    Parameters
    ----------
    description
        What the bytes are.
    examples
        Complete bodies by name.
    """
    content = {
        "schema": {"type": "string", "format": "binary"},
        "examples": {name: {"value": value} for name, value in examples.items()},
    }
    return {"requestBody": {"required": True, "description": description, "content": {media_type: content}}}


def schemas_of(types: Sequence[type]) -> dict[str, Any]:
    """Schemas of msgspec structs and pydantic models, and of the types they contain, by name."""
    models = [each for each in types if issubclass(each, BaseModel)]
    structs = [each for each in types if not issubclass(each, BaseModel)]
    _, by_pydantic = models_json_schema(
        [(each, "validation") for each in models], ref_template=f"{COMPONENT}{{model}}"
    )
    _, by_msgspec = msgspec.json.schema_components(structs, ref_template=f"{COMPONENT}{{name}}")
    return {**by_pydantic.get("$defs", {}), **by_msgspec}
