"""Reads a sender's JSON document without assumptions about its shape."""

from __future__ import annotations

import json
from typing import Any

from telemetry.decoders.text_bytes import text_of
from telemetry.errors import BadBatchError


def read_document(body: bytes, *, max_bytes: int, has_list: str = "") -> dict[str, Any]:
    """The JSON object in a body, in any encoding of `text_of`.

    Parameters
    ----------
    has_list
        Name of a field that is a list, if it is there.

    Raises
    ------
    BadBatchError
        If the body is over ``max_bytes``, is not a JSON object, or the field is not a list.
    """
    document = read_json(body, max_bytes=max_bytes)
    if not isinstance(document, dict):
        raise BadBatchError("it is not an object")
    if has_list and not isinstance(document.get(has_list, []), list):
        raise BadBatchError(f"its {has_list} are not a list")
    return document


def read_json(body: bytes, *, max_bytes: int) -> object:
    """The JSON value in a body, in any encoding of `text_of`.

    Raises
    ------
    BadBatchError
        If the body is over ``max_bytes`` or is not JSON.
    """
    if len(body) > max_bytes:
        raise BadBatchError(f"{len(body)} bytes are over the limit of {max_bytes}")
    try:
        document: object = json.loads(text_of(body))
    except (ValueError, RecursionError) as error:
        raise BadBatchError(f"it is not JSON: {error}") from error
    return document


def listed(value: object) -> list[Any]:
    """The value if it is a list, else an empty list."""
    return value if isinstance(value, list) else []


def mapped(value: object) -> dict[str, Any]:
    """The value if it is an object, else an empty object."""
    return value if isinstance(value, dict) else {}
