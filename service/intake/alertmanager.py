"""Alerts from Alertmanager's webhook (version 4) and Grafana's variant of it.

Unknown fields are ignored. What can be mended in one alert is mended and noted, so that it
never costs the other alerts of the webhook their answer.
"""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from cmdb.naming import alerting_item
from models.cases.case import Alert
from service.errors import BadWebhookError
from service.incidents.records import FIRING, RESOLVED, Notification
from service.intake.instants import instant_of
from service.intake.text_bounds import bounded, cut
from telemetry.decoders.json_lenient import Instant

if TYPE_CHECKING:
    from collections.abc import Container, Mapping, Sequence
    from datetime import datetime

MAX_NAME_LENGTH, MAX_SHOWN = 500, 100
"""Characters of an item's or alert's name, and of a value that is quoted in a note."""

MAX_AHEAD = timedelta(days=1)
"""An alert whose end lies further ahead has no usable end: it would keep its items affected until then."""

NAMING = ("alertname", "severity", "source", "summary", "runbook_url", "runbook")
"""Labels and annotations that Sunspot reads itself: kept where there are too many."""


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
    complete = _texts(sent.get("labels")) or dict(shared)
    labels, cut_labels = bounded(complete, "labels", first=(*NAMING, *item_labels))
    annotations, cut_annotations = bounded(_texts(sent.get("annotations")), "annotations", first=NAMING)
    starts_at = instant_of(sent.get("startsAt"))
    has_start = starts_at is not None and starts_at <= latest
    if starts_at is None or not has_start:
        notes.append(f"its start {_shown(sent.get('startsAt'))} is no usable time: the present is used")
        starts_at = received_at
    status = RESOLVED if sent.get("status") == RESOLVED else FIRING
    fingerprint = sent.get("fingerprint")
    ends_at = instant_of(sent.get("endsAt")) if status == RESOLVED else None
    if ends_at is not None and ends_at > received_at + MAX_AHEAD:
        notes.append(f"its end {_shown(sent.get('endsAt'))} is no usable time: the present is used")
        ends_at = received_at
    alert = Alert(
        item=_item(dict(shared) | complete, items, item_labels),
        name=cut(labels.get("alertname", "alert"), MAX_NAME_LENGTH),
        starts_at=starts_at,
        fingerprint=_short(fingerprint) if isinstance(fingerprint, str) and fingerprint else _of(complete),
        severity=cut(labels.get("severity", ""), MAX_NAME_LENGTH),
        labels=labels,
        annotations=annotations,
    )
    return Notification(
        alert,
        status,
        ends_at,
        (*notes, *cut_labels, *cut_annotations),
        has_start=has_start,
    )


def _item(labels: Mapping[str, str], items: Container[str], item_labels: Sequence[str]) -> str:
    named = alerting_item(labels, items=items, item_labels=item_labels).item
    return named if named in items else cut(named, MAX_NAME_LENGTH)


def _texts(value: object) -> dict[str, str]:
    """Return labels or annotations as text; values that are no text become JSON."""
    if not isinstance(value, dict):
        return {}
    texts = {str(name): text if isinstance(text, str) else json.dumps(text) for name, text in value.items()}
    return {_without_nul(name): _without_nul(text) for name, text in texts.items()}


def _without_nul(text: str) -> str:
    """Return a text without the character at which SQLite ends a text of JSON."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}") if "\0" in text else text


def _of(labels: Mapping[str, str]) -> str:
    """Return the fingerprint of labels."""
    return hashlib.sha256(json.dumps(sorted(labels.items())).encode()).hexdigest()[:16]


def _short(fingerprint: str) -> str:
    """Return a sender's fingerprint, or its digest where it is too long to be one."""
    return _without_nul(fingerprint) if len(fingerprint) <= MAX_NAME_LENGTH else _of({"": fingerprint})


def _shown(value: object) -> str:
    return cut(repr(value), MAX_SHOWN)
