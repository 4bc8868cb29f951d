"""Liveness, readiness and metrics of the service."""

from __future__ import annotations

from fastapi import APIRouter, Response

from service.access.permissions import Permission
from service.dependencies import AllRooms, MaybeSentBy, ServiceMetrics
from service.http.problems import NOT_READY, READ_ERRORS, problems
from service.readiness import readiness
from service.routes.documents import HealthOut, PartOut, ReadinessOut, ReadyOut

router = APIRouter(tags=["health"])


@router.get("/healthz")
async def read_health() -> HealthOut:  # async: it needs no thread, and waits for nobody
    """Check that the process is alive."""
    return HealthOut()


@router.get(
    "/readyz",
    responses={int(NOT_READY): {"model": ReadinessOut | ReadyOut, "description": "Not ready"}},
)
def read_readiness(rooms: AllRooms, response: Response, sender: MaybeSentBy) -> ReadinessOut | ReadyOut:
    """Check whether alerts can be explained and everything received can be stored.

    The scope `read` shows what is missing. A registry that is out of reach does not matter while a bundle is
    in use; it is reported all the same.
    """
    found = readiness(rooms)
    if not found.is_ready:
        response.status_code = int(NOT_READY)
    if sender is None or not sender.may(Permission.READ):  # without the store nobody can be known
        return ReadyOut(ready=found.is_ready)
    bundle = rooms.signals.in_use.bundle
    return ReadinessOut(
        ready=found.is_ready,
        reasons=found.reasons,
        present=rooms.signals.present(),
        graph_version=rooms.cmdb.graph.version,
        bundle_version="" if bundle is None else bundle.version,
        log_bundle_version=rooms.logs.bundle_version,
        parts=[PartOut.of(each) for each in rooms.health.parts()],
    )


@router.get(
    "/metrics",
    response_class=Response,
    responses={
        200: {"content": {"text/plain": {"schema": {"type": "string"}}}, "description": "Prometheus's text"},
        **problems(*READ_ERRORS),
    },
)
def read_metrics(metrics: ServiceMetrics) -> Response:
    """Read the service's own metrics in Prometheus's text format."""
    return Response(metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")
