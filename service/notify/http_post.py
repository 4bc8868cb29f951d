"""Messages posted to an HTTP address."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx2

from service.errors import BadAddressError, MessageRefusedError, TargetDownError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from service.notify.outbox import Post
    from service.outgoing import Outgoing

ASKS_FOR_PATIENCE = frozenset(
    {httpx2.codes.REQUEST_TIMEOUT, httpx2.codes.TOO_EARLY, httpx2.codes.TOO_MANY_REQUESTS}
)
"""Refusals because of the target's state and not of the message."""


def post_to(url: str, outgoing: Outgoing) -> Post:
    """Post JSON to an address of http or https; any answer but a 2xx is a failure.

    Redirects are not followed.

    Parameters
    ----------
    outgoing
        Makes the client, if the address is allowed.
    """

    def post(document: Mapping[str, Any]) -> None:
        """Post a document.

        Raises
        ------
        TargetNotAllowedError
            If the address is not allowed.
        TargetDownError
            If the target does not answer, or asks to be tried later.
        MessageRefusedError
            If any other answer but a 2xx comes.
        """
        try:
            with (
                outgoing.client(url) as client,
                client.stream(
                    "POST", url, json=dict(document)
                ) as answer,  # the body of the answer is not read
            ):
                _check(answer)
        except (BadAddressError, httpx2.InvalidURL) as error:
            raise TargetDownError("the address is not one") from error
        except httpx2.HTTPError as error:  # never with the address, which may hold a secret
            raise TargetDownError(str(error) or type(error).__name__) from error

    return post


def _check(answer: httpx2.Response) -> None:
    status = f"it answered {answer.status_code} {answer.reason_phrase}".rstrip()
    if answer.is_server_error or answer.status_code in ASKS_FOR_PATIENCE:
        raise TargetDownError(status)
    if answer.is_redirect:
        raise MessageRefusedError(f"{status}, and redirects are not followed")
    if not answer.is_success:
        raise MessageRefusedError(status)
