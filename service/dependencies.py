"""What a route or page can ask for: one alias per object, filled from the rooms of the application.

A route declares exactly what it uses, such as ``incidents: Incidents``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Depends, Path, Query, Request

from cmdb.graph import DependencyGraph
from service.access.sender import Sender
from service.access.sign_in import SignIn
from service.access.visibility import View
from service.clock import WallClock
from service.current_graph import GraphInUse
from service.errors import NoTokenError
from service.http.security import Gate
from service.incidents.alert_handler import AlertHandler
from service.logs.room import LogsRoom
from service.masking import IncomingMasks
from service.metrics import Metrics
from service.paging.pager import Paging
from service.rooms import ModelsRoom, Rooms, ScoringRoom
from service.settings import Settings
from service.shadow.runner import Shadow
from service.signals.room import SignalsRoom
from service.spans.room import SpansRoom
from service.store.audit import Audit
from service.store.changes import ChangeStore
from service.store.incidents import IncidentStore
from service.store.maintenance import MaintenanceStore
from service.store.pages import PageStore
from service.store.sessions import SessionStore

if TYPE_CHECKING:
    from collections.abc import Callable


def _from_rooms(choose: Callable[[Rooms], object]) -> Any:
    async def chosen(request: Request) -> object:  # async: a plain function would go through the thread pool
        return choose(request.app.state.rooms)

    return Depends(chosen)


async def _body_of(request: Request) -> bytes:
    return await request.body()


async def _admitted(request: Request) -> None:
    route = request.scope.get("route")
    if request.state.admitted_to != getattr(route, "path", None):
        raise NoTokenError  # the table of access has no such route, or took the request for another one


async def _sender(request: Request) -> Sender:
    sender: Sender | None = request.state.sender
    if sender is None:
        raise NoTokenError
    return sender


async def _maybe_sender(request: Request) -> Sender | None:
    sender: Sender | None = request.state.sender
    return sender


async def _view(request: Request) -> View:
    sender, rooms = await _sender(request), request.app.state.rooms
    view: View = rooms.access.views.of(sender.teams)
    return view


ADMITTED = Depends(_admitted)
"""Dependency of every route: the table of access has let the request in, to this very route."""
SentBy = Annotated[Sender, Depends(_sender)]
"""Who sent the request, and may."""
MaybeSentBy = Annotated[Sender | None, Depends(_maybe_sender)]
"""Who sent a request that everybody may send; ``None`` for a stranger."""
Sees = Annotated[View, Depends(_view)]
"""What the sender may see."""

AllRooms = Annotated[Rooms, _from_rooms(lambda rooms: rooms)]
"""For the routes that report on the complete service; every other route declares less."""

ServiceSettings = Annotated[Settings, _from_rooms(lambda rooms: rooms.settings)]
Clock = Annotated[WallClock, _from_rooms(lambda rooms: rooms.clock)]
Masks = Annotated[IncomingMasks, _from_rooms(lambda rooms: rooms.masks)]
AccessGate = Annotated[Gate, _from_rooms(lambda rooms: rooms.access.gate)]
SigningIn = Annotated[SignIn, _from_rooms(lambda rooms: rooms.access.sign_in)]
Sessions = Annotated[SessionStore, _from_rooms(lambda rooms: rooms.access.sessions)]
ServiceMetrics = Annotated[Metrics, _from_rooms(lambda rooms: rooms.metrics)]

Cmdb = Annotated[GraphInUse, _from_rooms(lambda rooms: rooms.cmdb)]
"""The imported graph alone, and the way to import another."""
Graph = Annotated[DependencyGraph, _from_rooms(lambda rooms: rooms.graph)]
"""The imported graph; before the first import, the bundle's items without an edge."""
Signals = Annotated[SignalsRoom, _from_rooms(lambda rooms: rooms.signals)]
Logs = Annotated[LogsRoom, _from_rooms(lambda rooms: rooms.logs)]
ReceivedTraces = Annotated[SpansRoom, _from_rooms(lambda rooms: rooms.spans)]
Scoring = Annotated[ScoringRoom, _from_rooms(lambda rooms: rooms.scoring)]

Alerts = Annotated[AlertHandler, _from_rooms(lambda rooms: rooms.incidents.handler)]
Incidents = Annotated[IncidentStore, _from_rooms(lambda rooms: rooms.incidents.store)]
Changes = Annotated[ChangeStore, _from_rooms(lambda rooms: rooms.incidents.changes)]
AuditTrail = Annotated[Audit, _from_rooms(lambda rooms: rooms.incidents.audit)]

Pager = Annotated[Paging, _from_rooms(lambda rooms: rooms.paging.pager)]
Pages = Annotated[PageStore, _from_rooms(lambda rooms: rooms.paging.store)]
Maintenance = Annotated[MaintenanceStore, _from_rooms(lambda rooms: rooms.paging.maintenance)]

ShadowRunner = Annotated[Shadow, _from_rooms(lambda rooms: rooms.shadow)]
Models = Annotated[ModelsRoom, _from_rooms(lambda rooms: rooms.models)]

RawBody = Annotated[bytes, Depends(_body_of)]
"""The body as bytes, unpacked, at most as long as the limit."""
IncidentId = Annotated[int, Path(ge=1, le=2**53, description="number of the incident", examples=[1])]
AfterPlace = Annotated[
    str,
    Query(pattern=r"^([0-9]{1,15}-[0-9]{1,15})?$", description="where the part starts, from the part before"),
]
ItemId = Annotated[str, Path(description="id of a configuration item", examples=["order"])]
