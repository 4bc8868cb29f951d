"""The doctor reports problems and suggests fixes."""

from __future__ import annotations

import json
import sqlite3
from datetime import date
from importlib.metadata import version
from pathlib import Path

import pytest
from click.testing import CliRunner
from local_servers import answering

from features.calendar import CLOCKS, ExchangeClock, overridden
from features.calendar_overrides import read_overrides
from sunspot import checks
from sunspot.doctor import command


def store(directory: Path, *aliases: str) -> Path:
    """Create a tracking store in which models have the given aliases."""
    with sqlite3.connect(directory / "mlflow.db") as database:
        database.execute("CREATE TABLE registered_model_aliases (alias TEXT)")
        database.executemany("INSERT INTO registered_model_aliases VALUES (?)", [(each,) for each in aliases])
    database.close()
    return directory


def test_this_installation_passes(tmp_path: Path) -> None:
    with answering(200) as url:
        result = CliRunner().invoke(command, ["--data", str(store(tmp_path, "champion")), "--url", url])
    assert result.exit_code == 0
    assert "FAIL" not in result.output
    assert "OK   service: ready" in result.output
    assert "OK   tracking store" in result.output


def test_the_report_is_available_as_json(tmp_path: Path) -> None:
    with answering(503, b"no champion") as url:
        result = CliRunner().invoke(command, ["--json", "--data", str(tmp_path / "new"), "--url", url])
    document = json.loads(result.output)
    by_name = {each["name"]: each for each in document}
    assert by_name["service"]["status"] == "WARN"
    assert "no champion" in by_name["service"]["found"]
    assert "can be created" in by_name["data directory"]["found"]


def test_a_failed_check_fails_the_command(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    inside = tmp_path / "file" / "inside"
    result = CliRunner().invoke(command, ["--data", str(inside), "--url", "http://127.0.0.1:1"])
    assert result.exit_code == 1
    assert "is not a directory\n     → choose another with --data" in result.output


@pytest.mark.parametrize(
    ("running", "status"), [((3, 10), "FAIL"), ((3, 11), "OK"), ((3, 13), "OK"), ((3, 14), "FAIL")]
)
def test_only_supported_pythons_pass(running: tuple[int, int], status: str) -> None:
    assert checks.python_version(running).status == status


@pytest.mark.parametrize(
    ("lock", "status", "found"),
    [
        ("click==0.0.1 \\\n", "WARN", "instead of 0.0.1"),
        ("no-such-thing==1.0 \\\n    --hash=sha256:0\n", "FAIL", "no-such-thing is missing"),
        ("no-such-thing==1.0 ; sys_platform == 'win32' \\\n", "OK", "1 as locked"),
        ("".join(f"no-{number}==1 \\\n" for number in range(5)), "FAIL", "no-2 is missing and 2 more"),
    ],
)
def test_distributions_are_compared_with_the_lock(tmp_path: Path, lock: str, status: str, found: str) -> None:
    path = tmp_path / "requirements.lock"
    path.write_text(lock)
    check = checks.distributions(path)
    assert check.status == status
    assert found in check.found


def test_one_of_several_locked_versions_is_enough(tmp_path: Path) -> None:
    path = tmp_path / "requirements.lock"
    path.write_text(
        f"click==0.1 ; python_version < '3' \\\nclick=={version('click')} ; python_version > '3' \\\n"
    )
    assert checks.distributions(path).status == "OK"


def test_without_a_lock_there_is_nothing_to_compare(tmp_path: Path) -> None:
    assert checks.distributions(tmp_path / "none").status == "OK"


def test_a_clock_set_in_the_past_fails() -> None:
    assert checks.clock(date(1970, 1, 1)).status == "FAIL"
    assert checks.clock(date(2026, 6, 1)).status == "OK"


def test_a_calendar_that_ends_soon_is_a_warning() -> None:
    assert checks.calendar_until(date(2026, 12, 31), date(2026, 6, 1)).status == "OK"
    ends = checks.calendar_until(date(2026, 12, 31), date(2026, 12, 1))
    assert ends.status == "WARN"
    assert "list the closures" in ends.advice
    assert "--calendar-overrides" in ends.advice
    assert "2026-12-31" in checks.calendar(date(2026, 1, 1)).found


def test_listed_closures_extend_the_calendar(tmp_path: Path) -> None:
    path, today = tmp_path / "calendar.toml", date(2027, 2, 8)
    alone = checks.calendar(today)
    assert (alone.status, "today is not known" in alone.found) == ("WARN", True)
    path.write_text("closures = [2027-02-08, 2027-02-09]\nopenings = [2027-02-20]")
    listed = checks.calendar(today, path)
    assert (listed.status, "today is known" in listed.found) == ("WARN", True)
    assert "2 closures and 1 openings are listed" in listed.found
    assert "today is not known" in checks.calendar(date(2027, 2, 10), path).found
    path.write_text("closures = [2027-02-08]\nknown_until = 2027-12-31", encoding="utf-8-sig")
    assert checks.calendar(today, path).status == "OK"
    assert "until 2027-12-31, today is known" in checks.calendar(date(2027, 2, 10), path).found


def test_the_doctor_and_the_clock_agree_on_what_is_known(tmp_path: Path) -> None:
    path = tmp_path / "calendar.toml"
    path.write_text("closures = [2027-02-08]\nopenings = [2027-03-06]\nknown_until = 2027-01-15")
    clock = overridden(CLOCKS["XSHG"], read_overrides(path.read_text()))
    assert isinstance(clock, ExchangeClock)
    for day in (date(2026, 12, 31), date(2027, 1, 15), date(2027, 1, 16), date(2027, 2, 8), date(2027, 3, 6)):
        assert ("today is known" in checks.calendar(day, path).found) is clock.calendar_known(day)


def test_the_example_in_the_documentation_is_valid() -> None:
    text = (Path(checks.__file__).parents[1] / "docs" / "calendar.md").read_text(encoding="utf-8")
    found = read_overrides(text.split("```toml\n")[1].split("```")[0])
    assert date(2027, 2, 8) in found.closures
    assert found.known_until == date(2027, 12, 31)


@pytest.mark.parametrize("content", ["closures = 1", "nonsense", None])
def test_a_calendar_file_that_cannot_be_read_fails(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "calendar.toml"
    if content is not None:
        path.write_text(content)
    result = CliRunner().invoke(
        command, ["--data", str(tmp_path), "--url", "http://127.0.0.1:1", "--calendar-overrides", str(path)]
    )
    assert result.exit_code == 1
    assert "FAIL exchange calendar" in result.output
    assert "calendar.toml" in result.output


def test_a_tracking_store_without_a_champion_is_reported(tmp_path: Path) -> None:
    assert "has no champion" in checks.tracking(store(tmp_path)).found
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "mlflow.db").write_bytes(b"not a database at all" * 100)
    assert checks.tracking(tmp_path / "broken").status == "FAIL"
    assert checks.tracking(tmp_path / "none").status == "WARN"


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1", "ftp://here", "nonsense", "http://[::1", "http://a:99999"]
)
def test_a_service_that_does_not_answer_is_only_a_warning(url: str) -> None:
    check = checks.service(url)
    assert check.status == "WARN"
    assert "nothing answers" in check.found


def test_an_answer_of_something_else_is_reported() -> None:
    with answering(404) as url:
        assert "answered 404" in checks.service(url).found


@pytest.mark.parametrize(("free", "status"), [(2**20, "FAIL"), (2 * 2**30, "WARN"), (2**40, "OK")])
def test_a_data_directory_needs_free_space(free: int, status: str) -> None:
    assert checks.free_space("here", free).status == status


def test_an_existing_data_directory_can_be_written(tmp_path: Path) -> None:
    assert "can be written" in checks.data_directory(tmp_path).found
