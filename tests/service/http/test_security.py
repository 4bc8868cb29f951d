from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from access_builders import csrf_of
from fastapi.testclient import TestClient
from service_builders import LOCAL, NOW, FakeSource, a_client, a_service, a_webhook, an_app, settings_for

from service.app import create_app
from service.data_directory import STORE
from service.errors import OpenToTheNetworkError
from service.model_registry.sources import Sources
from service.settings import is_loopback
from service.store.database import Database
from service.store.names import NameTakenError
from service.store.tokens import TokenStore, UnknownTokenError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from httpx2 import Response


@pytest.fixture
def tokens(tmp_path: Path) -> Iterator[TokenStore]:
    database = Database(tmp_path / STORE)
    yield TokenStore(database)
    database.close()


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    with a_service(tmp_path) as running:
        running.post("/v1/alerts", json=a_webhook()).raise_for_status()
        yield running


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


def assert_problem(answer: Response, status: int) -> None:
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


def test_without_tokens_this_machine_may_do_everything_and_readiness_reports_it(client: TestClient) -> None:
    assert client.get("/v1/incidents").status_code == 200
    assert any("no token exists" in each for each in client.get("/readyz").json()["reasons"])
    assert "No token exists" in client.get("/").text


@pytest.mark.parametrize("host", ["evil.example", "192.168.1.7:8321", "localhost.evil.example", "", "[bad"])
def test_without_tokens_a_foreign_host_name_is_refused(client: TestClient, host: str) -> None:
    for path in ("/v1/incidents", "/"):
        assert_problem(client.get(path, headers={"host": host}), 421)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8321", "[::1]:8321", "LOCALHOST:1"])
def test_without_tokens_every_name_of_this_machine_is_answered(client: TestClient, host: str) -> None:
    assert client.get("/v1/incidents", headers={"host": host}).status_code == 200


def test_a_page_of_another_site_may_not_change_anything(client: TestClient) -> None:
    for path in ("/v1/incidents/1/verdict", "/incidents/1/verdict", "/sign-in", "/sign-out"):
        answer = client.post(path, json={"causes": "none"}, headers={"origin": "http://evil.example"})
        assert_problem(answer, 403)
    own = client.post("/v1/incidents/1/verdict", json={"causes": "none"}, headers={"origin": LOCAL})
    assert own.status_code == 200


@pytest.mark.parametrize(
    ("site", "status"), [("cross-site", 403), ("same-site", 403), ("same-origin", 200), ("none", 200)]
)
def test_a_form_without_an_origin_is_judged_by_the_site_that_sent_it(
    client: TestClient, site: str, status: int
) -> None:
    headers = {"sec-fetch-site": site}
    answer = client.post("/v1/incidents/1/verdict", json={"causes": "none"}, headers=headers)
    assert answer.status_code == status
    assert client.get("/", headers=headers).status_code == 200


def test_with_the_first_token_nobody_is_answered_without_one(client: TestClient, tokens: TokenStore) -> None:
    tokens.create("reader", ["read"], at=NOW, who="test")
    refused = client.get("/v1/incidents")
    assert_problem(refused, 401)
    assert refused.headers["www-authenticate"] == "Bearer"
    assert_problem(client.get("/v1/incidents", headers=bearer("guess")), 401)
    assert client.get("/healthz").status_code == client.get("/readyz").status_code == 200


def test_a_stranger_learns_only_whether_the_service_is_ready(client: TestClient, tokens: TokenStore) -> None:
    secrets = {scope: tokens.create(scope, [scope], at=NOW, who="test") for scope in ("ingest", "read")}
    for headers in ({}, bearer("guess"), bearer(secrets["ingest"]), {"host": "evil.example"}):
        answer = client.get("/readyz", headers=headers)
        assert (answer.status_code, answer.json()) == (200, {"ready": True})
    assert "parts" in client.get("/readyz", headers=bearer(secrets["read"])).json()


def test_no_password_of_an_address_is_shown(tmp_path: Path) -> None:
    app = an_app(tmp_path)
    app.state.source.problem = "the model registry could not be used: http://ann:s3cret@mlflow:5000 is away"
    app.state.rooms.health.record("notes").failed(OSError("proxy http://ann:s3cret@proxy.firm refused"))
    with a_client(app) as client:
        shown = client.get("/readyz").text
    assert "http://***@mlflow:5000 is away" in shown
    assert "s3cret" not in shown


def test_a_token_allows_its_scopes_only(client: TestClient, tokens: TokenStore) -> None:
    secrets = {
        scope: tokens.create(scope, [scope], at=NOW, who="test")
        for scope in ("ingest", "read", "verdict", "admin")
    }
    asked: dict[str, tuple[str, str, object]] = {
        "ingest": ("POST", "/v1/alerts", a_webhook()),
        "read": ("GET", "/v1/incidents", None),
        "verdict": ("POST", "/v1/incidents/1/verdict", {"causes": "none"}),
        "admin": (
            "POST",
            "/v1/cmdb",
            {
                "items": [{"id": "web"}, {"id": "order"}],
                "edges": [{"dependent": "web", "dependency": "order"}],
            },
        ),
    }
    for needed, (method, path, body) in asked.items():
        for scope, secret in secrets.items():
            answer = client.request(method, path, json=body, headers=bearer(secret))
            if scope in {needed, "admin"}:
                assert answer.status_code == 200, (needed, scope)
            else:
                assert_problem(answer, 403)


def test_a_verdict_names_the_token_that_gave_it(client: TestClient, tokens: TokenStore) -> None:
    secret = tokens.create("zhou", ["verdict"], at=NOW, who="test")
    recorded = client.post("/v1/incidents/1/verdict", json={"causes": "none"}, headers=bearer(secret)).json()
    assert recorded["who"] == "zhou"


def test_a_revoked_token_is_useless_and_does_not_open_the_service(
    client: TestClient, tokens: TokenStore
) -> None:
    secret = tokens.create("reader", ["read"], at=NOW, who="test")
    assert client.get("/v1/incidents", headers=bearer(secret)).status_code == 200
    tokens.revoke("reader", at=NOW, who="test")
    assert_problem(client.get("/v1/incidents", headers=bearer(secret)), 401)
    with pytest.raises(UnknownTokenError):
        tokens.revoke("reader", at=NOW, who="test")
    with pytest.raises(NameTakenError):
        tokens.create("reader", ["read"], at=NOW, who="test")


def test_no_secret_is_in_the_store(tmp_path: Path, tokens: TokenStore) -> None:
    secret = tokens.create("reader", ["read"], at=NOW, who="test")
    stored = b"".join(each.read_bytes() for each in tmp_path.glob(f"{STORE}*"))
    assert secret.encode() not in stored
    assert secret.removeprefix("sunspot_").encode() not in stored


def test_listening_beyond_this_machine_needs_a_token(tmp_path: Path) -> None:
    with pytest.raises(OpenToTheNetworkError, match=r"0\.0\.0\.0"):
        create_app(settings_for(tmp_path, host="0.0.0.0"), sources=Sources(FakeSource))
    database = Database(tmp_path / STORE)
    TokenStore(database).create("reader", ["read"], at=NOW, who="test")
    database.close()
    with a_client(an_app(tmp_path, host="0.0.0.0")) as client:
        assert client.get("/v1/incidents", headers={"host": "sunspot.firm"}).status_code == 401


@pytest.mark.parametrize("has_token", [False, True])
@pytest.mark.parametrize(
    "form", ["token=%E7%A7%98", "token=%F0%9F%98%80", "token=%FF", "token=%ED%A0%80", "token=秘"]
)
def test_a_token_in_another_script_is_just_wrong(
    client: TestClient, tokens: TokenStore, form: str, has_token: bool
) -> None:
    if has_token:
        tokens.create("reader", ["read"], at=NOW, who="test")
    assert client.post("/sign-in", content=form).status_code == (401 if has_token else 200)


def test_a_browser_signs_in_reads_and_signs_out(client: TestClient, tokens: TokenStore) -> None:
    secret = tokens.create("zhou", ["read", "verdict"], at=NOW, who="test")
    sent_away = client.get("/incidents/1", follow_redirects=False)
    assert sent_away.status_code == 303
    assert sent_away.headers["location"] == "/sign-in?to=%2Fincidents%2F1"
    assert client.get("/sign-in").status_code == 200
    wrong = client.post("/sign-in", data={"token": "guess", "to": "/"})
    assert wrong.status_code == 401
    assert "That token is not valid" in wrong.text
    signed_in = client.post("/sign-in", data={"token": secret, "to": "/incidents/1"}, follow_redirects=False)
    cookie = signed_in.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "samesite=strict" in cookie.lower()
    assert signed_in.headers["location"] == "/incidents/1"
    assert client.get("/incidents/1").status_code == 200
    assert client.get("/v1/incidents/1").status_code == 200
    form = {"cause": "item:funds-db", "note": "pool"}
    assert_problem(client.post("/incidents/1/verdict", data=form), 403)
    form["csrf"] = csrf_of(client.get("/incidents/1").text)
    assert client.post("/incidents/1/verdict", data=form, follow_redirects=False).status_code == 303
    assert client.get("/v1/incidents/1").json()["verdicts"][0]["who"] == "zhou"
    client.post("/sign-out", data={"csrf": form["csrf"]})
    assert client.get("/", follow_redirects=False).status_code == 303


def test_a_token_without_the_scope_does_not_read_pages(client: TestClient, tokens: TokenStore) -> None:
    secret = tokens.create("sender", ["ingest"], at=NOW, who="test")
    client.post("/sign-in", data={"token": secret}, follow_redirects=False)
    assert_problem(client.get("/"), 403)


@pytest.mark.parametrize(
    "to", ["//evil.example", "/\\evil.example", "https://evil.example", "/a\r\nx: y", ""]
)
def test_signing_in_never_leads_to_another_site(client: TestClient, tokens: TokenStore, to: str) -> None:
    secret = tokens.create("zhou", ["read"], at=NOW, who="test")
    answer = client.post("/sign-in", data={"token": secret, "to": to}, follow_redirects=False)
    assert answer.headers["location"] == "/"


def test_every_answer_has_headers_that_protect_a_browser(client: TestClient) -> None:
    for path in ("/", "/incidents/1", "/v1/incidents", "/nowhere", "/docs"):
        headers = client.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("host", "is_local"), [("127.9.9.9", True), ("::1", True), ("10.0.0.1", False), ("host", False)]
)
def test_only_loopback_is_this_machine(host: str, is_local: bool) -> None:
    assert is_loopback(host) is is_local
