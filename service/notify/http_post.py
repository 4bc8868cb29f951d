"""Messages posted to an HTTP address."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any

import httpx2

from service.errors import MessageRefusedError, TargetDownError
from service.settings import is_loopback

if TYPE_CHECKING:
    from collections.abc import Mapping

    from service.notify.outbox import Post

TIMEOUT_S = 10.0
ASKS_FOR_PATIENCE = frozenset(
    {httpx2.codes.REQUEST_TIMEOUT, httpx2.codes.TOO_EARLY, httpx2.codes.TOO_MANY_REQUESTS}
)
"""Refusals because of the target's state and not of the message."""


def post_to(url: str) -> Post:
    """Post JSON to an address of http or https; any answer but a 2xx is a failure.

    A proxy named in the environment is used, except for this machine's own addresses. Redirects are not
    followed. Certificates are checked against those that the machine trusts.
    """

    def post(document: Mapping[str, Any]) -> None:
        """Post a document.

        Raises
        ------
        TargetDownError
            If the target does not answer, or asks to be tried later.
        MessageRefusedError
            If any other answer but a 2xx comes.
        """
        try:
            is_near = is_loopback(httpx2.URL(url).host)  # a proxy would look for it on its own machine
            with (
                httpx2.Client(
                    timeout=TIMEOUT_S,
                    trust_env=not is_near,
                    follow_redirects=False,
                    verify=ssl.create_default_context(),
                ) as client,
                client.stream(
                    "POST", url, json=dict(document)
                ) as answer,  # the body of the answer is not read
            ):
                _check(answer)
        except httpx2.InvalidURL as error:
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
