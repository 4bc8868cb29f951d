"""Where the service may send to, and by which proxy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pydantic import ValidationError
from service_builders import StillClock, a_client, an_app

from service.errors import BadAddressError, BadTargetError, TargetDownError, TargetNotAllowedError
from service.notify.http_post import post_to
from service.outgoing import Outgoing, shown
from service.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

PROXY = "http://proxy.example:3128"


@pytest.mark.parametrize(
    ("entry", "url"),
    [
        ("hooks.example", "https://hooks.example/x"),
        ("hooks.example", "http://HOOKS.Example.:8080/x"),
        ("https://hooks.example", "https://hooks.example:8443/"),
        ("hooks.example:443", "https://hooks.example/"),
        ("*.example.internal", "https://a.b.example.internal/"),
        ("xn--bcher-kva.example", "https://bücher.example/"),
        ("smtp://mail.example:25", "smtp://mail.example:25"),
        ("10.1.2.3", "http://10.1.2.3/"),
        ("10.1.2.3", "http://167838211/"),
        ("10.1.2.3", "http://0xa.1.0x203/"),
        ("10.1.2.3", "http://[::ffff:10.1.2.3]/"),
        ("0x0a010203", "http://10.1.2.3./"),
        ("10.1.0.0/16", "http://10.1.255.255/"),
        ("[fd00::1]:8443", "https://[FD00:0:0::1]:8443/"),
        ("[fd00::]/8", "https://[fd12::7]/"),
        ("fd00_1.example", "https://fd00_1.example/"),
        ("*", "https://anything.example/"),
        ("*", "https://10.1.2.3/"),
    ],
)
def test_an_entry_covers_its_target_however_it_is_written(entry: str, url: str) -> None:
    assert Outgoing({entry: PROXY}).check(url).proxy == PROXY


@pytest.mark.parametrize(
    ("entry", "url"),
    [
        ("hooks.example", "https://hooks.example.evil.test/"),
        ("hooks.example", "https://evil-hooks.example/"),
        ("*.example", "https://example/"),
        ("*.example", "https://evilexample/"),
        ("https://hooks.example", "http://hooks.example/"),
        ("hooks.example:443", "https://hooks.example:444/"),
        ("hooks.example:443", "http://hooks.example/"),
        ("hooks.example", "https://hooks.example@evil.test/"),
        ("hooks.example", "https://evil.test/#@hooks.example"),
        ("hooks.example", "https://evil.test/?hooks.example"),
        ("fass.example", "https://faß.example/"),
        ("*.example", "http://127.0.0.1/"),
        ("localhost", "http://127.0.0.1/"),
        ("10.1.0.0/16", "http://169.254.169.254/"),
        ("10.1.0.0/16", "http://2852039166/"),
        ("10.1.0.0/16", "http://10.1.2.3.evil.test/"),
        ("10.1.0.0/16", "http://[fd00::1]/"),
    ],
)
def test_an_entry_covers_nothing_else(entry: str, url: str) -> None:
    with pytest.raises(TargetNotAllowedError, match="SUNSPOT_OUTGOING does not allow it"):
        Outgoing({entry: ""}).check(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "hooks.example",
        "http://",
        "http:///x",
        "http://[",
        "http://a b/",
        "http://a\tb/",
        "http://a%2eb/",
        "http://hooks.example\\@evil.test/",
        "http://hooks.example:99999/",
        "http://hooks.example:0/",
        "http://a..b/",
    ],
)
def test_text_that_is_no_address_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(BadAddressError) as refusal:
        Outgoing({"*": ""}).check(url)
    assert "hooks" not in str(refusal.value)


@pytest.mark.parametrize(
    "entry",
    [
        "",
        "https://",
        "hooks.example/path",
        "me:secret@hooks.example",
        "a b",
        "*.*",
        "a.*.b",
        "10.1.0.1/16",
        "*.10.1",
        "hooks.example:65536",
        "hooks.example:0",
        "hooks.example:port",
        "bücher.example",
        "[hooks]",
    ],
)
def test_an_entry_that_cannot_be_read_is_refused(entry: str) -> None:
    with pytest.raises(BadTargetError) as refusal:
        Outgoing({entry: ""})
    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize("proxy", ["proxy.example:3128", "socks5://proxy.example", "http://"])
def test_a_proxy_that_is_none_is_refused_and_not_repeated(proxy: str) -> None:
    with pytest.raises(BadTargetError) as refusal:
        Outgoing({"hooks.example": f"{proxy} secret"})
    assert "secret" not in str(refusal.value)


def test_the_first_entry_that_covers_a_target_counts() -> None:
    outgoing = Outgoing({"hooks.example": "", "*.example": "http://a.test:1", "*": "http://b.test:1"})
    urls = ("https://hooks.example", "https://chat.example", "https://else.test")
    assert [outgoing.check(url).proxy for url in urls] == ["", "http://a.test:1", "http://b.test:1"]


def test_without_a_list_only_what_the_settings_name_is_allowed() -> None:
    outgoing = Outgoing({}, configured={"A": "https://hooks.example/x?token=1", "B": "sqlite:////mlflow.db"})
    assert outgoing.check("https://hooks.example/y").host == "hooks.example"
    for url in ("http://hooks.example/", "https://hooks.example:8443/", "https://other.example/"):
        with pytest.raises(TargetNotAllowedError):
            outgoing.check(url)


@pytest.mark.parametrize("name", ["notify_url", "tracking_uri"])
def test_a_service_does_not_start_if_its_list_lacks_what_its_settings_name(name: str, tmp_path: Path) -> None:
    named = {name: "https://me:secret@hooks.example/secret"}
    with pytest.raises(
        TargetNotAllowedError, match=f"SUNSPOT_{name.upper()} is https://hooks.example,"
    ) as no:
        an_app(tmp_path, outgoing={"chat.example": ""}, **named)
    assert "secret" not in str(no.value)
    with a_client(an_app(tmp_path, outgoing={"*.example": ""}, **named)):
        pass


def test_a_service_does_not_start_with_an_address_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(BadAddressError, match="SUNSPOT_NOTIFY_URL: the address is not one"):
        an_app(tmp_path, notify_url="http://[secret")
    with pytest.raises(ValidationError) as refusal:
        Settings(notify_url="htp://me:secret@hooks.example")
    assert "secret" not in str(refusal.value)


def test_a_refused_target_is_shown_like_one_that_is_down(tmp_path: Path) -> None:
    with a_client(an_app(tmp_path, notify_url="https://hooks.example/secret", clock=StillClock())) as client:
        rooms = client.app.state.rooms  # type: ignore[attr-defined]
        outbox = rooms.paging.outbox
        outbox._post = post_to("https://chat.example/secret", rooms.outgoing)
        outbox.put({"item": "order"})
        assert outbox.deliver() == 0
        (shown_there,) = outbox.health_problems()
        assert shown_there in client.get("/readyz").json()["reasons"]
    assert shown_there == (
        "notify: 1 page(s) could not be sent yet: "
        "nothing is sent to https://chat.example: SUNSPOT_OUTGOING does not allow it"
    )


def test_a_client_stays_at_its_target_and_follows_no_redirect() -> None:
    outgoing = Outgoing({"127.0.0.1:9": "", "127.0.0.1:10": "http://127.0.0.1:9", "hooks.example": ""})
    with outgoing.client("http://127.0.0.1:9/") as client:
        assert not client.follow_redirects
        for url in ("http://127.0.0.1:10/", "https://other.example/"):
            with pytest.raises(TargetNotAllowedError):
                client.get(url)


def test_with_a_list_a_proxy_of_the_environment_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    with Outgoing({"hooks.example": ""}).client("https://hooks.example") as client:
        assert not client.trust_env
    with pytest.raises(TargetNotAllowedError):
        post_to("http://hooks.invalid/", Outgoing({"hooks.example": ""}))({"item": "order"})


def test_the_proxy_of_a_target_is_asked_and_resolves_its_name() -> None:
    outgoing = Outgoing({"hooks.invalid": "http://me:secret@127.0.0.1:9"})
    with pytest.raises(TargetDownError, match="refused") as down:
        post_to("http://hooks.invalid/", outgoing)({"item": "order"})
    assert "secret" not in str(down.value)


@pytest.mark.parametrize(
    ("url", "seen"),
    [
        ("https://me:secret@hooks.example:443/a?b#c", "https://hooks.example"),
        ("http://hooks.example:8080", "http://hooks.example:8080"),
        ("https://[fd00::1]:8443/secret", "https://[fd00::1]:8443"),
        ("smtp://mail.example:25", "smtp://mail.example:25"),
        ("smtp://mail.example", "smtp://mail.example"),
        ("secret", "an address that cannot be read"),
    ],
)
def test_only_scheme_host_and_port_are_shown(url: str, seen: str) -> None:
    assert shown(url) == seen
