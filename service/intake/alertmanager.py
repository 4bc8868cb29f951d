"""Alerts from Alertmanager's webhook (version 4) and Grafana's variant of it.

Unknown fields are ignored. What can be mended in one alert is mended and noted, so that it
never costs the other alerts of the webhook their answer.
"""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from cmdb.naming import item_named_by
from models.cases.case import Alert
from service.clock import EARLIEST
from service.errors import BadWebhookError
from service.incidents.records import FIRING, RESOLVED, Notification
from telemetry.decoders.json_lenient import Instant

if TYPE_CHECKING:
    from collections.abc import Container, Mapping, Sequence

MAX_AHEAD = timedelta(days=1)
"""An alert whose end lies further ahead has no usable end: it would keep its items affected until then."""


class WebhookAlert(msgspec.Struct, rename="camel"):
    """One alert of a webhook."""

    status: Literal["firing", "resolved"] | UnsetType = UNSET
    labels: dict[str, str] | UnsetType = UNSET
    annotations: dict[str, str] | UnsetType = UNSET
    starts_at: Instant | UnsetType = UNSET
    ends_at: Instant | UnsetType = UNSET
    fingerprint: str | UnsetType = UNSET


class Webhook(msgspec.Struct):
    """Alertmanager's webhook, version 4, or Grafana's; unknown fields are ignored."""

    alerts: list[WebhookAlert]


def read_webhook(
    document: object,
    *,
    items: Container[str],
    item_labels: Sequence[str],
    received_at: datetime,
    accepted_future: timedelta,
) -> list[Notification]:
    """Return the alerts of a webhook, each with the configuration item it is about.

    Parameters
    ----------
    document
        The webhook's JSON.
    items
        The known configuration items.
    item_labels
        Labels that may name the item, best first. The first whose value is a known item wins;
        without one, the first that is there at all.
    received_at
        Used for a start that is missing or makes no sense.
    accepted_future
        A start later than this after ``received_at`` makes no sense.

    Raises
    ------
    BadWebhookError
        If the document is not an object with a list of alerts, each an object.
    """
    if not isinstance(document, dict):
        raise BadWebhookError("it must be an object")
    alerts = document.get("alerts")
    if not isinstance(alerts, list):
        raise BadWebhookError("it has no list 'alerts'")
    for position, each in enumerate(alerts):
        if not isinstance(each, dict):
            raise BadWebhookError(f"alert {position} must be an object")
    shared = _texts(document.get("commonLabels"))
    latest = received_at + accepted_future
    return [
        _read_alert(
            each,
            shared=shared,
            items=items,
            item_labels=item_labels,
            received_at=received_at,
            latest=latest,
        )
        for each in alerts
    ]


def _read_alert(
    sent: Mapping[str, Any],
    *,
    shared: Mapping[str, str],
    items: Container[str],
    item_labels: Sequence[str],
    received_at: datetime,
    latest: datetime,
) -> Notification:
    notes = []
    labels = _texts(sent.get("labels")) or dict(shared)
    starts_at = _instant(sent.get("startsAt"))
    has_start = starts_at is not None and starts_at <= latest
    if starts_at is None or not has_start:
        notes.append(f"its start {sent.get('startsAt')!r} is no usable time: the present is used")
        starts_at = received_at
    status = RESOLVED if sent.get("status") == RESOLVED else FIRING
    fingerprint = sent.get("fingerprint")
    ends_at = _instant(sent.get("endsAt")) if status == RESOLVED else None
    if ends_at is not None and ends_at > received_at + MAX_AHEAD:
        notes.append(f"its end {sent.get('endsAt')!r} is no usable time: the present is used")
        ends_at = received_at
    alert = Alert(
        item=item_named_by(labels, items=items, item_labels=item_labels).item,
        name=labels.get("alertname", "alert"),
        starts_at=starts_at,
        fingerprint=fingerprint if isinstance(fingerprint, str) and fingerprint else _fingerprint(labels),
        severity=labels.get("severity", ""),
        labels=labels,
        annotations=_texts(sent.get("annotations")),
    )
    return Notification(
        alert,
        status,
        ends_at,
        tuple(notes),
        has_start=has_start,
    )


def _texts(value: object) -> dict[str, str]:
    """Return labels or annotations as text; values that are no text become JSON."""
    if not isinstance(value, dict):
        return {}
    return {str(name): text if isinstance(text, str) else json.dumps(text) for name, text in value.items()}


def _fingerprint(labels: Mapping[str, str]) -> str:
    return hashlib.sha256(json.dumps(sorted(labels.items())).encode()).hexdigest()[:16]


def _instant(value: object) -> datetime | None:
    """Return the instant a text names, or ``None``: an unresolved end is the year 1."""
    if not isinstance(value, str):
        return None
    try:
        at = datetime.fromisoformat(value)
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return at if at >= EARLIEST else None
