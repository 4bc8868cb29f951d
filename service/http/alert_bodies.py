"""The body of an alert webhook, decoded a part at a time: memory holds the objects of few alerts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from service.errors import BadWebhookError
from service.http.body_reader import read_json
from service.intake.senders import as_webhook

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

ALERTS_A_PART = 200


class _Webhook(msgspec.Struct, rename="camel"):
    alerts: list[msgspec.Raw]
    common_labels: Any = None


def read_parts(body: bytes, received_at: datetime) -> Iterator[dict[str, Any]]:
    """Return a webhook as webhooks of at most `ALERTS_A_PART` alerts each, in order, at least one.

    Everything is checked before the first part is returned, so that a body is taken whole or not at all. What
    is no webhook of Alertmanager may be that of another sender (`service.intake.senders`).

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
        told = (
            None if isinstance(document, dict) and "alerts" in document else as_webhook(document, received_at)
        )
        if told is not None:
            return _in_parts(told)
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


def _in_parts(told: dict[str, Any]) -> Iterator[dict[str, Any]]:
    alerts = told["alerts"]
    for start in range(0, max(1, len(alerts)), ALERTS_A_PART):
        yield {"alerts": alerts[start : start + ALERTS_A_PART], "commonLabels": None}
