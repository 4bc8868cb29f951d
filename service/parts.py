"""What a running service is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, Request

if TYPE_CHECKING:
    from cmdb.graph import DependencyGraph
    from models.artifacts.bundle import Bundle
    from models.artifacts.log_bundle import LogBundle
    from models.artifacts.ranker_bundle import RankerBundle
    from service.clock import WallClock
    from service.current_graph import GraphInUse
    from service.health import HealthRegistry
    from service.http.security import Gate
    from service.incidents.alert_handler import AlertHandler
    from service.incidents.case_export import CaseExport
    from service.incidents.reranking import Reranker
    from service.logs.intake import LogIntake
    from service.metrics import Metrics
    from service.model_registry.refresher import AliasedBundle
    from service.notify.outbox import Outbox
    from service.paging.dispatcher import PageDispatcher
    from service.paging.pager import Paging
    from service.paging.watchdog import Watchdog
    from service.scoring.pipeline import TickPipeline
    from service.scoring.series import FirstStage
    from service.scoring.services import SecondStage
    from service.settings import Settings
    from service.shadow.runner import Shadow
    from service.signals.intake import SignalIntake
    from service.store.audit import Audit
    from service.store.changes import ChangeStore
    from service.store.incidents import IncidentStore
    from service.store.maintenance import MaintenanceStore
    from service.store.outbox import OutboxStore
    from service.store.pages import PageStore


@dataclass(frozen=True)
class ServiceParts:
    """Everything a route may call; made once, by the wiring."""

    settings: Settings
    clock: WallClock
    gate: Gate
    live: SignalIntake
    logs: LogIntake
    champion: AliasedBundle[Bundle]
    challenger: AliasedBundle[Bundle]
    ranker: AliasedBundle[RankerBundle]
    log_champion: AliasedBundle[LogBundle]
    first_stage: FirstStage
    second_stage: SecondStage
    cmdb: GraphInUse
    changes: ChangeStore
    incidents: IncidentStore
    audit: Audit
    alert_handler: AlertHandler
    cases: CaseExport
    paging: Paging
    shadow: Shadow
    page_dispatcher: PageDispatcher
    watchdog: Watchdog
    health: HealthRegistry
    pipeline: TickPipeline
    reranker: Reranker
    pages: PageStore
    maintenance: MaintenanceStore
    outbox_messages: OutboxStore
    outbox: Outbox
    measures: Metrics

    @property
    def graph(self) -> DependencyGraph:
        """The graph imported last; before the first import, the bundle's items without an edge."""
        return graph_in_use(self.cmdb, self.live)


def graph_in_use(cmdb: GraphInUse, live: SignalIntake) -> DependencyGraph:
    """Return the graph imported last; before the first import, the bundle's items without an edge."""
    imported = cmdb.graph
    return imported if len(imported) else live.in_use.items_alone


def parts_of(request: Request) -> ServiceParts:
    """Return the parts of the service that a request came to."""
    parts: ServiceParts = request.app.state.parts
    return parts


Parts = Annotated[ServiceParts, Depends(parts_of)]
"""A route's parameter that receives the parts."""
