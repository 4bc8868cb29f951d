"""One wiring function per room: which object gets which. Nothing is decided here."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from features.roles_in_use import use_rules
from service.access.attempts import Attempts
from service.access.marker import AccessMarker
from service.access.refusals import Refusals
from service.access.sign_in import SignIn
from service.access.visibility import Views
from service.calendar_file import overrides_from
from service.clock import SystemClock
from service.current_graph import GraphInUse, graph_in_use
from service.damage_watch import DamageWatch
from service.data_directory import (
    ACCESS_MARKER,
    CASES,
    HISTORY,
    LINES,
    LOG_CHECKPOINT,
    PAGING_CHECKPOINT,
    RANKED_CASES,
    SCORING_CHECKPOINT,
    SPAN_CHECKPOINT,
    SPANS,
    STORE,
)
from service.health import HealthRegistry
from service.high_water import HighWaterMarks
from service.http.admission import Admission
from service.http.security import Gate
from service.incidents.alert_handler import AlertHandler
from service.incidents.case_export import CaseExport
from service.incidents.enrichment import Enricher
from service.incidents.publishing import RankingPublisher
from service.incidents.ranking_pace import RANKING_SHARE, RERANKING_SHARE, RankingPace, TimeShare
from service.incidents.reranking import Reranker
from service.logs.checkpoint import LogCheckpoints
from service.logs.room import LINES_PART, LogsRoom, logs_room
from service.masking import incoming_masks
from service.metrics import Metrics, StateCollector
from service.model_registry.refresher import AliasedBundle
from service.model_registry.sources import registry_sources
from service.notify.http_post import post_to
from service.notify.outbox import Outbox
from service.outgoing import outgoing_of
from service.paging.dispatcher import PageDispatcher
from service.paging.pager import Paging
from service.paging.watchdog import Watchdog
from service.roles_file import rules_from
from service.rooms import AccessRoom, IncidentsRoom, ModelsRoom, PagingRoom, Rooms, ScoringRoom
from service.scoring.checkpoint import Checkpoints
from service.scoring.pipeline import TickPipeline
from service.scoring.series import FirstStage
from service.scoring.services import SecondStage
from service.shadow.record import SHADOW
from service.shadow.runner import Shadow
from service.signals.history import HISTORY_PART
from service.signals.pulled import pulled_windows
from service.signals.room import SignalsRoom, signals_room
from service.spans.checkpoint import SpanCheckpoints
from service.spans.room import SPANS_PART, SpansRoom, spans_room
from service.store.audit import Audit
from service.store.changes import ChangeStore
from service.store.database import Database
from service.store.graphs import GraphStore
from service.store.incidents import IncidentStore
from service.store.maintenance import MaintenanceStore
from service.store.outbox import OutboxStore
from service.store.pages import PageStore
from service.store.retention import RetentionStore
from service.store.sessions import SessionStore
from service.store.tokens import TokenStore
from service.store.users import UserStore
from service.write_paths import WritePaths
from telemetry.history import History
from telemetry.log_history import LogHistory
from telemetry.span_history import SpanHistory

STORE_PART = "store"
"""Name of the part whose health says whether the store can be used."""

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import ExitStack

    from cmdb.graph import DependencyGraph
    from service.clock import WallClock
    from service.masking import IncomingMasks
    from service.model_registry.sources import Sources
    from service.outgoing import Outgoing
    from service.settings import Settings


def open_rooms(
    settings: Settings, opened: ExitStack, *, sources: Sources | None = None, clock: WallClock | None = None
) -> Rooms:
    """Open the store and the history, and make every room from them.

    Parameters
    ----------
    opened
        Closes what this function opens.
    sources
        Where bundles come from; by default MLflow's registry.
    clock
        The time of day; by default the machine's.
    """
    use_rules(rules_from(settings.roles))
    overrides, masks = overrides_from(settings.calendar_overrides), incoming_masks(settings)
    outgoing = outgoing_of(settings)
    clock = clock or SystemClock()
    health = HealthRegistry(clock)
    database = Database(settings.data_dir / STORE, health=health.record(STORE_PART, is_vital=True))
    opened.callback(database.close)
    refusals = Refusals(time.monotonic)
    gate, sign_in, sessions = _gate(settings, database, refusals, clock)
    gate.check_listening(settings)
    history = opened.enter_context(History(settings.data_dir / HISTORY))
    signals = signals_room(settings, history, clock, masks=masks, overrides=overrides, health=health)
    lines = opened.enter_context(LogHistory(settings.data_dir / LINES))
    incident_store, changes = IncidentStore(database), ChangeStore(database)
    logs = logs_room(
        settings,
        lines,
        signals,
        LogCheckpoints(settings.data_dir / LOG_CHECKPOINT),
        masks,
        affected=incident_store.affected_since,
        changes=changes.between,
        health=health,
    )
    received = opened.enter_context(SpanHistory(settings.data_dir / SPANS))
    spans = spans_room(
        settings,
        received,
        signals,
        SpanCheckpoints(settings.data_dir / SPAN_CHECKPOINT),
        masks,
        affected=incident_store.affected_since,
        health=health,
    )
    cmdb = GraphInUse(GraphStore(database))

    def graph() -> DependencyGraph:
        return graph_in_use(cmdb, signals, spans.observed)

    incidents = _incidents(
        settings,
        database,
        incident_store,
        changes,
        masks,
        outgoing=outgoing,
        signals=signals,
        logs=logs,
        spans=spans,
        clock=clock,
        graph=graph,
    )
    paging = _paging(
        settings,
        database,
        incidents,
        outgoing,
        signals=signals,
        clock=clock,
        graph=graph,
    )
    shadow = Shadow(
        settings,
        signals,
        paging.pager,
        graph=graph,
        maintenance=paging.maintenance.windows,
        directory=settings.data_dir / SHADOW,
    )
    scoring = _scoring(settings, signals, paging, shadow, incident_store, clock=clock, health=health)
    views = Views(graph, default_team=settings.default_team)
    marks = HighWaterMarks(
        settings,
        clock,
        health,
        {
            "window": signals.holder,
            "present": signals.time,
            "scoring": scoring.first_stage,
            "paging": paging.pager,
            "shadow": shadow,
            "log lines": logs.closing,
            "spans": spans.closing,
            "outbox": paging.outbox,
        },
    )
    metrics = Metrics()
    metrics.observe(
        StateCollector(
            signals=signals,
            logs=logs,
            spans=spans,
            cmdb=cmdb,
            incidents=incident_store,
            first_stage=scoring.first_stage,
            shadow=shadow,
            health=health,
            marks=marks,
        )
    )
    return Rooms(
        settings=settings,
        clock=clock,
        access=AccessRoom(
            gate,
            Admission(
                gate,
                views=views,
                incidents=incident_store,
                maintenance=paging.maintenance,
                audit=incidents.audit,
                clock=clock,
            ),
            refusals,
            views,
            sessions,
            sign_in,
        ),
        health=health,
        metrics=metrics,
        outgoing=outgoing,
        masks=masks,
        cmdb=cmdb,
        signals=signals,
        logs=logs,
        spans=spans,
        incidents=incidents,
        paging=paging,
        shadow=shadow,
        scoring=scoring,
        models=_models(sources or registry_sources(settings, outgoing), signals, logs, shadow),
        marks=marks,
        damage=DamageWatch({"signals": history, "log lines": lines, "spans": received}),
        write_paths=WritePaths(
            health,
            {
                "data directory": settings.data_dir,
                HISTORY_PART: settings.data_dir / HISTORY,
                LINES_PART: settings.data_dir / LINES,
                SPANS_PART: settings.data_dir / SPANS,
            },
            {STORE_PART: database.probe, "sealing": history.retry_sealing},
        ),
    )


def _gate(
    settings: Settings, database: Database, refusals: Refusals, clock: WallClock
) -> tuple[Gate, SignIn, SessionStore]:
    tokens, users = TokenStore(database), UserStore(database)
    sessions = SessionStore(database, length=settings.session_length, idle=settings.session_idle)
    marker = AccessMarker(settings.data_dir / ACCESS_MARKER)
    gate = Gate(tokens, users, sessions, marker, clock)
    attempts = Attempts(time.monotonic)
    sign_in = SignIn(users, tokens, sessions, attempts, refusals=refusals, clock=clock)
    return gate, sign_in, sessions


def _incidents(
    settings: Settings,
    database: Database,
    store: IncidentStore,
    changes: ChangeStore,
    masks: IncomingMasks,
    *,
    outgoing: Outgoing,
    signals: SignalsRoom,
    logs: LogsRoom,
    spans: SpansRoom,
    clock: WallClock,
    graph: Callable[[], DependencyGraph],
) -> IncidentsRoom:
    audit = Audit(database)
    cases = CaseExport(
        settings.data_dir / RANKED_CASES,
        settings.case_library or settings.data_dir / CASES,
        store,
        audit,
        clock,
        masks=masks,
        retention=settings.case_retention,
    )
    pulled = pulled_windows(settings, outgoing)
    enricher = Enricher(store, changes, signals, logs.evidence, spans.evidence, pulled=pulled)
    publisher = RankingPublisher(
        store,
        clock,
        address=settings.address,
        announces=bool(settings.notify_url),
        on_ranked=cases.receive,
    )
    reranker = Reranker(
        store,
        enricher,
        publisher,
        signals,
        graph=graph,
        elapsed_s=time.monotonic,
        budget_s=settings.ranking_budget_s,
        time=TimeShare(time.monotonic, share=RERANKING_SHARE, saved_s=settings.ranking_budget_s),
    )
    ranking_time = TimeShare(time.monotonic, share=RANKING_SHARE, saved_s=settings.ranking_budget_s)
    handler = AlertHandler(
        store,
        enricher,
        publisher,
        reranker,
        signals=signals,
        clock=clock,
        elapsed_s=time.monotonic,
        budget_s=settings.ranking_budget_s,
        max_alerts=settings.max_alerts,
        pace=RankingPace(time.monotonic, ranking_time),
    )
    return IncidentsRoom(store, changes, audit, cases, reranker, handler, RetentionStore(database))


def _paging(
    settings: Settings,
    database: Database,
    incidents: IncidentsRoom,
    outgoing: Outgoing,
    *,
    signals: SignalsRoom,
    clock: WallClock,
    graph: Callable[[], DependencyGraph],
) -> PagingRoom:
    store, maintenance, messages = PageStore(database), MaintenanceStore(database), OutboxStore(database)
    post = post_to(settings.notify_url, outgoing) if settings.notify_url else None
    outbox = Outbox(messages, post, clock)
    dispatcher = PageDispatcher(
        incidents.handler, incidents.store, store, outbox, graph=graph, address=settings.address
    )
    pager = Paging(
        settings,
        signals,
        graph=graph,
        maintenance=maintenance.windows,
        notify=dispatcher.submit,
        path=settings.data_dir / PAGING_CHECKPOINT,
    )
    return PagingRoom(store, maintenance, messages, outbox, dispatcher, pager)


def _scoring(
    settings: Settings,
    signals: SignalsRoom,
    paging: PagingRoom,
    shadow: Shadow,
    incidents: IncidentStore,
    *,
    clock: WallClock,
    health: HealthRegistry,
) -> ScoringRoom:
    checkpoints = Checkpoints(settings.data_dir / SCORING_CHECKPOINT)
    first_stage, second_stage = FirstStage(signals, checkpoints, grace=settings.grace), SecondStage()
    pipeline = TickPipeline(
        first_stage, second_stage, {"paging": paging.pager.process, "shadow": shadow.process}, health
    )
    watchdog = Watchdog(
        settings,
        first_stage,
        health,
        clock,
        notify=paging.dispatcher.submit,
        firing_since=incidents.firing_since,
    )
    return ScoringRoom(first_stage, second_stage, pipeline, watchdog)


def _models(sources: Sources, signals: SignalsRoom, logs: LogsRoom, shadow: Shadow) -> ModelsRoom:
    return ModelsRoom(
        champion=AliasedBundle(sources.detectors, signals.holder.adopt),
        challenger=AliasedBundle(sources.challenger, shadow.adopt, withdraw=shadow.withdraw),
        ranker=AliasedBundle(sources.ranker, signals.holder.adopt_ranker),
        log_champion=AliasedBundle(sources.logs, logs.adoption.adopt),
    )
