"""People who sign in, what they see, and how their sessions end."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from access_builders import PASSWORD, a_person, csrf_of, sign_in
from service_builders import (
    LOCAL,
    NOW,
    StillClock,
    a_client,
    a_cmdb,
    a_webhook,
    an_app,
)

from service.access.attempts import Attempts
from service.access.passwords import hashed
from service.access.refusals import Refusals
from service.access.sign_in import Browser, SignIn
from service.data_directory import STORE
from service.errors import SignInBusyError, SignInDelayedError
from service.store.audit import Audit
from service.store.database import Database
from service.store.names import BadNameError, normal_name
from service.store.sessions import SessionStore
from service.store.tokens import TokenStore
from service.store.users import UserStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fastapi.testclient import TestClient


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture
def client(tmp_path: Path, clock: StillClock) -> Iterator[TestClient]:
    with a_client(an_app(tmp_path, clock=clock)) as running:
        running.post("/v1/cmdb", json=a_cmdb()).raise_for_status()
        running.post("/v1/alerts", json=a_webhook()).raise_for_status()
        yield running


@pytest.fixture
def database(client: TestClient, tmp_path: Path) -> Iterator[Database]:
    opened = Database(tmp_path / STORE)
    yield opened
    opened.close()


def use(client: TestClient, cookies: dict[str, str]) -> None:
    """Have a client send these cookies alone."""
    client.cookies.clear()
    client.cookies.update(cookies)


def actions(database: Database, who: str) -> list[tuple[str, str]]:
    return [(each.action, each.subject) for each in Audit(database).newest(limit=99) if each.who == who]


def test_a_person_signs_in_reads_judges_and_signs_out(client: TestClient, database: Database) -> None:
    a_person(database)
    page = client.get("/incidents/1").text
    assert 'name="password"' in page, "a stranger is sent to sign in"
    signed_in = sign_in(client, to="/incidents/1")
    assert (signed_in.status_code, signed_in.headers["location"]) == (303, "/incidents/1")
    cookie = signed_in.headers["set-cookie"].lower()
    for part in ("sunspot_session=", "httponly", "samesite=strict", "path=/"):
        assert part in cookie
    csrf = csrf_of(client.get("/incidents/1").text)
    form = {"cause": "item:funds-db", "csrf": csrf}
    assert client.post("/incidents/1/verdict", data=form, follow_redirects=False).status_code == 303
    assert client.get("/v1/incidents/1").json()["verdicts"][0]["who"] == "zhou"
    client.post("/sign-out", data={"csrf": csrf})
    assert client.get("/", follow_redirects=False).status_code == 303
    assert actions(database, "zhou") == [
        ("sign_in", "testclient"),
        ("read_incident", "1"),
        ("verdict", "1"),
        ("sign_out", "1"),
    ]


def test_a_copied_cookie_is_useless_after_the_sign_out(client: TestClient, database: Database) -> None:
    a_person(database)
    sign_in(client)
    copied = dict(client.cookies)
    client.post("/sign-out", data={"csrf": csrf_of(client.get("/").text)})
    use(client, copied)
    assert client.get("/v1/incidents").status_code == 401


def test_behind_https_the_cookie_is_this_hosts_alone(tmp_path: Path) -> None:
    with a_client(an_app(tmp_path, base_url="https://sunspot.firm")) as client:
        opened = Database(tmp_path / STORE)
        a_person(opened)
        opened.close()
        cookie = sign_in(client).headers["set-cookie"]
        assert cookie.startswith("__Host-sunspot_session=")
        assert "Secure" in cookie
        assert "domain" not in cookie.lower()
        named = cookie.partition(";")[0]
        plain = named.removeprefix("__Host-")
        assert client.get("/v1/incidents", headers={"cookie": named}).status_code == 200
        client.cookies.clear()
        assert client.get("/v1/incidents", headers={"cookie": plain}).status_code == 401


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("zhou", "wrong"),
        ("zhou", ""),
        ("nobody", PASSWORD),
        ("", ""),
        ("zhou", "\udcff" * 3),
        ("zhou\x00", PASSWORD),
        ("秘密", "密码" * 1000),
        ("zhou", PASSWORD * 999),
    ],
)
def test_what_is_wrong_about_an_attempt_is_not_told(
    client: TestClient, database: Database, name: str, password: str
) -> None:
    a_person(database)
    data = {"name": name.encode(errors="surrogatepass"), "password": password.encode(errors="surrogatepass")}
    answer = client.post("/sign-in", data=data)
    assert answer.status_code == 401
    assert "The name or the password is wrong." in answer.text
    assert not client.cookies


def test_a_name_and_password_may_be_written_in_any_script_and_composition(
    client: TestClient, database: Database
) -> None:
    UserStore(database).create(
        "Zoë 周", role="viewer", teams=[], password=hashed("pássword 密码 123"), at=NOW, who="test"
    )
    assert sign_in(client, " Zoe\u0308 周", "pa\u0301ssword 密码 123").status_code == 303
    assert client.get("/").status_code == 200


@pytest.mark.parametrize("secret", ["秘密", "sunspot_ü", "\x00", "a" * 10_000])
def test_a_token_of_any_letters_is_refused_and_never_fails(
    client: TestClient, database: Database, secret: str
) -> None:
    assert client.post("/sign-in", data={"token": secret}, follow_redirects=False).status_code == 303
    a_person(database)
    assert client.post("/sign-in", data={"token": secret}).status_code == 401
    header = f"Bearer {secret}".encode()
    if b"\x00" not in header:
        assert client.get("/v1/incidents", headers={b"authorization": header}).status_code == 401


@pytest.mark.parametrize(("later", "lasts"), [(11, True), (13, False)])
def test_a_session_without_requests_ends(
    client: TestClient, database: Database, clock: StillClock, later: int, lasts: bool
) -> None:
    a_person(database)
    sign_in(client)
    clock.at += timedelta(hours=later)
    assert (client.get("/v1/incidents").status_code == 200) is lasts


def test_a_session_ends_however_much_it_is_used(
    client: TestClient, database: Database, clock: StillClock
) -> None:
    a_person(database)
    sign_in(client)
    for _ in range(20):
        clock.at += timedelta(hours=8)
        assert client.get("/v1/incidents").status_code == 200
    clock.at += timedelta(hours=8)
    assert client.get("/v1/incidents").status_code == 401


def test_another_password_and_being_disabled_end_every_session(
    client: TestClient, database: Database
) -> None:
    a_person(database)
    users = UserStore(database)
    sign_in(client)
    users.set_password("zhou", hashed("another password"), at=NOW, who="test")
    assert client.get("/v1/incidents").status_code == 401
    assert sign_in(client, password="another password").status_code == 303
    users.disable("zhou", at=NOW, who="test")
    assert client.get("/v1/incidents").status_code == 401
    assert sign_in(client, password="another password").status_code == 401


def test_another_role_counts_from_the_next_request(client: TestClient, database: Database) -> None:
    a_person(database, role="viewer")
    sign_in(client)
    form = {"cause": "none", "csrf": csrf_of(client.get("/incidents/1").text)}
    assert client.post("/incidents/1/verdict", data=form).status_code == 403
    UserStore(database).grant("zhou", role="responder", teams=[], at=NOW, who="test")
    assert client.post("/incidents/1/verdict", data=form, follow_redirects=False).status_code == 303


def test_a_person_changes_the_password_and_ends_other_sessions(
    client: TestClient, database: Database
) -> None:
    a_person(database)
    sign_in(client)
    elsewhere = dict(client.cookies)
    client.cookies.clear()
    sign_in(client)
    page = client.get("/account").text
    assert page.count('<form method="post" action="/account/sessions/') == 1
    csrf = csrf_of(page)
    weak = client.post("/account/password", data={"csrf": csrf, "password": PASSWORD, "new": "short"})
    assert (weak.status_code, "12 to 1,000 characters" in weak.text) == (422, True)
    wrong = client.post("/account/password", data={"csrf": csrf, "password": "?", "new": PASSWORD})
    assert wrong.status_code == 401
    new = {"csrf": csrf, "password": PASSWORD, "new": "a new password"}
    assert client.post("/account/password", data=new).status_code == 200
    assert client.get("/v1/incidents").status_code == 200
    use(client, elsewhere)
    assert client.get("/v1/incidents").status_code == 401


def test_a_person_ends_own_sessions_and_no_others(client: TestClient, database: Database) -> None:
    for name in ("zhou", "wang"):
        a_person(database, name)
    cookies = []
    for name in ("wang", "zhou", "zhou"):
        client.cookies.clear()
        sign_in(client, name)
        cookies.append(dict(client.cookies))
    csrf = csrf_of(client.get("/account").text)
    for session in (1, 2):
        client.post(f"/account/sessions/{session}/end", data={"csrf": csrf})
    for number, is_left in enumerate((True, False, True)):
        use(client, cookies[number])
        assert (client.get("/v1/incidents").status_code == 200) is is_left


@pytest.mark.parametrize("proof", ["", "0" * 64, "秘密", "\udcff"])
def test_a_change_without_the_sessions_proof_is_refused(
    client: TestClient, database: Database, proof: str
) -> None:
    a_person(database, role="admin")
    sign_in(client)
    for path in ("/incidents/1/verdict", "/sign-out", "/account/password", "/account/sessions/1/end"):
        answer = client.post(path, data={"csrf": proof.encode(errors="surrogatepass"), "cause": "none"})
        assert answer.status_code == 403, path
        assert answer.json()["title"] == "Forged form"
    for path in ("/v1/incidents/1/verdict", "/v1/cmdb", "/v1/samples"):
        answer = client.post(path, json={}, headers={b"x-csrf-token": proof.encode(errors="replace")})
        assert answer.status_code == 403, path
    assert client.get("/v1/incidents/1").json()["verdicts"] == []


def test_the_proof_of_one_session_is_none_of_another(client: TestClient, database: Database) -> None:
    a_person(database)
    a_person(database, "wang")
    sign_in(client, "wang")
    stolen = csrf_of(client.get("/").text)
    sign_in(client)
    form = {"cause": "none", "csrf": stolen}
    assert client.post("/incidents/1/verdict", data=form).status_code == 403


def test_signing_in_ends_the_session_that_the_browser_had(client: TestClient, database: Database) -> None:
    a_person(database)
    sign_in(client)
    planted = dict(client.cookies)
    sign_in(client)
    use(client, planted)
    assert client.get("/v1/incidents").status_code == 401


def test_attempts_that_fail_are_delayed_for_a_stranger_and_not_for_others(
    client: TestClient, database: Database
) -> None:
    a_person(database)
    a_person(database, "wang")
    client.app.state.rooms.access.sign_in._attempts = Attempts(lambda: 0.0)  # type: ignore[attr-defined]
    refused = [sign_in(client, password="guess") for _ in range(6)]
    assert [each.status_code for each in refused] == [401] * 4 + [429] * 2
    assert int(refused[-1].headers["retry-after"]) >= 1
    assert "too many attempts to sign in failed" in refused[-1].text.lower()
    assert sign_in(client).status_code == 429, "the right password has to wait, too"
    assert sign_in(client, "wang").status_code == 303


def test_reads_of_an_incident_are_audited_once_an_hour(
    client: TestClient, database: Database, clock: StillClock
) -> None:
    a_person(database)
    token = TokenStore(database).create("grafana", ["read"], at=NOW, who="test")
    sign_in(client)
    for path in ("/incidents/1", "/v1/incidents/1", "/v1/incidents/1/causes", "/incidents/1"):
        client.get(path).raise_for_status()
    clock.at += timedelta(hours=1)
    client.get("/incidents/1").raise_for_status()
    assert client.get("/incidents/99").status_code == 404
    assert actions(database, "zhou")[1:] == [("read_incident", "1")] * 2
    client.cookies.clear()
    client.get("/v1/incidents/1", headers={"authorization": f"Bearer {token}"}).raise_for_status()
    assert actions(database, "grafana") == [], "a program reads"


def test_no_way_to_write_a_number_reads_an_incident_unaudited(client: TestClient, database: Database) -> None:
    a_person(database)
    sign_in(client)
    for number in ("01", "+1", "1.0", "%201", "1_0", "%D9%A1", "1%0A", "9" * 30, "1%2F"):
        assert client.get(f"/v1/incidents/{number}").status_code == 404, number
        assert client.get(f"/incidents/{number}").status_code == 404, number


def test_changes_are_audited_with_who_made_them(client: TestClient, database: Database) -> None:
    a_person(database, role="admin")
    sign_in(client)
    proof = {"x-csrf-token": csrf_of(client.get("/").text)}
    window = {"items": ["order"], "start": "2026-03-06T07:00:00Z", "end": "2026-03-09T01:00:00Z"}
    change = {"id": "c", "item": "order", "at": "2026-03-04T01:50:00Z"}
    for _ in range(2):
        client.post("/v1/changes", json={"changes": [change]}, headers=proof).raise_for_status()
    client.post("/v1/maintenance", json=window, headers=proof).raise_for_status()
    client.delete("/v1/maintenance/1", headers=proof).raise_for_status()
    assert actions(database, "zhou")[1:] == [
        ("record_changes", "c"),
        ("announce_maintenance", "1"),
        ("end_maintenance", "1"),
    ]


class TestSomebodyOfOneTeam:
    """Somebody who is limited to the team of an item."""

    @pytest.fixture(autouse=True)
    def signed_in(self, client: TestClient, database: Database) -> None:
        teams = {"gateway": "web", "order": "trading", "funds": "trading", "funds-db": ""}
        document = a_cmdb(tuple(teams), [("gateway", "order"), ("order", "funds")])
        for item in document["items"]:
            item["team"] = teams[item["id"]]
        client.post("/v1/cmdb", json=document).raise_for_status()
        for item in ("funds", "quotes"):
            client.post("/v1/alerts", json=a_webhook(item, name=f"Of-{item}")).raise_for_status()
        for item in ("order", "gateway"):
            change = {"id": f"of-{item}", "item": item, "at": "2026-03-04T01:50:00Z"}
            client.post("/v1/changes", json={"changes": [change]}).raise_for_status()
            window = {"items": [item], "start": "2026-03-06T07:00:00Z", "end": "2036-03-09T01:00:00Z"}
            client.post("/v1/maintenance", json=window).raise_for_status()
        a_person(database, role="operator", team="trading")
        assert sign_in(client).status_code == 303
        client.headers["x-csrf-token"] = csrf_of(client.get("/").text)

    def test_sees_items_and_changes_and_windows_of_the_team(self, client: TestClient) -> None:
        changes = client.get("/v1/changes").json()["changes"]
        assert [each["item"] for each in changes] == ["order"]
        windows = client.get("/v1/maintenance").json()["windows"]
        assert [each["items"] for each in windows] == [["order"]]
        for path, status in (("order", 200), ("gateway", 404), ("funds-db", 404), ("unheard-of", 404)):
            assert client.get(f"/v1/cmdb/items/{path}").status_code == status
            assert client.get(f"/items/{path}").status_code == status
        assert client.get("/v1/cmdb/items/order/dependents").json()["items"] == []
        assert client.get("/v1/cmdb/items/order/dependencies").json()["items"] == ["funds"]
        assert ">gateway<" not in client.get("/items/order").text

    def test_sees_incidents_of_the_team_alone(self, client: TestClient) -> None:
        found = client.get("/v1/incidents").json()
        seen = {each["id"] for each in found["incidents"]}
        assert found["total"] == len(seen)
        for number in range(1, 4):
            status = client.get(f"/v1/incidents/{number}").status_code
            assert status == (200 if number in seen else 404)
            assert (f'href="/incidents/{number}"' in client.get("/").text) == (number in seen)

    def test_hidden_and_missing_look_the_same(self, client: TestClient) -> None:
        hidden, missing = (client.get(f"/v1/cmdb/items/{each}") for each in ("gateway", "gatewai"))
        assert hidden.json() == {**missing.json(), "detail": hidden.json()["detail"]}
        assert hidden.json()["detail"].replace("gateway", "gatewai") == missing.json()["detail"]

    def test_changes_only_what_is_of_the_team(self, client: TestClient) -> None:
        for item, status in (("order", 200), ("gateway", 403), ("unheard-of", 403)):
            change = {"id": f"new-{item}", "item": item, "at": "2026-03-04T01:50:00Z"}
            assert client.post("/v1/changes", json={"changes": [change]}).status_code == status
            window = {"items": [item], "start": "2026-03-06T07:00:00Z", "end": "2036-03-09T01:00:00Z"}
            assert client.post("/v1/maintenance", json=window).status_code == status
        window = {"teams": ["web"], "start": "2026-03-06T07:00:00Z", "end": "2036-03-09T01:00:00Z"}
        assert client.post("/v1/maintenance", json=window).status_code == 403
        assert client.delete("/v1/maintenance/2").status_code == 404, "of the gateway"
        assert client.delete("/v1/maintenance/1").status_code == 200

    def test_of_the_default_team_sees_what_has_no_team(self, client: TestClient, database: Database) -> None:
        UserStore(database).grant("zhou", role="viewer", teams=["operations"], at=NOW, who="test")
        for path, status in (("order", 404), ("gateway", 404), ("funds-db", 200)):
            assert client.get(f"/v1/cmdb/items/{path}").status_code == status


def test_a_storm_of_attempts_is_bounded(tmp_path: Path) -> None:
    with a_client(an_app(tmp_path)) as client:
        rooms: Any = client.app.state.rooms  # type: ignore[attr-defined]
        made = rooms.access.sign_in
        few = SignIn(
            made._users,
            made._tokens,
            made._sessions,
            made._attempts,
            refusals=made._refusals,
            clock=StillClock(),
            n_at_once=1,
            n_waiting=1,
        )

        async def storm() -> list[Any]:
            attempts = (few.with_password(f"u{n}", "guess", Browser("192.0.2.1", "", "")) for n in range(5))
            return await asyncio.gather(*attempts, return_exceptions=True)

        outcomes = asyncio.run(storm())
    assert sum(isinstance(each, SignInBusyError) for each in outcomes) == 3


def test_a_form_of_a_stranger_is_short(client: TestClient, database: Database) -> None:
    a_person(database)
    assert client.post("/sign-in", data={"name": "z" * 300_000}).status_code == 413


@pytest.mark.parametrize("name", ["z" * 101, "a" + "\u0301" * 600 + "\u0323" * 600, "z" * 200_000])
def test_no_name_that_nobody_can_have_is_worked_on_or_remembered(
    client: TestClient, database: Database, name: str
) -> None:
    a_person(database)
    assert sign_in(client, name).status_code == 401
    rooms: Any = client.app.state.rooms  # type: ignore[attr-defined]
    assert all(len(part) <= 100 for key in rooms.access.sign_in._attempts._failures for part in key)
    assert normal_name(name) == ""
    with pytest.raises(BadNameError):
        a_person(database, name)


def test_nobody_signs_in_where_nobody_has_to(client: TestClient) -> None:
    answer = client.post("/sign-in", data={"token": "秘密", "to": "/teams"}, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/teams")
    assert "set-cookie" not in answer.headers
    assert client.get("/account").status_code == 200
    foreign = client.post("/sign-in", data={}, headers={"origin": "http://evil.example"})
    assert foreign.status_code == 403
    assert client.post("/sign-in", data={}, headers={"origin": LOCAL}).status_code == 200


def test_a_person_is_known_in_the_whole_network_that_an_address_is_chosen_from(database: Database) -> None:
    a_person(database)
    attempts = Attempts(lambda: 0.0)
    sessions = SessionStore(database, length=timedelta(days=7), idle=timedelta(hours=12))
    signing_in = SignIn(
        UserStore(database),
        TokenStore(database),
        sessions,
        attempts,
        refusals=Refusals(lambda: 0.0),
        clock=StillClock(),
    )
    sessions.open("zhou", is_person=True, address="2001:db8:1:2::1", browser="", at=NOW)
    for n in range(60):
        with suppress(SignInDelayedError):
            attempts.begin("zhou", f"198.51.100.{n}", is_known=False)
    with pytest.raises(SignInDelayedError):
        asyncio.run(signing_in.with_password("zhou", PASSWORD, Browser("2001:db8:9:9::1", "", "")))
    assert asyncio.run(signing_in.with_password("zhou", PASSWORD, Browser("2001:db8:1:2::2", "", "")))
