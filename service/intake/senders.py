"""The alerts of other senders than Alertmanager, told in its form.

One function for each sender; the first that knows a document tells it. Each is written after the sender's
documentation of its webhooks, from memory of it, and was not checked against a sender: Zabbix's media type
"Webhook" with its usual macros, Datadog's webhooks, PagerDuty's V3 webhooks, Grafana's legacy alerting,
Nightingale's callback and CloudEvents 1.0. Alertmanager's API v2 is a plain list of alerts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from service.intake.instants import instant_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

Sent = dict[str, Any]

RESOLVED_WORDS = {"resolved", "recovered", "recovery", "ok", "closed", "0", "false", "incident.resolved"}


def as_webhook(document: object, received_at: datetime) -> Sent | None:
    """Return a document in the form of Alertmanager's webhook; ``None`` if no sender writes such a thing."""
    if isinstance(document, list):
        return _of_list(document, received_at)
    if not isinstance(document, dict):
        return None
    return next((told for tell in SENDERS if (told := tell(document)) is not None), None)


def _of_list(alerts: list[object], received_at: datetime) -> Sent | None:
    """Alertmanager's API v2: an alert whose end has passed is resolved."""
    if not all(isinstance(each, dict) and isinstance(each.get("labels"), dict) for each in alerts):
        return None
    told = []
    for each in alerts:
        assert isinstance(each, dict)  # noqa: S101  just checked
        ends_at = instant_of(each.get("endsAt"))
        is_resolved = ends_at is not None and ends_at <= received_at
        told.append(each | {"status": "resolved" if is_resolved else "firing"})
    return {"alerts": told}


def _alert(
    name: object,
    labels: Sent,
    *,
    starts_at: object = None,
    state: object = "firing",
    key: object = "",
    summary: object = "",
    severity: object = "",
) -> Sent:
    """One alert of a webhook; what is empty is left out."""
    texts = {field: str(value) for field, value in labels.items() if value not in (None, "")}
    alert: Sent = {
        "labels": {"alertname": str(name or "alert")}
        | ({"severity": str(severity)} if severity else {})
        | texts,
        "annotations": {"summary": str(summary)} if summary else {},
        "status": "resolved" if str(state).casefold() in RESOLVED_WORDS else "firing",
    }
    if starts_at not in (None, ""):
        alert["startsAt"] = starts_at
    if key not in (None, ""):
        alert["fingerprint"] = str(key)
    return {"alerts": [alert]}


def _tags(tags: object) -> Sent:
    """Tags as a list or a text of ``name:value`` or ``name=value``."""
    listed: Iterable[object] = (
        tags.split(",") if isinstance(tags, str) else tags if isinstance(tags, list) else ()
    )
    found = {}
    for each in listed:
        text = str(each).strip()
        mark = min((mark for mark in "=:" if mark in text), key=text.index, default="")
        if mark:
            name, _, value = text.partition(mark)
            found[name.strip()] = value.strip()
    return found


def _cloudevents(document: Sent) -> Sent | None:
    if "specversion" not in document:
        return None
    data = document.get("data")
    fields = data if isinstance(data, dict) else {}
    return _alert(
        fields.get("alertname") or document.get("type"),
        {name: value for name, value in fields.items() if isinstance(value, (str, int, float))},
        starts_at=document.get("time"),
        state=fields.get("status", "firing"),
        key=f"{document.get('source')} {document.get('subject') or document.get('id')}",
        summary=document.get("subject"),
    )


def _pagerduty(document: Sent) -> Sent | None:
    event = document.get("event")
    if not isinstance(event, dict) or not isinstance(event.get("data"), dict):
        return None
    data = event["data"]
    service = data.get("service")
    return _alert(
        data.get("title"),
        {"service": service.get("summary") if isinstance(service, dict) else ""},
        starts_at=data.get("created_at") or event.get("occurred_at"),
        state=event.get("event_type"),
        key=data.get("id"),
        summary=data.get("title"),
        severity=data.get("urgency"),
    )


def _datadog(document: Sent) -> Sent | None:
    if "alert_transition" not in document:
        return None
    labels = _tags(document.get("tags"))
    return _alert(
        document.get("alert_title") or document.get("title"),
        labels | {"host": document.get("hostname") or labels.get("host")},
        starts_at=document.get("date"),
        state=document["alert_transition"],
        key=document.get("alert_cycle_key") or document.get("aggreg_key"),
        summary=document.get("title"),
        severity=document.get("priority"),
    )


def _zabbix(document: Sent) -> Sent | None:
    if "trigger_name" not in document and "event_name" not in document:
        return None
    if "host" not in document:
        return None
    at = " ".join(filter(None, (document.get("event_date"), document.get("event_time"))))
    return _alert(
        document.get("trigger_name") or document.get("event_name"),
        _tags(document.get("event_tags")) | {"host": document["host"]},
        starts_at=document.get("clock") or at,
        state=document.get("event_value", "1"),
        key=f"zabbix {document.get('trigger_id') or document.get('event_id') or ''}".strip(),
        summary=document.get("event_name") or document.get("trigger_name"),
        severity=document.get("severity") or document.get("event_severity"),
    )


def _nightingale(document: Sent) -> Sent | None:
    if "is_recovered" not in document or "rule_name" not in document:
        return None
    return _alert(
        document["rule_name"],
        _tags(document.get("tags")) | {"host": document.get("target_ident")},
        starts_at=document.get("first_trigger_time") or document.get("trigger_time"),
        state="resolved" if document["is_recovered"] else "firing",
        key=document.get("hash"),
        summary=document.get("rule_note") or document["rule_name"],
        severity=document.get("severity"),
    )


def _legacy_grafana(document: Sent) -> Sent | None:
    if "ruleName" not in document or "state" not in document:
        return None
    tags = document.get("tags")
    labels = dict(tags) if isinstance(tags, dict) else {}
    for match in document.get("evalMatches") or ():
        if isinstance(match, dict) and isinstance(match.get("tags"), dict):
            labels = match["tags"] | labels
    return _alert(
        document["ruleName"],
        labels,
        state=document["state"],
        key=f"grafana {document.get('ruleId', document['ruleName'])}",
        summary=document.get("message") or document.get("title"),
    )


SENDERS: tuple[Callable[[Sent], Sent | None], ...] = (
    _cloudevents,
    _pagerduty,
    _datadog,
    _nightingale,
    _legacy_grafana,
    _zabbix,
)
