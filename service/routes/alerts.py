"""Alerts in, enriched alerts out."""

from __future__ import annotations

from fastapi import APIRouter

from service.dependencies import Alerts, Clock, Graph, RawBody, ServiceMetrics, ServiceSettings
from service.errors import BadWebhookError
from service.http.body_reader import read_json
from service.http.problems import WRITE_ERRORS, problems
from service.intake.alertmanager import read_webhook
from service.routes.incident_documents import EnrichedAlert, EnrichedAlerts
from service.routes.request_bodies import WEBHOOK_BODY

router = APIRouter(prefix="/v1", tags=["alerts"])


@router.post(
    "/alerts",
    openapi_extra=WEBHOOK_BODY,
    responses=problems(BadWebhookError, *WRITE_ERRORS),
)
def enrich_alerts(
    alerts: Alerts,
    graph: Graph,
    clock: Clock,
    metrics: ServiceMetrics,
    settings: ServiceSettings,
    body: RawBody,
) -> EnrichedAlerts:
    """Send an Alertmanager webhook and get each alert back with its likely causes.

    Every webhook is answered: an alert that cannot be explained comes back with the reason. Alerts,
    incidents and rankings are on disk before the answer.
    """
    with metrics.webhook_s.time():
        notifications = read_webhook(
            read_json(body),
            items=graph,
            item_labels=settings.item_labels,
            received_at=clock.now(),
            accepted_future=settings.accepted_future,
        )
        answers = alerts.receive(notifications, graph)
    for each in answers:
        metrics.count_alert(is_enriched=each.ranking is not None)
    return EnrichedAlerts(alerts=[EnrichedAlert.of(each, settings.address) for each in answers])
