"""The application: lifecycle, routes, pages and middleware."""

from __future__ import annotations

from contextlib import ExitStack, asynccontextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING

from fastapi import FastAPI

from service.dependencies import ADMITTED
from service.doors.open_doors import Doors
from service.http.admission import AdmissionMiddleware
from service.http.body_reader import BoundedBody
from service.http.middleware import AnswerMiddleware
from service.http.openapi import TAGS, describe
from service.http.problems import install_handlers
from service.http.writer_gate import WriterGate
from service.pages import docs_page, item_views, model_views, sign_in_views, team_views, views
from service.routes import (
    alerts,
    changes,
    cmdb,
    elasticsearch,
    health,
    incidents,
    logs,
    otlp_metrics,
    paging,
    remote_write,
    request_bodies,
    samples,
    shadow,
    traces,
)
from service.wiring import open_rooms
from service.workers import checkpoint_all, workers_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from service.clock import WallClock
    from service.model_registry.sources import Sources
    from service.rooms import Rooms
    from service.settings import Settings


def create_app(
    settings: Settings,
    *,
    sources: Sources | None = None,
    clock: WallClock | None = None,
    background: bool = True,
) -> FastAPI:
    """Make the service: its store and history are open when this returns.

    Parameters
    ----------
    sources
        Where bundles come from; by default MLflow's registry.
    clock
        The time of day; by default the machine's.
    background
        Start the workers; without them the caller does each round.

    Raises
    ------
    OSError, BadKafkaSettingsError
        If the address of another door cannot be had, or the settings of Kafka cannot be used.
    OpenToTheNetworkError
        If the settings would have it listen beyond this machine without a token.
    HistoryLockedError
        If another service has the data directory.
    BadAddressError, BadTargetError, TargetNotAllowedError
        If an address in the settings, or the list of outgoing targets, cannot be used.
    BadCalendarFileError
        If the calendar overrides cannot be read.
    BadMaskingFileError
        If the masking patterns cannot be used.
    BadRolesFileError
        If the role rules cannot be used.
    """
    with ExitStack() as opened:
        rooms = open_rooms(settings, opened, sources=sources, clock=clock)
        doors = Doors(rooms, opened)
        return _application(rooms, doors, opened.pop_all(), background=background)


def _application(rooms: Rooms, doors: Doors, opened: ExitStack, *, background: bool) -> FastAPI:
    workers = (*workers_of(rooms), *doors.workers)  # each has its health shown, even where it does not run

    @asynccontextmanager
    async def running(_app: FastAPI) -> AsyncIterator[None]:
        with opened:
            for each in workers if background else ():
                each.start()
            doors.start()
            yield
            doors.stop()
            for each in workers if background else ():
                each.stop()
            checkpoint_all(rooms)

    app = FastAPI(
        title="Sunspot",
        version=version("sunspot"),
        summary="Tells the people on call what is wrong, where it started, and how sure it is.",
        openapi_tags=TAGS,
        docs_url=None,  # both would fetch scripts from elsewhere: our own page is at /docs
        redoc_url=None,
        redirect_slashes=False,
        lifespan=running,
        dependencies=[ADMITTED],
    )
    app.state.rooms, app.state.workers, app.state.writers = rooms, workers, WriterGate()
    app.state.doors = doors
    for routes in (
        samples,
        remote_write,
        otlp_metrics,
        traces,
        logs,
        elasticsearch,
        alerts,
        incidents,
        paging,
        shadow,
        cmdb,
        changes,
        health,
    ):
        app.include_router(routes.router)
    for pages in (views, sign_in_views, item_views, team_views, model_views, docs_page):
        app.include_router(pages.router, include_in_schema=False)
    install_handlers(app)
    settings = rooms.settings
    app.add_middleware(  # the innermost: what is refused before it costs no reading of a body
        BoundedBody, limit_bytes=settings.body_limit_bytes, budget_bytes=settings.body_budget_bytes
    )
    app.add_middleware(
        AdmissionMiddleware,
        admission=rooms.access.admission,
        refusals=rooms.access.refusals,
        metrics=rooms.metrics,
        settings=settings,
    )
    app.add_middleware(AnswerMiddleware, metrics=rooms.metrics)
    describe(app, bodies=request_bodies.TYPES)
    return app
