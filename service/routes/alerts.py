"""Alerts in, enriched alerts out."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from fastapi import APIRouter, Response

from service.dependencies import Alerts, Clock, Graph, Masks, RawBody, ServiceMetrics, ServiceSettings
from service.errors import BadWebhookError
from service.http.alert_bodies import read_parts
from service.http.problems import WRITE_ERRORS, problems
from service.http.writer_gate import WRITES
from service.intake.alertmanager import read_webhook
from service.routes.incident_documents import AnswerWriter, EnrichedAlerts
from service.routes.request_bodies import WEBHOOK_BODY

if TYPE_CHECKING:
    from collections.abc import Callable

Handler = TypeVar("Handler", bound="Callable[..., Response]")

router = APIRouter(tags=["alerts"])


def _post(
    path: str, *, summary: str | None = None, operation_id: str | None = None
) -> Callable[[Handler], Handler]:
    return router.post(
        path,
        dependencies=[WRITES],
        openapi_extra=WEBHOOK_BODY,
        response_model=EnrichedAlerts,
        responses=problems(BadWebhookError, *WRITE_ERRORS),
        summary=summary,
        operation_id=operation_id,
    )


@_post(
    "/api/v2/alerts", summary="Send alerts as to Alertmanager", operation_id="enrich_alerts_as_alertmanager"
)
@_post(
    "/v1/alerts/api/v2/alerts",
    summary="Send alerts as to Alertmanager behind a prefix",
    operation_id="enrich_alerts_behind_prefix",
)
@_post("/v1/alerts")
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

    A plain list of alerts is one of Alertmanager's API v2, as Prometheus, vmalert and the rulers of Loki and
    Thanos send it: name Sunspot among their Alertmanagers. Zabbix, Datadog, PagerDuty,
    Grafana, Nightingale and CloudEvents are read, too.

    Every webhook is answered: an alert that cannot be explained comes back with the reason. Alerts,
    incidents and rankings are on disk before the answer. After any other answer the same webhook may be sent
    again: what was stored of it is not stored twice.
    """
    writer = AnswerWriter(settings.address)
    with metrics.webhook_s.time():
        allowance = alerts.allowance()
        for part in read_parts(body, clock.now()):
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
