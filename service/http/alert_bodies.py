"""The body of an alert webhook, decoded a part at a time: memory holds the objects of few alerts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from service.errors import BadWebhookError
from service.http.body_reader import read_json

if TYPE_CHECKING:
    from collections.abc import Iterator

ALERTS_A_PART = 200


class _Webhook(msgspec.Struct, rename="camel"):
    alerts: list[msgspec.Raw]
    common_labels: Any = None


def read_parts(body: bytes) -> Iterator[dict[str, Any]]:
    """Return a webhook as webhooks of at most `ALERTS_A_PART` alerts each, in order, at least one.

    Everything is checked before the first part is returned, so that a body is taken whole or not at all.

    Raises
    ------
    BadJsonError
        If the body is not JSON.
    BadWebhookError
        If it is, but not an object with a list of alerts, each an object.
    """
    try:
        webhook = msgspec.json.decode(body, type=_Webhook)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        document = read_json(body)
        reason = "it has no list 'alerts'" if isinstance(document, dict) else "it must be an object"
        raise BadWebhookError(reason) from None
    for position, each in enumerate(webhook.alerts):
        if not isinstance(read_json(bytes(each)), dict):
            raise BadWebhookError(f"alert {position} must be an object")
    return _parts(webhook)


def _parts(webhook: _Webhook) -> Iterator[dict[str, Any]]:
    for start in range(0, max(1, len(webhook.alerts)), ALERTS_A_PART):
        part = webhook.alerts[start : start + ALERTS_A_PART]
        yield {"alerts": [read_json(bytes(each)) for each in part], "commonLabels": webhook.common_labels}
