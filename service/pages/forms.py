"""Forms of pages: read, and taken only from the session's own pages."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import parse_qs

from fastapi import Depends

from service.dependencies import MaybeSentBy, RawBody
from service.errors import BadFormError
from service.http.admission import check_form_token

CSRF_FIELD = "csrf"
N_FIELDS = 20


def fields_of(body: bytes) -> dict[str, str]:
    """Return the fields of a form, each once.

    Raises
    ------
    BadFormError
        If it has more fields than any form of the pages.
    """
    try:
        fields = parse_qs(body.decode(errors="replace"), keep_blank_values=True, max_num_fields=N_FIELDS)
    except ValueError as error:
        raise BadFormError(str(error)) from error
    return {name: values[0] for name, values in fields.items()}


async def _fields(body: RawBody) -> dict[str, str]:
    return fields_of(body)


async def _fields_of_session(body: RawBody, sender: MaybeSentBy) -> dict[str, str]:
    fields = fields_of(body)
    if sender is not None:
        check_form_token(sender, fields.get(CSRF_FIELD, ""))
    return fields


StrangersForm = Annotated[dict[str, str], Depends(_fields)]
"""The fields of a form that nobody has to be signed in for."""
SessionForm = Annotated[dict[str, str], Depends(_fields_of_session)]
"""The fields of a form that changes something, sent by a page of the sender's session."""
