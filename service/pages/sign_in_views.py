"""Signing in and out, and the page of one's own password and sessions."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from service.access.sign_in import Browser
from service.dependencies import (
    AccessGate,
    Clock,
    MaybeSentBy,
    SentBy,
    ServiceMetrics,
    ServiceSettings,
    Sessions,
    SigningIn,
)
from service.errors import TryLaterError, WeakPasswordError, WrongPasswordError
from service.http.admission import is_encrypted
from service.http.credentials import cookie_name
from service.http.problems import SEE_OTHER, headers_of, status_of
from service.pages.forms import SessionForm, StrangersForm
from service.pages.rendering import Render
from service.settings import Settings

router = APIRouter()
REFUSALS = (WrongPasswordError, WeakPasswordError, TryLaterError)


@router.get("/sign-in")
def sign_in_page(gate: AccessGate, render: Render, to: str = "/", with_token: bool = False) -> HTMLResponse:
    """Ask for a name and a password, or for a token."""
    return render(
        "sign_in.html", to=_local_path(to), with_token=with_token, refused="", is_emptied=gate.is_emptied
    )


@router.post("/sign-in")
async def sign_in(
    gate: AccessGate,
    signing_in: SigningIn,
    metrics: ServiceMetrics,
    settings: ServiceSettings,
    render: Render,
    request: Request,
    form: StrangersForm,
) -> Response:
    """Begin a session, whose secret is stored in a cookie that only this site's own pages send."""
    to, token = _local_path(form.get("to", "/")), form.get("token", "").strip()
    if gate.is_open:
        return RedirectResponse(to, SEE_OTHER)
    browser = _browser(request, settings)
    try:
        if token:
            secret = await signing_in.with_token(token, browser)
        else:
            secret = await signing_in.with_password(form.get("name", ""), form.get("password", ""), browser)
    except REFUSALS as error:
        metrics.count_refusal("sign-in")
        is_wrong_token = bool(token) and isinstance(error, WrongPasswordError)
        answer = render(
            "sign_in.html",
            status=status_of(error),
            to=to,
            with_token=bool(token),
            refused="That token is not valid" if is_wrong_token else str(error),
            is_emptied=gate.is_emptied,
        )
        answer.headers.update(headers_of(error))
        return answer
    return _with_session(to, secret, request, settings)


@router.post("/sign-out")
def sign_out(
    sessions: Sessions,
    clock: Clock,
    settings: ServiceSettings,
    sender: MaybeSentBy,
    request: Request,
    _form: SessionForm,
) -> RedirectResponse:
    """End the session, and remove its cookie."""
    if sender is not None and sender.session is not None:
        sessions.end(sender.session, holder=sender.name, at=clock.now(), is_sign_out=True)
    answer = RedirectResponse("/sign-in", SEE_OTHER)
    encrypted = is_encrypted(settings.base_url, request.url.scheme)
    answer.delete_cookie(
        cookie_name(is_encrypted=encrypted), secure=encrypted, httponly=True, samesite="strict"
    )
    return answer


@router.get("/account")
def account_page(sessions: Sessions, clock: Clock, render: Render, sender: SentBy) -> HTMLResponse:
    """Show one's own sessions, and a form to change the password."""
    own = sessions.of(sender.name, clock.now())
    return render("account.html", sessions=own, refused="")


@router.post("/account/password")
async def change_password(
    signing_in: SigningIn,
    sessions: Sessions,
    clock: Clock,
    metrics: ServiceMetrics,
    settings: ServiceSettings,
    render: Render,
    request: Request,
    sender: SentBy,
    form: SessionForm,
) -> Response:
    """Change one's own password, which ends every other session."""
    browser = _browser(request, settings)
    try:
        secret = await signing_in.change_password(
            sender.name, form.get("password", ""), form.get("new", ""), browser
        )
    except REFUSALS as error:
        metrics.count_refusal("sign-in")
        own = sessions.of(sender.name, clock.now())
        answer = render("account.html", status=status_of(error), sessions=own, refused=str(error))
        answer.headers.update(headers_of(error))
        return answer
    return _with_session("/account", secret, request, settings)


@router.post("/account/sessions/{session}/end")
def end_session(
    sessions: Sessions,
    clock: Clock,
    sender: SentBy,
    session: Annotated[int, Path(ge=1, le=2**53)],
    _form: SessionForm,
) -> RedirectResponse:
    """End one of one's own sessions."""
    sessions.end(session, holder=sender.name, at=clock.now(), is_sign_out=False)
    return RedirectResponse("/account", SEE_OTHER)


def _browser(request: Request, settings: Settings) -> Browser:
    cookie = cookie_name(is_encrypted=is_encrypted(settings.base_url, request.url.scheme))
    address = request.client.host if request.client else ""
    return Browser(address, request.headers.get("user-agent", ""), request.cookies.get(cookie, ""))


def _with_session(to: str, secret: str, request: Request, settings: Settings) -> RedirectResponse:
    encrypted = is_encrypted(settings.base_url, request.url.scheme)
    answer = RedirectResponse(to, SEE_OTHER)
    answer.set_cookie(
        cookie_name(is_encrypted=encrypted),
        secret,
        max_age=int(settings.session_length.total_seconds()),
        secure=encrypted,
        httponly=True,
        samesite="strict",
    )
    return answer


def _local_path(to: str) -> str:
    """Return the path if it is one of this site, else the root: never another site."""
    is_local = to.startswith("/") and not to.startswith(("//", "/\\")) and to.isprintable()
    return to if is_local else "/"
