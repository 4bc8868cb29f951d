"""Alerts in, enriched alerts out."""

from __future__ import annotations

from fastapi import APIRouter, Depends

from service.errors import (
    BadEncodingError,
    BadJsonError,
    BadWebhookError,
    BodyTooLargeError,
    MissingScopeError,
    NoTokenError,
    StoreUnavailableError,
    problems,
)
from service.http.body_reader import read_json
from service.http.request_schemas import WEBHOOK_BODY, RawBody
from service.http.security import Scope, requires
from service.intake.alertmanager import read_webhook
from service.parts import Parts
from service.routes.incident_documents import EnrichedAlert, EnrichedAlerts

router = APIRouter(prefix="/v1", tags=["alerts"])


@router.post(
    "/alerts",
    dependencies=[Depends(requires(Scope.INGEST))],
    openapi_extra=WEBHOOK_BODY,
    responses=problems(
        BadJsonError,
        BadWebhookError,
        BodyTooLargeError,
        BadEncodingError,
        NoTokenError,
        MissingScopeError,
        StoreUnavailableError,
    ),
)
def enrich_alerts(parts: Parts, body: RawBody) -> EnrichedAlerts:
    """Send an Alertmanager webhook and get each alert back with its likely causes.

    Every webhook is answered: an alert that cannot be explained comes back with the reason. Alerts,
    incidents and rankings are on disk before the answer.
    """
    graph, settings = parts.graph, parts.settings
    with parts.measures.webhook_s.time():
        notifications = read_webhook(
            read_json(body),
            items=graph,
            item_labels=settings.item_labels,
            received_at=parts.clock.now(),
            accepted_future=settings.accepted_future,
        )
        answers = parts.alert_handler.receive(notifications, graph)
    for each in answers:
        parts.measures.count_alert(is_enriched=each.ranking is not None)
    return EnrichedAlerts(alerts=[EnrichedAlert.of(each, settings.address) for each in answers])
