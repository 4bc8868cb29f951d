"""JSON from senders, who also write what the standard does not have."""

from __future__ import annotations

import json
from typing import Any

import msgspec


def json_of(text: str) -> Any:
    """The value that a text is, read fast; not-a-number, infinity and lone surrogates are let through.

    Raises
    ------
    ValueError
        If it is not JSON.
    RecursionError
        If it is nested too deeply.

    Examples
    --------
    >>> json_of('{"late": NaN}')
    {'late': nan}
    """
    try:
        return msgspec.json.decode(text)
    except ValueError:
        return json.loads(text)
