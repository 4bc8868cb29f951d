"""Requests without valid credentials: logged, counted, and slowed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from access_builders import a_person
from service_builders import NOW, a_client, an_app

from service.access.refusals import N_FREE, Refusals
from service.data_directory import ACCESS_MARKER, STORE
from service.errors import TooManyRefusalsError
from service.readiness import readiness
from service.store.database import Database
from service.store.tokens import TokenStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fastapi.testclient import TestClient
    from starlette.types import Message


class Seconds:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def secret(tmp_path: Path) -> str:
    database = Database(tmp_path / STORE)
    made = TokenStore(database).create("admin", ["admin"], at=NOW, who="test")
    database.close()
    return made


@pytest.fixture
def client(tmp_path: Path, secret: str) -> Iterator[TestClient]:
    with a_client(an_app(tmp_path)) as running:
        yield running


def test_a_refused_request_is_logged_with_its_address_and_route_and_no_secret(
    client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    headers = {"authorization": "Bearer sunspot_guessed"}
    assert client.get("/v1/incidents/7?token=other", headers=headers).status_code == 401
    [line] = caplog.records
    fields = vars(line)
    assert (fields["address"], fields["route"]) == ("testclient", "/v1/incidents/{incident}")
    assert fields["has_credentials"] is True
    assert not any("guessed" in str(each) or "other" in str(each) for each in fields.values())


def test_an_address_that_guesses_is_slowed_and_the_right_token_never(
    client: TestClient, secret: str, caplog: pytest.LogCaptureFixture
) -> None:
    guesses = [client.get("/v1/incidents", headers={"authorization": f"Bearer {n}"}) for n in range(40)]
    assert [each.status_code for each in guesses] == [401] * 30 + [429] * 10
    assert 1 <= int(guesses[-1].headers["retry-after"]) <= 60
    assert guesses[-1].headers["content-type"] == "application/problem+json"
    right = {"authorization": f"Bearer {secret}"}
    assert client.get("/v1/incidents", headers=right).status_code == 200
    assert len(caplog.records) == 4
    metrics = client.get("/metrics", headers=right).text
    assert 'sunspot_refused_requests_total{reason="wrong credentials"} 40.0' in metrics
    assert 'sunspot_requests_total{method="GET",route="/v1/incidents",status="429"} 10.0' in metrics


def test_tokens_that_are_guessed_at_the_sign_in_count_too(
    client: TestClient, secret: str, caplog: pytest.LogCaptureFixture
) -> None:
    answers = [client.post("/sign-in", data={"token": f"guess{n}"}) for n in range(N_FREE + 2)]
    assert [each.status_code for each in answers] == [401] * N_FREE + [429] * 2
    assert "That token is not valid" in answers[0].text
    assert "Too many requests of this address" in answers[-1].text
    assert int(answers[-1].headers["retry-after"]) >= 1
    assert len(caplog.records) == 1 + N_FREE // 10
    right = client.post("/sign-in", data={"token": secret}, follow_redirects=False)
    assert right.status_code == 303, "the right token never waits"


def test_a_minute_later_an_address_is_answered_as_usual() -> None:
    seconds = Seconds()
    refusals = Refusals(seconds, n_free=2)
    for _ in range(2):
        refusals.add("a", "/", has_credentials=False)
    with pytest.raises(TooManyRefusalsError) as caught:
        refusals.add("a", "/", has_credentials=False)
    assert caught.value.retry_s == 60
    refusals.add("b", "/", has_credentials=False)
    seconds.now += 60
    refusals.add("a", "/", has_credentials=False)


def test_addresses_of_one_network_count_together() -> None:
    refusals = Refusals(Seconds(), n_free=1)
    refusals.add("2001:db8::1", "/", has_credentials=False)
    with pytest.raises(TooManyRefusalsError):
        refusals.add("2001:db8::2", "/", has_credentials=False)


def test_what_is_remembered_and_logged_is_bounded(caplog: pytest.LogCaptureFixture) -> None:
    refusals = Refusals(Seconds())
    for each in range(20_000):
        refusals.add(f"a{each}", "/", has_credentials=False)
    assert len(refusals._by_address) <= 10_000
    assert len(caplog.records) <= 60


def test_a_body_without_a_valid_token_is_never_read(client: TestClient, secret: str) -> None:
    read: list[str] = []

    async def receive() -> Message:
        read.append("read")
        return {"type": "http.request", "body": b"x" * 65536, "more_body": True}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            read.append(str(message["status"]))

    for presented in (b"", b"Bearer guess"):
        scope = {
            "type": "http",
            "method": "POST",
            "path": "/v1/samples",
            "scheme": "http",
            "headers": [(b"host", b"localhost"), (b"authorization", presented)],
            "query_string": b"",
            "client": ("192.0.2.7", 1234),
            "app": client.app,
        }
        asyncio.run(client.app(scope, receive, send))
    assert read == ["401", "401"]


def test_an_emptied_store_stays_closed_and_says_so(tmp_path: Path, secret: str) -> None:
    with a_client(an_app(tmp_path)) as client:
        assert client.get("/v1/incidents").status_code == 401
    assert (tmp_path / ACCESS_MARKER).exists()
    for each in tmp_path.glob(f"{STORE}*"):
        each.unlink()
    with a_client(an_app(tmp_path)) as client:
        assert client.get("/v1/incidents").status_code == 401
        right = {"authorization": f"Bearer {secret}"}
        assert client.get("/v1/incidents", headers=right).status_code == 401
        reasons = readiness(client.app.state.rooms).reasons  # type: ignore[attr-defined]
        assert any(each.startswith("closed: ") for each in reasons)
        assert "Nobody can sign in" in client.get("/sign-in").text
        database = Database(tmp_path / STORE)
        anew = TokenStore(database).create("anew", ["read"], at=NOW, who="test")
        database.close()
        assert client.get("/v1/incidents", headers={"authorization": f"Bearer {anew}"}).status_code == 200
        assert "Nobody can sign in" not in client.get("/sign-in").text


def test_access_stays_closed_where_the_marker_cannot_be_written(
    tmp_path: Path, secret: str, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / ACCESS_MARKER).symlink_to(tmp_path / "missing" / "directory")
    with a_client(an_app(tmp_path)) as client:
        assert client.get("/v1/incidents").status_code == 401
        right = {"authorization": f"Bearer {secret}"}
        assert client.get("/v1/incidents", headers=right).status_code == 200
    assert "the file that remembers access is not written" in caplog.text


def test_the_first_person_closes_the_service_as_a_token_does(tmp_path: Path) -> None:
    with a_client(an_app(tmp_path)) as client:
        assert client.get("/v1/incidents").status_code == 200
        database = Database(tmp_path / STORE)
        a_person(database)
        database.close()
        assert client.get("/v1/incidents").status_code == 401
        assert (tmp_path / ACCESS_MARKER).exists()
