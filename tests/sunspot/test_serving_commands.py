from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from service_builders import a_bundle, a_client, an_app, settings_for

from features.calendar import CLOCKS
from service.data_directory import STORE
from service.http.server import bind
from service.store.database import Database
from service.store.tokens import TokenStore
from sunspot.serve import command as serve
from sunspot.token import SCOPES
from sunspot.token import command as token
from sunspot.train import clocks_with
from telemetry.history import History

if TYPE_CHECKING:
    from pathlib import Path


def test_a_token_is_created_listed_and_revoked(tmp_path: Path) -> None:
    runner, data = CliRunner(), ["--data", str(tmp_path)]
    assert "this machine only" in runner.invoke(token, ["list", *data]).output
    created = runner.invoke(token, ["create", "prom", "--scope", "ingest", "--scope", "read", *data])
    secret = created.stdout.strip()
    database = Database(tmp_path / STORE)
    holder = TokenStore(database).holder(secret)
    database.close()
    assert holder is not None
    assert (holder.name, holder.scopes) == ("prom", frozenset({"ingest", "read"}))
    listed = runner.invoke(token, ["list", *data]).output
    assert "prom\tingest,read" in listed
    assert secret not in listed
    assert runner.invoke(token, ["create", "prom", "--scope", "read", *data]).exit_code == 1
    assert runner.invoke(token, ["revoke", "prom", *data]).exit_code == 0
    assert "revoked" in runner.invoke(token, ["list", *data]).output
    assert runner.invoke(token, ["revoke", "prom", *data]).exit_code == 1


def test_the_scopes_of_the_command_are_those_of_the_service() -> None:
    from service.http.security import Scope  # noqa: PLC0415  as the command imports it

    assert set(SCOPES) == set(Scope)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [(["--host", "0.0.0.0", "--port", "0"], "without tokens"), (["--present", "then"], "--present")],
)
def test_settings_that_cannot_be_served_are_one_line_errors(
    tmp_path: Path, arguments: list[str], reason: str
) -> None:
    answer = CliRunner().invoke(serve, [*arguments, "--data", str(tmp_path)])
    assert answer.exit_code != 0
    assert reason in answer.output
    assert "Traceback" not in answer.output


def test_a_port_in_use_is_an_error_and_the_bound_port_is_in_the_address(tmp_path: Path) -> None:
    listener, settings = bind(settings_for(tmp_path, host="::1", port=0))
    with listener:
        listener.listen()
        assert settings.address == f"http://[::1]:{settings.port}"
        with pytest.raises(OSError, match="in use"):
            bind(settings)


def test_a_data_directory_in_use_is_a_clear_error(tmp_path: Path) -> None:
    with History(tmp_path / "history"):
        answer = CliRunner().invoke(serve, ["--port", "0", "--data", str(tmp_path)])
    assert answer.exit_code == 1
    assert "already" in answer.output


def test_a_bad_calendar_file_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "calendar.toml").write_text("closures = [tomorrow]")
    arguments = ["--port", "0", "--data", str(tmp_path / "data")]
    answer = CliRunner().invoke(serve, [*arguments, "--calendar-overrides", str(tmp_path / "calendar.toml")])
    assert answer.exit_code == 1
    assert "calendar.toml" in answer.output
    assert "Traceback" not in answer.output


def test_the_service_and_training_use_the_same_clock(tmp_path: Path) -> None:
    path = tmp_path / "calendar.toml"
    path.write_text("closures = [2027-02-08]\nknown_until = 2027-12-31")
    bundle = replace(a_bundle(), clock="XSHG")
    app = an_app(tmp_path / "data", bundle=bundle, calendar_overrides=path)
    with a_client(app):
        clock = app.state.rooms.signals.in_use.clock
    assert clock == clocks_with(path)["XSHG"]
    assert clock != CLOCKS["XSHG"]
