"""The wiring: which part gets which. Nothing is decided here."""

from __future__ import annotations

import time
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from importlib.metadata import version
from typing import TYPE_CHECKING

from fastapi import FastAPI

from models.artifacts.mlflow_names import CHALLENGER
from models.artifacts.model_kinds import DETECTORS_MODEL, LOGS_MODEL, RANKER_MODEL
from service.background import Repeating
from service.calendar_file import overrides_from
from service.clock import SystemClock
from service.current_graph import GraphInUse
from service.errors import install_handlers
from service.health import HealthRegistry
from service.http.body_reader import BoundedBody
from service.http.middleware import AnswerMiddleware
from service.http.openapi import TAGS, describe
from service.http.security import Gate
from service.incidents.alert_handler import AlertHandler
from service.incidents.case_export import CaseExport
from service.incidents.enrichment import Enricher
from service.incidents.publishing import RankingPublisher
from service.incidents.reranking import Reranker
from service.logs.checkpoint import LogCheckpoints
from service.logs.intake import LogIntake
from service.metrics import Metrics
from service.model_registry.refresher import AliasedBundle, NoSource
from service.notify.http_post import post_to
from service.notify.outbox import Outbox
from service.pages import docs_page, item_views, model_views, team_views, views
from service.paging.dispatcher import PageDispatcher
from service.paging.pager import Paging
from service.paging.watchdog import Watchdog
from service.parts import ServiceParts, graph_in_use
from service.routes import alerts, changes, cmdb, health, incidents, logs, paging, samples, shadow
from service.scoring.checkpoint import Checkpoints
from service.scoring.pipeline import TickPipeline
from service.scoring.series import FirstStage
from service.scoring.services import SecondStage
from service.shadow.record import SHADOW
from service.shadow.runner import Shadow
from service.signals.intake import SignalIntake
from service.store.audit import Audit
from service.store.changes import ChangeStore
from service.store.database import Database
from service.store.graphs import GraphStore
from service.store.incidents import IncidentStore
from service.store.maintenance import MaintenanceStore
from service.store.outbox import OutboxStore
from service.store.pages import PageStore
from service.store.tokens import TokenStore
from telemetry.history import History
from telemetry.log_history import LogHistory

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from cmdb.graph import DependencyGraph
    from models.artifacts.bundle import Bundle
    from models.artifacts.log_bundle import LogBundle
    from models.artifacts.ranker_bundle import RankerBundle
    from service.clock import WallClock
    from service.model_registry.refresher import BundleSource
    from service.settings import Settings

STORE = "store.sqlite"
HISTORY, LINES = "history", "lines"
BUNDLES, RANKERS, LOG_BUNDLES = "bundles", "rankers", "log-bundles"
CHECKPOINT, LOG_CHECKPOINT = "first-stage.state", "logs.state"
RANKED_CASES = "ranked-cases"
CASES = "cases"
CHECKPOINT_S, RETENTION_S, CASES_S = 60.0, 3600.0, 2.0
PAGING_CHECKPOINT = "paging.state"
WATCHDOG_S, OUTBOX_S = 15.0, 2.0


@dataclass(frozen=True)
class Sources:
    """What makes the source of each champion, and of the challenger; called in the background."""

    detectors: Callable[[], BundleSource[Bundle]]
    ranker: Callable[[], BundleSource[RankerBundle]] = NoSource
    logs: Callable[[], BundleSource[LogBundle]] = NoSource
    challenger: Callable[[], BundleSource[Bundle]] = NoSource


def create_app(
    settings: Settings,
    *,
    sources: Sources | None = None,
    clock: WallClock | None = None,
) -> FastAPI:
    """Make the service: its store and history are open when this returns.

    Parameters
    ----------
    sources
        Where bundles come from; by default MLflow's registry.
    clock
        The time of day; by default the machine's.

    Raises
    ------
    OpenToTheNetworkError
        If the settings would have it listen beyond this machine without a token.
    HistoryLockedError
        If another service has the data directory.
    BadCalendarFileError
        If the calendar overrides cannot be read.
    """
    overrides = overrides_from(settings.calendar_overrides)
    with ExitStack() as opened:
        database = Database(settings.data_dir / STORE)
        opened.callback(database.close)
        gate = Gate(TokenStore(database))
        gate.check_listening(settings)
        clock = clock or SystemClock()
        history = opened.enter_context(History(settings.data_dir / HISTORY))
        live = SignalIntake(settings, history, clock, overrides=overrides)
        lines = opened.enter_context(LogHistory(settings.data_dir / LINES))
        incident_store, change_store = IncidentStore(database), ChangeStore(database)
        log_intake = LogIntake(
            settings,
            lines,
            live,
            LogCheckpoints(settings.data_dir / LOG_CHECKPOINT),
            affected=incident_store.affected_since,
            changes=change_store.between,
        )
        parts = _parts(
            database,
            live,
            log_intake,
            incident_store,
            change_store,
            settings=settings,
            clock=clock,
            gate=gate,
            sources=sources or _registry(settings),
        )
        return _application(parts, opened.pop_all())


def _parts(
    database: Database,
    live: SignalIntake,
    log_intake: LogIntake,
    incident_store: IncidentStore,
    change_store: ChangeStore,
    *,
    settings: Settings,
    clock: WallClock,
    gate: Gate,
    sources: Sources,
) -> ServiceParts:
    audit, health_registry = Audit(database), HealthRegistry(clock)
    cases = CaseExport(
        settings.data_dir / RANKED_CASES,
        settings.case_library or settings.data_dir / CASES,
        incident_store,
        audit,
        clock,
        retention=settings.case_retention,
    )
    cmdb, page_store = GraphInUse(GraphStore(database)), PageStore(database)
    maintenance, outbox_messages = MaintenanceStore(database), OutboxStore(database)
    outbox = Outbox(outbox_messages, post_to(settings.notify_url) if settings.notify_url else None, clock)

    def graph() -> DependencyGraph:
        return graph_in_use(cmdb, live)

    enricher = Enricher(incident_store, change_store, live, log_intake)
    publisher = RankingPublisher(
        incident_store,
        clock,
        address=settings.address,
        announces=bool(settings.notify_url),
        on_ranked=cases.receive,
    )
    reranker = Reranker(
        incident_store,
        enricher,
        publisher,
        live,
        graph=graph,
        elapsed_s=time.monotonic,
        budget_s=settings.ranking_budget_s,
    )
    alert_handler = AlertHandler(
        incident_store,
        enricher,
        publisher,
        reranker,
        live=live,
        clock=clock,
        elapsed_s=time.monotonic,
        budget_s=settings.ranking_budget_s,
        max_alerts=settings.max_alerts,
    )
    page_dispatcher = PageDispatcher(
        alert_handler, incident_store, page_store, outbox, graph=graph, address=settings.address
    )
    second_stage = SecondStage()
    own_paging = Paging(
        settings,
        live,
        graph=graph,
        maintenance=maintenance.windows,
        notify=page_dispatcher.submit,
        path=settings.data_dir / PAGING_CHECKPOINT,
    )
    own_shadow = Shadow(
        settings,
        live,
        own_paging,
        graph=graph,
        maintenance=maintenance.windows,
        directory=settings.data_dir / SHADOW,
    )

    first_stage = FirstStage(live, Checkpoints(settings.data_dir / CHECKPOINT), grace=settings.grace)
    pipeline = TickPipeline(
        first_stage,
        second_stage,
        {"paging": own_paging.process, "shadow": own_shadow.process},
        health_registry,
    )
    return ServiceParts(
        settings=settings,
        clock=clock,
        gate=gate,
        live=live,
        logs=log_intake,
        champion=AliasedBundle(sources.detectors, live.adopt),
        challenger=AliasedBundle(sources.challenger, own_shadow.adopt, withdraw=own_shadow.withdraw),
        ranker=AliasedBundle(sources.ranker, live.adopt_ranker),
        log_champion=AliasedBundle(sources.logs, log_intake.adopt),
        first_stage=first_stage,
        second_stage=second_stage,
        cmdb=cmdb,
        changes=change_store,
        incidents=incident_store,
        audit=audit,
        cases=cases,
        alert_handler=alert_handler,
        paging=own_paging,
        shadow=own_shadow,
        page_dispatcher=page_dispatcher,
        watchdog=Watchdog(settings, first_stage, health_registry, clock, notify=page_dispatcher.submit),
        health=health_registry,
        pipeline=pipeline,
        reranker=reranker,
        pages=page_store,
        maintenance=maintenance,
        outbox_messages=outbox_messages,
        outbox=outbox,
        measures=Metrics(),
    )


def _application(parts: ServiceParts, opened: ExitStack) -> FastAPI:
    settings = parts.settings

    def repeating(
        name: str, work: Callable[[], object], *, every_s: float, at_once: bool = True
    ) -> Repeating:
        record = parts.health.record(name, every=timedelta(seconds=every_s))
        return Repeating(work, record, every_s=every_s, at_once=at_once)

    def checkpoint_paging() -> None:
        parts.page_dispatcher.deliver()  # first: what is remembered as paged must not be lost on the way
        parts.paging.checkpoint()

    workers = (
        repeating("champion", parts.champion.refresh, every_s=settings.refresh_s),
        repeating("challenger", parts.challenger.refresh, every_s=settings.refresh_s),
        repeating("ranker", parts.ranker.refresh, every_s=settings.refresh_s),
        repeating("log champion", parts.log_champion.refresh, every_s=settings.refresh_s),
        repeating("ticks", lambda: _advance(parts), every_s=settings.scoring_s, at_once=False),
        repeating("page delivery", parts.page_dispatcher.deliver, every_s=settings.scoring_s, at_once=False),
        repeating("re-ranking", parts.reranker.advance, every_s=settings.scoring_s, at_once=False),
        repeating("watchdog", parts.watchdog.look, every_s=WATCHDOG_S),
        repeating("outbox", parts.outbox.deliver, every_s=OUTBOX_S),
        repeating("cases", parts.cases.advance_in_pause, every_s=CASES_S),
        repeating("checkpoint", parts.first_stage.checkpoint, every_s=CHECKPOINT_S),
        repeating("log checkpoint", parts.logs.checkpoint, every_s=CHECKPOINT_S),
        repeating("paging checkpoint", checkpoint_paging, every_s=CHECKPOINT_S),
        repeating("shadow checkpoint", parts.shadow.checkpoint, every_s=CHECKPOINT_S),
        repeating("retention", parts.live.retain, every_s=RETENTION_S),
        repeating("log retention", parts.logs.retain, every_s=RETENTION_S),
        repeating("case retention", parts.cases.retain, every_s=RETENTION_S),
    )
    last_acts = (
        ("checkpoint", parts.first_stage.checkpoint),
        ("log checkpoint", parts.logs.checkpoint),
        ("paging checkpoint", checkpoint_paging),
        ("shadow checkpoint", parts.shadow.checkpoint),
        ("cases", parts.cases.advance),
    )

    @asynccontextmanager
    async def running(_app: FastAPI) -> AsyncIterator[None]:
        with opened:
            for each in workers:
                each.start()
            yield
            for each in workers:
                each.stop()
            for name, act in last_acts:  # one that fails costs no other
                parts.health.record(name).run(act)

    app = FastAPI(
        title="Sunspot",
        version=version("sunspot"),
        summary="Tells the people on call what is wrong, where it started, and how sure it is.",
        openapi_tags=TAGS,
        docs_url=None,  # both would fetch scripts from elsewhere: our own page is at /docs
        redoc_url=None,
        redirect_slashes=False,
        lifespan=running,
    )
    app.state.parts = parts
    for routes in (samples, logs, alerts, incidents, paging, shadow, cmdb, changes, health):
        app.include_router(routes.router)
    for pages in (views, item_views, team_views, model_views, docs_page):
        app.include_router(pages.router, include_in_schema=False)
    install_handlers(app)
    app.add_middleware(BoundedBody, limit_bytes=parts.settings.body_limit_bytes)
    app.add_middleware(AnswerMiddleware, measures=parts.measures)
    describe(app)
    return app


def _advance(parts: ServiceParts) -> None:
    """Make the logs' series of the minutes that closed, then score the ticks that did."""
    parts.health.record("log series").run(parts.logs.advance)  # one that fails costs scoring nothing
    parts.measures.ticks.inc(parts.pipeline.advance())


def _registry(settings: Settings) -> Sources:
    """MLflow's registry, imported only once it is asked, for that takes a second."""

    def detectors() -> BundleSource[Bundle]:
        from service.model_registry.mlflow_source import ModelSource  # noqa: PLC0415

        model = replace(DETECTORS_MODEL, name=settings.model_name)
        return ModelSource(settings.mlflow_uri, model, settings.data_dir / BUNDLES)

    def ranker() -> BundleSource[RankerBundle]:
        from service.model_registry.mlflow_source import ModelSource  # noqa: PLC0415

        return ModelSource(settings.mlflow_uri, RANKER_MODEL, settings.data_dir / RANKERS)

    def logs() -> BundleSource[LogBundle]:
        from service.model_registry.mlflow_source import ModelSource  # noqa: PLC0415

        return ModelSource(settings.mlflow_uri, LOGS_MODEL, settings.data_dir / LOG_BUNDLES)

    def challenger() -> BundleSource[Bundle]:
        from service.model_registry.mlflow_source import ModelSource  # noqa: PLC0415

        model = replace(DETECTORS_MODEL, name=settings.model_name)
        cache = settings.data_dir / SHADOW / BUNDLES
        return ModelSource(settings.mlflow_uri, model, cache, alias=CHALLENGER)

    return Sources(detectors, ranker, logs, challenger)
