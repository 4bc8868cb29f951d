from __future__ import annotations

from typing import Any

import msgspec
import pytest
from pydantic import BaseModel

from service.http.request_schemas import COMPONENT, schemas_of
from service.routes import request_bodies
from service.routes.request_bodies import TYPES

STRUCTS = {each.__name__: each for each in TYPES if not issubclass(each, BaseModel)}
BODIES: dict[str, dict[str, Any]] = {
    name: body["requestBody"]["content"]["application/json"]
    for name, body in vars(request_bodies).items()
    if name.endswith("_BODY") and "application/json" in body["requestBody"]["content"]
}


def described_by(content: dict[str, Any]) -> str:
    """Name of the type of a body, or of each element of one that is a list."""
    schema = content["schema"]
    return str(schema.get("items", schema)["$ref"]).removeprefix(COMPONENT)


@pytest.mark.parametrize("content", BODIES.values(), ids=BODIES)
def test_every_body_is_described_by_a_type_that_openapi_lists(content: dict[str, Any]) -> None:
    assert described_by(content) in {each.__name__ for each in TYPES}
    assert described_by(content) in schemas_of(TYPES)


@pytest.mark.parametrize("content", BODIES.values(), ids=BODIES)
def test_the_examples_of_a_body_are_of_its_type(content: dict[str, Any]) -> None:
    struct = STRUCTS.get(described_by(content))
    for example in content.get("examples", {}).values():
        msgspec.convert(example["value"], list[struct] if "items" in content["schema"] else struct)


def test_every_struct_has_an_example() -> None:
    assert {described_by(content) for content in BODIES.values() if "examples" in content} == STRUCTS.keys()
