"""Who calls by gRPC, and whether that one may send signals: the same rules as by HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote

from service.access.permissions import Permission
from service.errors import MissingScopeError, NoTokenError
from service.http.credentials import Presented, token_in

if TYPE_CHECKING:
    from collections.abc import Iterable

    from service.access.sender import Sender
    from service.rooms import Rooms

POST = "POST"


def admitted(rooms: Rooms, peer: str, metadata: Iterable[tuple[str, str | bytes]], path: str) -> Sender:
    """Return who calls, who may send signals; others are counted, as by HTTP.

    While the service is open, only this machine is answered.

    Parameters
    ----------
    peer
        Where the call comes from, as gRPC writes it.
    metadata
        Of the call; ``authorization`` holds the token.
    path
        The method that is called.

    Raises
    ------
    NoTokenError, ForeignHostError
        If nobody known calls.
    TooManyRefusalsError
        If the address called too often without a valid token.
    MissingScopeError
        If the caller may not send signals.
    StoreUnavailableError
        If tokens cannot be looked up at present.
    """
    address = address_of(peer)
    authorization = next((text for name, text in metadata if name == "authorization"), "")
    token = token_in(authorization) if isinstance(authorization, str) else ""
    presented = Presented(token, "", address, {"host": _as_host(address)}, POST, path)
    try:
        sender = rooms.access.gate.sender(presented)
        if not sender.may(Permission.SEND):
            raise MissingScopeError(sender.name, Permission.SEND)
    except NoTokenError:
        rooms.metrics.count_refusal("no credentials" if presented.is_empty else "wrong credentials")
        rooms.access.refusals.add(address, path, has_credentials=not presented.is_empty)
        raise
    except PermissionError:
        rooms.metrics.count_refusal("not allowed")
        raise
    return sender


def address_of(peer: str) -> str:
    """Return the address in gRPC's form of a peer.

    >>> address_of("ipv4:192.0.2.7:50978"), address_of("ipv6:%5B::1%5D:52808"), address_of("unix:")
    ('192.0.2.7', '::1', '')
    """
    return unquote(peer.partition(":")[2]).rpartition(":")[0].strip("[]")


def _as_host(address: str) -> str:
    return f"[{address}]" if ":" in address else address
