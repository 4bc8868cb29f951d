"""Alerts as sent by Prometheus's Alertmanager: the webhook document, version 4."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from experiments.brokerage.alerts import AlertEvent

UNRESOLVED = "0001-01-01T00:00:00Z"
"""The end time sent for an alert that is still firing."""

FNV_OFFSET, FNV_PRIME = 0xCBF29CE484222325, 0x100000001B3


def alertmanager_payload(
    alerts: Sequence[AlertEvent],
    *,
    at: datetime | None = None,
    receiver: str = "sunspot",
    group_by: Sequence[str] = ("alertname",),
    external_url: str = "http://alertmanager.brokerage.example:9093",
) -> dict[str, Any]:
    """One notification about some alerts, as sent at a given instant.

    Parameters
    ----------
    alerts
        At least one. Those that start after ``at`` are left out.
    at
        The instant; by default when the last of them fired.
    group_by
        The labels by which the notification is grouped; those not shared by all alerts are left out.

    Raises
    ------
    ValueError
        If no alert has started.
    """
    at = at or max((alert.starts_at for alert in alerts), default=datetime.max.replace(tzinfo=UTC))
    sent = [_alert(alert, at, external_url) for alert in alerts if alert.starts_at <= at]
    if not sent:
        raise ValueError("a notification needs at least one alert that has started")
    labels = _shared(each["labels"] for each in sent)
    group = {name: labels[name] for name in group_by if name in labels}
    key = ", ".join(f'{name}="{value}"' for name, value in sorted(group.items()))
    return {
        "receiver": receiver,
        "status": "firing" if any(each["status"] == "firing" for each in sent) else "resolved",
        "alerts": sent,
        "groupLabels": group,
        "commonLabels": labels,
        "commonAnnotations": _shared(each["annotations"] for each in sent),
        "externalURL": external_url,
        "version": "4",
        "groupKey": "{}:{" + key + "}",
        "truncatedAlerts": 0,
    }


def labels_of(alert: AlertEvent) -> dict[str, str]:
    """The labels that identify an alert."""
    return {
        "alertname": alert.name,
        "service": alert.item,
        "severity": alert.severity,
        "team": alert.team,
    }


def fingerprint(labels: Mapping[str, str]) -> str:
    """The hash of identifying labels: 64-bit FNV-1a over names and values in order, as Prometheus does.

    >>> fingerprint({})
    'cbf29ce484222325'
    """
    value = FNV_OFFSET
    for name, text in sorted(labels.items()):
        for byte in f"{name}".encode() + b"\xff" + f"{text}".encode() + b"\xff":
            value = ((value ^ byte) * FNV_PRIME) % 2**64
    return f"{value:016x}"


def _alert(alert: AlertEvent, at: datetime, external_url: str) -> dict[str, Any]:
    labels = labels_of(alert)
    is_firing = alert.is_firing(at)
    return {
        "status": "firing" if is_firing else "resolved",
        "labels": labels,
        "annotations": {"summary": alert.summary, "description": f"{alert.summary} (team {alert.team})"},
        "startsAt": _text(alert.starts_at),
        "endsAt": UNRESOLVED if is_firing or alert.ends_at is None else _text(alert.ends_at),
        "generatorURL": f"{external_url}/graph?g0.expr={alert.name}&service={alert.item}",
        "fingerprint": fingerprint(labels),
    }


def _shared(mappings: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """The pairs common to all mappings."""
    shared = set.intersection(*(set(each.items()) for each in mappings))
    return dict(sorted(shared))


def _text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
