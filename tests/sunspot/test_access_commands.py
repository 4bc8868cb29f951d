"""The commands about people and the audit."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from service.access.passwords import fits
from service.access.permissions import OF_EVERY_TEAM, ROLES, SCOPES, Role
from service.data_directory import ACCESS_MARKER, STORE
from service.store.database import Database
from service.store.users import UserStore
from sunspot import token as token_module
from sunspot.audit import command as audit
from sunspot.token import command as token
from sunspot.user import ROLES as ROLES_OF_THE_COMMAND
from sunspot.user import command as user

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

PASSWORD = "correct horse 电池"


@pytest.fixture
def run(tmp_path: Path) -> Any:
    def ran(command: Any, *arguments: str, password: str = PASSWORD) -> Result:
        return CliRunner().invoke(command, [*arguments, "--data", str(tmp_path)], input=f"{password}\n")

    return ran


def test_a_person_is_created_listed_changed_and_disabled(tmp_path: Path, run: Any) -> None:
    assert "nobody" in run(user, "list").output
    assert run(user, "create", "zhou", "--role", "viewer", "--team", "trading").exit_code == 0
    assert "zhou\tviewer\ttrading\t" in run(user, "list").output
    assert run(user, "role", "zhou", "--role", "operator").exit_code == 0
    assert "zhou\toperator\tevery team\t" in run(user, "list").output
    assert run(user, "password", "zhou", password="another password").exit_code == 0
    database = Database(tmp_path / STORE)
    assert fits("another password", UserStore(database).password_of("zhou"))
    assert run(user, "disable", "zhou").exit_code == 0
    assert UserStore(database).password_of("zhou") is None
    database.close()
    assert "disabled" in run(user, "list").output
    for again in (("create", "zhou", "--role", "viewer"), ("disable", "zhou"), ("password", "zhou")):
        refused = run(user, *again)
        assert (refused.exit_code, "Traceback" in refused.output) == (1, False)
    assert (tmp_path / ACCESS_MARKER).exists()
    listed = run(audit, "list").output
    for action in ("create_user", "grant_role", "change_password", "disable_user"):
        assert f"\t{action}\tzhou\t" in listed
    assert PASSWORD not in listed
    assert "command by " in listed


@pytest.mark.parametrize("name", ["local", "command", "", "a" * 101, "a\nb", "a\x00"])
def test_a_name_that_confuses_is_refused(run: Any, name: str) -> None:
    assert run(user, "create", name, "--role", "viewer").exit_code == 1
    assert run(token, "create", name, "--scope", "read").exit_code == 1


def test_no_token_has_a_persons_name(run: Any) -> None:
    run(user, "create", "zhou", "--role", "viewer")
    assert "'zhou' is in use" in run(token, "create", "zhou", "--scope", "read").output


@pytest.mark.parametrize("password", ["", "short", "a" * 1001])
def test_a_weak_password_creates_nobody(tmp_path: Path, run: Any, password: str) -> None:
    refused = run(user, "create", "zhou", "--role", "viewer", password=password)
    assert (refused.exit_code, "12 to 1,000" in refused.output) == (1, True)
    assert not (tmp_path / ACCESS_MARKER).exists()
    assert "nobody" in run(user, "list").output


def test_what_concerns_every_team_cannot_be_limited(run: Any) -> None:
    assert run(user, "create", "zhou", "--role", "admin", "--team", "a").exit_code == 2
    assert run(token, "create", "prom", "--scope", "ingest", "--team", "a").exit_code == 2
    assert run(token, "create", "wall", "--scope", "read", "--team", "a").exit_code == 0
    assert "\tof a" in run(token, "list").output


def test_the_commands_know_the_roles_and_scopes_of_the_service() -> None:
    assert set(ROLES_OF_THE_COMMAND) == set(Role)
    assert {str(each) for each, may in SCOPES.items() if may & OF_EVERY_TEAM} == token_module.OF_EVERY_TEAM
    assert [str(each) for each, may in ROLES.items() if may & OF_EVERY_TEAM] == ["admin"]


def test_an_emptied_store_is_told_where_it_is_filled_again(tmp_path: Path, run: Any) -> None:
    run(token, "create", "one", "--scope", "read")
    for each in tmp_path.glob(f"{STORE}*"):
        each.unlink()
    assert "but did once" in run(token, "create", "two", "--scope", "read").output
    assert "but did once" not in run(token, "create", "three", "--scope", "read").output


def test_the_audit_is_verified_by_a_command(tmp_path: Path, run: Any) -> None:
    for name in ("one", "two"):
        run(token, "create", name, "--scope", "read")
    whole = run(audit, "verify")
    assert (whole.exit_code, "2 rows" in whole.output) == (0, True)
    head = whole.output.split("head ")[1].strip()
    assert run(audit, "verify", "--head", head).exit_code == 0
    assert run(audit, "verify", "--head", "2:ab").exit_code == 1
    assert run(audit, "verify", "--head", "nonsense").exit_code == 1
    plain = sqlite3.connect(tmp_path / STORE)
    plain.execute("DROP TRIGGER audit_no_UPDATE")
    plain.execute("UPDATE audit SET who = 'x' WHERE position = 1")
    plain.commit()
    plain.close()
    broken = run(audit, "verify")
    assert (broken.exit_code, "row 1 of the audit is the first" in broken.output) == (1, True)
