"""What a running service is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, Request

if TYPE_CHECKING:
    from cmdb.graph import DependencyGraph
    from models.bundle import Bundle
    from models.log_bundle import LogBundle
    from models.ranker_bundle import RankerBundle
    from service.aliased_bundle import AliasedBundle
    from service.case_export import CaseExport
    from service.clock import WallClock
    from service.cmdb_now import CmdbNow
    from service.incidents.desk import AlertDesk
    from service.incidents.page_desk import PageDesk
    from service.live import LiveSignals
    from service.live_logs import LiveLogs
    from service.measures import Measures
    from service.notify.outbox import Outbox
    from service.paging import Paging
    from service.scoring import FirstStage
    from service.second_stage import SecondStage
    from service.security import Gate
    from service.settings import Settings
    from service.shadow import Shadow
    from service.store.audit import Audit
    from service.store.changes import ChangeStore
    from service.store.incidents import IncidentStore
    from service.store.maintenance import MaintenanceStore
    from service.store.outbox import OutboxStore
    from service.store.pages import PageStore
    from service.watchdog import Watchdog


@dataclass(frozen=True)
class ServiceParts:
    """Everything a route may call; made once, by the wiring."""

    settings: Settings
    clock: WallClock
    gate: Gate
    live: LiveSignals
    logs: LiveLogs
    champion: AliasedBundle[Bundle]
    challenger: AliasedBundle[Bundle]
    ranker: AliasedBundle[RankerBundle]
    log_champion: AliasedBundle[LogBundle]
    first_stage: FirstStage
    second_stage: SecondStage
    cmdb: CmdbNow
    changes: ChangeStore
    incidents: IncidentStore
    audit: Audit
    desk: AlertDesk
    cases: CaseExport
    paging: Paging
    shadow: Shadow
    page_desk: PageDesk
    watchdog: Watchdog
    pages: PageStore
    maintenance: MaintenanceStore
    letters: OutboxStore
    outbox: Outbox
    measures: Measures

    @property
    def graph(self) -> DependencyGraph:
        """The graph imported last; before the first import, the bundle's items without an edge."""
        return graph_in_use(self.cmdb, self.live)


def graph_in_use(cmdb: CmdbNow, live: LiveSignals) -> DependencyGraph:
    """Return the graph imported last; before the first import, the bundle's items without an edge."""
    imported = cmdb.graph
    return imported if len(imported) else live.in_use.items_alone


def parts_of(request: Request) -> ServiceParts:
    """Return the parts of the service that a request came to."""
    parts: ServiceParts = request.app.state.parts
    return parts


Parts = Annotated[ServiceParts, Depends(parts_of)]
"""A route's parameter that receives the parts."""
