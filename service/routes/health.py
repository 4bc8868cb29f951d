"""How the service is."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Response

from service.errors import NOT_READY, MissingScopeError, NoTokenError, problems
from service.http.security import Scope, requires
from service.parts import Parts, ServiceParts
from service.routes.documents import HealthOut, PartOut, ReadyOut

router = APIRouter(tags=["health"])


@router.get("/healthz")
def read_health() -> HealthOut:
    """Say that the process answers."""
    return HealthOut()


@router.get("/readyz", responses={int(NOT_READY): {"model": ReadyOut, "description": "Not ready"}})
def read_readiness(parts: Parts, response: Response) -> ReadyOut:
    """Say whether alerts can be explained, and what is missing.

    A registry that is out of reach does not matter while a bundle is in use; it is told all the same.
    """
    blocking, told = _reasons(parts)
    if blocking:
        response.status_code = int(NOT_READY)
    bundle = parts.live.in_use.bundle
    return ReadyOut(
        ready=not blocking,
        reasons=blocking + told,
        present=parts.live.present(),
        graph_version=parts.cmdb.graph.version,
        bundle_version="" if bundle is None else bundle.version,
        log_bundle_version=parts.logs.bundle_version,
        parts=[PartOut.of(each) for each in parts.health.parts()],
    )


@router.get(
    "/metrics",
    dependencies=[Depends(requires(Scope.READ))],
    response_class=Response,
    responses={
        200: {"content": {"text/plain": {"schema": {"type": "string"}}}, "description": "Prometheus's text"},
        **problems(NoTokenError, MissingScopeError),
    },
)
def read_metrics(parts: Parts) -> Response:
    """Read what the service counts of itself, in Prometheus's text format."""
    measures, in_use = parts.measures, parts.live.in_use
    measures.series.set(in_use.window.n_series)
    measures.items.set(len(parts.cmdb.graph))
    measures.damage.set(parts.live.n_damaged + parts.logs.n_damaged)
    measures.incidents.set(parts.incidents.count())
    until = parts.first_stage.scored_until
    measures.scored_until.set(0 if until is None else until.timestamp())
    measures.bundle.clear()
    if in_use.bundle is not None:
        measures.bundle.labels(in_use.bundle.version).set(1)
    measures.set_health(parts.health.parts())
    measures.set_shadow(parts.shadow.record)
    return Response(measures.text(), media_type="text/plain; version=0.0.4; charset=utf-8")


def _reasons(parts: ServiceParts) -> tuple[list[str], list[str]]:
    """Return what keeps alerts from being explained, and what should be known besides."""
    blocking: list[str] = []
    told = parts.health.problems(patience=parts.settings.silent_after)
    if parts.live.in_use.bundle is None:
        blocking.append("no bundle: no champion was found yet")
    if not len(parts.cmdb.graph):
        told.append(
            "no graph: no CMDB document was imported yet, so items are ranked on their own signals alone"
        )
    told += parts.live.health_problems() + parts.logs.health_problems() + parts.cases.health_problems()
    if not parts.live.calendar_known():
        told.append("calendar: today is not in the exchange calendar, so a weekday counts as a trading day")
    if parts.live.in_use.bundle is not None and parts.live.in_use.bundle.pages is None:
        told.append("paging: the bundle does not say what a threshold costs in false pages: train again")
    told += parts.outbox.health_problems()
    if parts.champion.problem:
        told.append(f"registry: {parts.champion.problem}")
    if parts.ranker.problem and not parts.champion.problem:
        told.append(f"ranker: {parts.ranker.problem}; the one in use ranks on")
    if parts.log_champion.problem and not parts.champion.problem:
        usual = "the bundle in use" if parts.logs.bundle_version else "each service's own past"
        told.append(f"logs: {parts.log_champion.problem}; what is usual is told by {usual}")
    if parts.gate.is_open:
        told.append("open: no token exists, so everything is allowed, from this machine only")
    return blocking, told
