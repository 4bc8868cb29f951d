"""The rooms of a running service: the objects of each concept, grouped as `service.wiring` made them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from service.current_graph import graph_in_use

if TYPE_CHECKING:
    from cmdb.graph import DependencyGraph
    from models.artifacts.bundle import Bundle
    from models.artifacts.log_bundle import LogBundle
    from models.artifacts.ranker_bundle import RankerBundle
    from service.access.refusals import Refusals
    from service.access.sign_in import SignIn
    from service.access.visibility import Views
    from service.clock import WallClock
    from service.current_graph import GraphInUse
    from service.damage_watch import DamageWatch
    from service.health import HealthRegistry
    from service.high_water import HighWaterMarks
    from service.http.admission import Admission
    from service.http.security import Gate
    from service.incidents.alert_handler import AlertHandler
    from service.incidents.case_export import CaseExport
    from service.incidents.reranking import Reranker
    from service.logs.room import LogsRoom
    from service.masking import IncomingMasks
    from service.metrics import Metrics
    from service.model_registry.refresher import AliasedBundle
    from service.notify.outbox import Outbox
    from service.outgoing import Outgoing
    from service.paging.dispatcher import PageDispatcher
    from service.paging.pager import Paging
    from service.paging.watchdog import Watchdog
    from service.scoring.pipeline import TickPipeline
    from service.scoring.series import FirstStage
    from service.scoring.services import SecondStage
    from service.settings import Settings
    from service.shadow.runner import Shadow
    from service.signals.room import SignalsRoom
    from service.spans.room import SpansRoom
    from service.store.audit import Audit
    from service.store.changes import ChangeStore
    from service.store.incidents import IncidentStore
    from service.store.maintenance import MaintenanceStore
    from service.store.outbox import OutboxStore
    from service.store.pages import PageStore
    from service.store.retention import RetentionStore
    from service.store.sessions import SessionStore
    from service.write_paths import WritePaths


@dataclass(frozen=True)
class AccessRoom:
    """Who may send what, and who sees what."""

    gate: Gate
    admission: Admission
    refusals: Refusals
    views: Views
    sessions: SessionStore
    sign_in: SignIn


@dataclass(frozen=True)
class IncidentsRoom:
    """Alerts in, ranked incidents and exported cases out."""

    store: IncidentStore
    changes: ChangeStore
    audit: Audit
    cases: CaseExport
    reranker: Reranker
    handler: AlertHandler
    retention: RetentionStore


@dataclass(frozen=True)
class PagingRoom:
    """Sunspot's own pages, and the outbox that sends them."""

    store: PageStore
    maintenance: MaintenanceStore
    messages: OutboxStore
    outbox: Outbox
    dispatcher: PageDispatcher
    pager: Paging


@dataclass(frozen=True)
class ScoringRoom:
    """Both stages of scoring, the pipeline through them, and the watchdog that pages when it stops."""

    first_stage: FirstStage
    second_stage: SecondStage
    pipeline: TickPipeline
    watchdog: Watchdog


@dataclass(frozen=True)
class ModelsRoom:
    """The bundle in use of each alias, refreshed from the registry."""

    champion: AliasedBundle[Bundle]
    challenger: AliasedBundle[Bundle]
    ranker: AliasedBundle[RankerBundle]
    log_champion: AliasedBundle[LogBundle]


@dataclass(frozen=True)
class Rooms:
    """A running service; one object per room, or the room's only object."""

    settings: Settings
    clock: WallClock
    access: AccessRoom
    health: HealthRegistry
    metrics: Metrics
    outgoing: Outgoing
    masks: IncomingMasks
    cmdb: GraphInUse
    signals: SignalsRoom
    logs: LogsRoom
    spans: SpansRoom
    incidents: IncidentsRoom
    paging: PagingRoom
    shadow: Shadow
    scoring: ScoringRoom
    models: ModelsRoom
    marks: HighWaterMarks
    damage: DamageWatch
    write_paths: WritePaths

    @property
    def graph(self) -> DependencyGraph:
        """The graph imported last; before the first import, the bundle's items."""
        return graph_in_use(self.cmdb, self.signals, self.spans.observed)
