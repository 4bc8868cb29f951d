"""The table of access: complete, and what the service does."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from access_builders import PASSWORD, a_person, csrf_of
from fastapi import APIRouter
from service_builders import NOW, a_bundle, a_client, a_cmdb, a_service, a_webhook, an_app

from service.access.permissions import OF_EVERY_TEAM, ROLES, SCOPES
from service.data_directory import STORE
from service.http.access import NOBODY, OF_ANOTHER_TEAM, ROUTES, AccessRow, Answer, Kind, access_rows
from service.store.database import Database
from service.store.tokens import TokenStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fastapi import FastAPI
    from fastapi.testclient import TestClient
    from httpx2 import Response

NOBODYS = "nobody-home"
BODIES: dict[str, Any] = {
    "/v1/incidents/{incident}/verdict": {"causes": "none"},
    "/v1/cmdb": a_cmdb(),
}


OUTCOMES = {401: Answer.UNKNOWN, 429: Answer.UNKNOWN, 403: Answer.REFUSED, 404: Answer.HIDDEN}
"""What a refusal's status says; whoever is refused often is told to wait."""


def routes_of(app: FastAPI | APIRouter) -> Iterator[tuple[str, str]]:
    """Yield the method and path of every route, those of included routers, too."""
    for route in app.routes:
        included = getattr(route, "original_router", None)
        if included is not None:
            yield from routes_of(included)
        else:
            path, methods = str(getattr(route, "path", route)), getattr(route, "methods", None) or {"?"}
            yield from ((each, path) for each in methods if each != "HEAD")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    directory = tmp_path_factory.mktemp("access")
    with a_service(directory, bundle=a_bundle()) as client:
        client.post("/v1/alerts", json=a_webhook()).raise_for_status()
        window = {"items": ["order"], "start": "2026-03-06T07:00:00Z", "end": "2036-03-09T01:00:00Z"}
        client.post("/v1/maintenance", json=window).raise_for_status()
        yield client


@pytest.fixture(scope="module")
def credentials(service: TestClient) -> dict[str, dict[str, str]]:
    """Return the headers of every kind of sender."""
    database = Database(service.app.state.rooms.settings.data_dir / STORE)  # type: ignore[attr-defined]
    tokens, found = TokenStore(database), {NOBODY: {}}
    for scope in SCOPES:
        secret = tokens.create(f"of-{scope}", [scope], at=NOW, who="test")
        found[f"token {scope}"] = {"authorization": f"Bearer {secret}"}
    for role, allowed in ROLES.items():
        for team in ("", NOBODYS):
            if team and allowed & OF_EVERY_TEAM:
                continue
            name = f"{role}-{team}" if team else role
            a_person(database, name, role=role, team=team)
            signed_in = service.post(
                "/sign-in", data={"name": name, "password": PASSWORD}, follow_redirects=False
            )
            cookie = signed_in.headers["set-cookie"].partition(";")[0]
            service.cookies.clear()
            page = service.get("/account", headers={"cookie": cookie}).text
            key = f"{role} {OF_ANOTHER_TEAM}" if team else role
            found[key] = {"cookie": cookie, "x-csrf-token": csrf_of(page)}
    database.close()
    return found


def ask(client: TestClient, row: AccessRow, headers: dict[str, str]) -> Response:
    path = row.path.replace("{item:path}", "order")
    for name in ("incident", "window", "session"):
        path = path.replace(f"{{{name}}}", "1" if name != "session" else "99")
    options: dict[str, Any] = {"headers": headers, "follow_redirects": False}
    if ROUTES[row.method, row.path].kind is Kind.FORM:
        options["data"] = {"csrf": headers.get("x-csrf-token", ""), "cause": "none"}
    elif row.method == "POST":
        options["json"] = BODIES.get(row.path, {})
    return client.request(row.method, path, **options)


def answer_of(response: Response, row: AccessRow) -> Answer:
    """Return how a response answers, as far as access goes."""
    if response.status_code == 303 and response.headers["location"].startswith("/sign-in?to="):
        return Answer.UNKNOWN
    if row.path in {"/sign-in", "/account/password"} and "text/html" in response.headers["content-type"]:
        return Answer.ALLOWED  # it was let in, and its form looked at
    return OUTCOMES.get(response.status_code, Answer.ALLOWED)


def test_every_route_is_in_the_table_and_nothing_else(tmp_path: Path) -> None:
    with a_client(an_app(tmp_path)) as client:
        assert Counter(routes_of(client.app)) == Counter(list(ROUTES))  # type: ignore[arg-type]


def test_a_route_that_the_table_lacks_answers_nobody(tmp_path: Path) -> None:
    app = an_app(tmp_path)
    app.add_api_route("/v1/forgotten", lambda: "all secrets")
    with a_client(app) as client:
        assert client.get("/v1/forgotten").status_code == 401


def test_routes_that_overlap_are_told_apart_as_the_router_does(tmp_path: Path) -> None:
    with a_client(an_app(tmp_path)) as client:
        for path in ("a/dependencies", "a/dependents/dependencies", "a/b/scores", "a"):
            assert client.get(f"/v1/cmdb/items/{path}").status_code == 404
            assert client.get(f"/items/{path}").status_code == 404


@pytest.mark.parametrize("credential", sorted({row.credential for row in access_rows()}))
def test_every_route_answers_every_credential_as_the_table_says(
    service: TestClient, credentials: dict[str, dict[str, str]], credential: str
) -> None:
    ends_session = {("POST", "/sign-out"), ("POST", "/sign-in")}
    rows = [row for row in access_rows() if row.credential == credential]
    rows.sort(key=lambda row: ((row.method, row.path) in ends_session, row.method == "DELETE"))
    assert len(rows) == len(ROUTES)
    wrong = []
    for row in rows:
        if (row.method, row.path) in ends_session and credential != NOBODY:
            continue
        service.cookies.clear()
        response = ask(service, row, credentials[credential])
        is_gone = row.method == "DELETE" and row.answer is Answer.ALLOWED and response.status_code == 404
        if answer_of(response, row) is not row.answer and not is_gone:
            wrong.append((row, response.status_code, response.text[:200]))
    assert wrong == []
