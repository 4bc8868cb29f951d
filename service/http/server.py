"""The listening socket, and a server that announces its address and bounds its connections."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import uvicorn

from service.access.marker import EMPTIED
from service.http.connection import BoundedConnection, Limits

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp

    from service.http.security import Gate
    from service.settings import Settings


def bind(settings: Settings) -> tuple[socket.socket, Settings]:
    """Bind the address of the settings without listening yet; return the settings with the port bound.

    Raises
    ------
    OSError
        If the address cannot be had, with what to do.
    """
    family, *_, address = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)[0]
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        listener.close()
        at = f"cannot listen on {settings.host} port {settings.port}"
        raise OSError(f"{at}: {error.strerror}; choose another port with --port or SUNSPOT_PORT") from error
    return listener, settings.model_copy(update={"port": listener.getsockname()[1]})


def bounded_config(app: ASGIApp, settings: Settings, *, limits: Limits | None = None) -> uvicorn.Config:
    """Return uvicorn's configuration for an application, with connections within limits.

    Parameters
    ----------
    limits
        By default those that follow from the settings.
    """
    limits = limits or Limits(connections=settings.max_connections, discarded_bytes=settings.body_limit_bytes)
    return uvicorn.Config(
        app,
        http=BoundedConnection.within(limits),
        ws="none",
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=10,
        server_header=False,
    )


OPEN = (
    "open   no token exists: only this machine is answered, and it may do everything (sunspot token create)"
)


TICKS_A_SWEEP = 5
"""uvicorn ticks ten times a second."""


class AnnouncingServer(uvicorn.Server):
    """A server that announces its address once it listens, and closes connections that take too long."""

    def __init__(
        self, config: uvicorn.Config, settings: Settings, gate: Gate, *, announce: Callable[[str], None]
    ) -> None:
        super().__init__(config)
        self._settings = settings
        self._gate = gate
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then announce the address."""
        await super().startup(sockets)
        if not self.started:
            return
        address = self._settings.address
        self._announce(f"Sunspot listens on {address}\n  pages  {address}/\n  API    {address}/docs")
        if self._gate.is_open:
            self._announce(f"  {OPEN}")
        elif self._gate.is_emptied:
            self._announce(f"  closed {EMPTIED}")

    async def on_tick(self, counter: int) -> bool:
        """Look after the connections twice a second."""
        if counter % TICKS_A_SWEEP == 0:
            for each in list(self.server_state.connections):
                if isinstance(each, BoundedConnection):
                    each.sweep()
        return await super().on_tick(counter)
