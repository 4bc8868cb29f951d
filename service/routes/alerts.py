"""Alerts in, enriched alerts out."""

from __future__ import annotations

from fastapi import APIRouter, Response

from service.dependencies import Alerts, Clock, Graph, Masks, RawBody, ServiceMetrics, ServiceSettings
from service.errors import BadWebhookError
from service.http.alert_bodies import read_parts
from service.http.problems import WRITE_ERRORS, problems
from service.http.writer_gate import WRITES
from service.intake.alertmanager import read_webhook
from service.routes.incident_documents import AnswerWriter, EnrichedAlerts
from service.routes.request_bodies import WEBHOOK_BODY

router = APIRouter(prefix="/v1", tags=["alerts"])


@router.post(
    "/alerts",
    dependencies=[WRITES],
    openapi_extra=WEBHOOK_BODY,
    response_model=EnrichedAlerts,
    responses=problems(BadWebhookError, *WRITE_ERRORS),
)
def enrich_alerts(
    alerts: Alerts,
    graph: Graph,
    clock: Clock,
    masks: Masks,
    metrics: ServiceMetrics,
    settings: ServiceSettings,
    body: RawBody,
) -> Response:
    """Send an Alertmanager webhook and get each alert back with its likely causes.

    Every webhook is answered: an alert that cannot be explained comes back with the reason. Alerts,
    incidents and rankings are on disk before the answer. After any other answer the same webhook may be sent
    again: what was stored of it is not stored twice.
    """
    writer = AnswerWriter(settings.address)
    with metrics.webhook_s.time():
        allowance = alerts.allowance()
        for part in read_parts(body):
            notifications = read_webhook(
                part,
                items=graph,
                item_labels=settings.item_labels,
                received_at=clock.now(),
                accepted_future=settings.accepted_future,
            )
            for each in alerts.receive(masks.notifications(notifications, graph), graph, allowance=allowance):
                metrics.count_alert(is_enriched=each.ranking is not None)
                writer.add(each)
    return Response(writer.document(), media_type="application/json")
