"""Lets each request in by the table of `service.http.access`, before its body is read."""

from __future__ import annotations

import re
from hmac import compare_digest
from typing import TYPE_CHECKING

from anyio import CapacityLimiter, to_thread

from cmdb.errors import UnknownItemError
from service.errors import (
    BodyTooLargeError,
    ForeignHostError,
    ForeignOriginError,
    ForgedFormError,
    MissingScopeError,
    NoTokenError,
    SignInNeededError,
    StoreUnavailableError,
    TooManyRefusalsError,
    UnknownIncidentError,
    UnknownMaintenanceError,
)
from service.http.access import Kind, Of, find_route
from service.http.credentials import presented_by
from service.http.problems import answer_error
from service.http.security import SAFE_METHODS, check_origin
from service.store.audit import READ_INCIDENT

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from service.access.refusals import Refusals
    from service.access.sender import Sender
    from service.access.visibility import View, Views
    from service.clock import WallClock
    from service.http.access import Found
    from service.http.credentials import Presented
    from service.http.security import Gate
    from service.metrics import Metrics
    from service.settings import Settings
    from service.store.audit import Audit
    from service.store.incidents import IncidentStore
    from service.store.maintenance import MaintenanceStore

N_AT_ONCE = 8
"""Threads that look up senders, apart from those of routes: a route that waits keeps nobody out."""

A_NUMBER = re.compile(r"[1-9][0-9]{0,15}")
FORM_BYTES = 256 * 1024
"""Longest form: people type them, and some are taken from strangers."""

REFUSALS = (
    NoTokenError,
    ForeignHostError,
    ForeignOriginError,
    MissingScopeError,
    ForgedFormError,
    UnknownIncidentError,
    UnknownItemError,
    UnknownMaintenanceError,
    StoreUnavailableError,
)
CSRF_HEADER = "x-csrf-token"


class Admission:
    """Decides who may send a request, by the table."""

    def __init__(
        self,
        gate: Gate,
        *,
        views: Views,
        incidents: IncidentStore,
        maintenance: MaintenanceStore,
        audit: Audit,
        clock: WallClock,
    ) -> None:
        self._gate = gate
        self._views = views
        self._incidents = incidents
        self._maintenance = maintenance
        self._audit = audit
        self._clock = clock

    def admit(self, found: Found, presented: Presented) -> Sender:
        """Return the sender of a request, who may send it; that a person reads an incident is on disk then.

        Raises
        ------
        NoTokenError, ForeignHostError
            If nobody known sends it.
        MissingScopeError
            If the route needs what the sender is not allowed.
        ForgedFormError
            If it changes something for a session without the proof that a page of it sends.
        UnknownIncidentError, UnknownItemError, UnknownMaintenanceError
            If it is about what the sender may not see, just as if that did not exist.
        """
        sender, needs = self._gate.sender(presented), found.rule.needs
        if needs is not None and not sender.may(needs):
            raise MissingScopeError(sender.name, needs)
        is_change = presented.method not in SAFE_METHODS
        if is_change and found.rule.kind is Kind.API:
            check_form_token(sender, presented.headers.get(CSRF_HEADER, ""))
        view = self._views.of(sender.teams)
        if found.rule.of is Of.INCIDENT and (view.is_limited or sender.session is not None):
            self._check_incident(found.parameters["incident"], sender, view, is_change=is_change)
        if found.rule.of is Of.ITEM and not view.sees(found.parameters["item"]):
            raise UnknownItemError(found.parameters["item"])
        if found.rule.of is Of.WINDOW and view.is_limited:
            window = self._maintenance.get(
                _number(found.parameters["window"], UnknownMaintenanceError)
            ).window
            if not view.sees_all(window.items, window.teams):
                raise UnknownMaintenanceError(found.parameters["window"])
        return sender

    def recognise(self, presented: Presented) -> Sender | None:
        """Return the sender of a request that everybody may send; ``None`` for a stranger."""
        try:
            return self._gate.sender(presented)
        except (NoTokenError, ForeignHostError, StoreUnavailableError):
            return None

    def _check_incident(self, text: str, sender: Sender, view: View, *, is_change: bool) -> None:
        number = _number(text, UnknownIncidentError)
        if not view.sees_any(self._incidents.items_of(number)):
            raise UnknownIncidentError(number)
        if sender.session is None or is_change:
            return
        at = self._clock.now()
        self._audit.add_once(
            since=at.replace(minute=0, second=0, microsecond=0),
            at=at,
            who=sender.name,
            action=READ_INCIDENT,
            subject=str(number),
        )


class AdmissionMiddleware:
    """Middleware that refuses what `Admission` does not admit, and tells routes who the sender is.

    Parameters
    ----------
    settings
        Say whether browsers read the pages by HTTPS.
    """

    def __init__(
        self, app: ASGIApp, *, admission: Admission, refusals: Refusals, metrics: Metrics, settings: Settings
    ) -> None:
        self.app = app
        self.admission = admission
        self.refusals = refusals
        self.metrics = metrics
        self.settings = settings
        self.limiter = CapacityLimiter(N_AT_ONCE)
        self.session_limiter = CapacityLimiter(N_AT_ONCE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass an admitted request on, or refuse it without reading its body."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        state = scope.setdefault("state", {})
        state["sender"], state["admitted_to"] = None, None
        found = find_route(scope["method"], scope["path"])
        if found is not None:
            scope["route"] = found  # the answer is counted under it, even if no router sees the request
            presented = presented_by(
                scope, is_encrypted=is_encrypted(self.settings.base_url, scope["scheme"])
            )
            try:
                check_origin(presented.headers, presented.method)
                state["sender"] = await self._sender(found, presented)
            except REFUSALS as error:
                answer = answer_error(self._refusal(error, found, presented), scope)
                await answer(scope, receive, send)
                return
            state["admitted_to"] = found.path
            if found.rule.kind is Kind.FORM:
                receive = _bounded(receive)
        await self.app(scope, receive, send)

    async def _sender(self, found: Found, presented: Presented) -> Sender | None:
        if found.rule.kind is Kind.PROBE:
            return None
        # looking up a session writes when it was seen, which may wait; a token is only read
        limiter = self.session_limiter if presented.session and not presented.token else self.limiter
        if found.rule.needs is None:
            return await to_thread.run_sync(self.admission.recognise, presented, limiter=limiter)
        return await to_thread.run_sync(self.admission.admit, found, presented, limiter=limiter)

    def _refusal(self, error: Exception, found: Found, presented: Presented) -> Exception:
        """Return what a refused request is answered with, and count it."""
        if isinstance(error, NoTokenError):
            if found.rule.kind is Kind.PAGE:
                return SignInNeededError(presented.path)
            self.metrics.count_refusal("no credentials" if presented.is_empty else "wrong credentials")
            try:
                self.refusals.add(presented.address, found.path, has_credentials=not presented.is_empty)
            except TooManyRefusalsError as too_many:
                return too_many
        elif not isinstance(error, (LookupError, StoreUnavailableError)):
            self.metrics.count_refusal("not allowed")
        return error


def _bounded(receive: Receive) -> Receive:
    """Return a form's body, as far as one may be long."""
    n_bytes = 0

    async def bounded() -> Message:
        nonlocal n_bytes
        message = await receive()
        n_bytes += len(message.get("body", b""))
        if n_bytes > FORM_BYTES:
            raise BodyTooLargeError(FORM_BYTES)
        return message

    return bounded


def check_form_token(sender: Sender, presented: str) -> None:
    """Refuse a change for a session that no page of it sent.

    Raises
    ------
    ForgedFormError
        If the sender has a session, and the form or header lacks its proof.
    """
    if not compare_digest(presented.encode(errors="replace"), sender.csrf.encode()) and sender.csrf:
        raise ForgedFormError


def is_encrypted(base_url: str, scheme: str) -> bool:
    """Whether browsers read the pages by HTTPS: by this connection's scheme, or at the address set.

    >>> is_encrypted("https://sunspot.firm", "http"), is_encrypted("", "http")
    (True, False)
    """
    return scheme == "https" or base_url.startswith("https://")


def _number(text: str, unknown: type[UnknownIncidentError | UnknownMaintenanceError]) -> int:
    """Return a number in its one written form; others, which a route might read, too, name nothing."""
    if A_NUMBER.fullmatch(text) is None:
        raise unknown(text)
    return int(text)
