"""The options of a training, and its errors when it cannot start."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from builders import a_frame
from click.testing import CliRunner, Result
from training_builders import a_bundle

from features.calendar import CLOCKS
from models.artifacts.mlflow_names import tracking_uri_for
from models.artifacts.model_kinds import DETECTORS_MODEL, registered_model
from sunspot.models import command as models_command
from sunspot.train import command
from training.tracking import MlflowTracker

if TYPE_CHECKING:
    from pathlib import Path


def train(*arguments: str | Path, **environment: str) -> Result:
    return CliRunner().invoke(command, ["detectors", *map(str, arguments)], env=environment)


def tables(directory: Path, *, n_ticks: int = 200) -> Path:
    frame = a_frame(["order"], n_ticks=n_ticks)
    rows = [
        f"{key.item},{key.metric},{time_ms},{frame.values[tick, column]}"
        for tick, time_ms in enumerate(frame.times_ms)
        for column, key in enumerate(frame.keys)
    ]
    directory.mkdir()
    (directory / "normal.csv").write_text("\n".join(["item,metric,time_ms,value", *rows]))
    return directory


def test_without_history_it_gives_advice_and_exits_with_status_2(tmp_path: Path) -> None:
    done = train("--data", tmp_path)
    assert done.exit_code == 2
    assert "nothing to learn from" in done.output
    assert "sunspot serve" in done.output
    assert "--from brokerage" in done.output
    assert not list(tmp_path.iterdir()), "no store is created without data"


def test_an_unknown_source_is_refused_with_the_valid_ones(tmp_path: Path) -> None:
    done = train("--from", "brokrage", "--data", tmp_path)
    assert done.exit_code == 2
    assert "--from must be history, prometheus, brokerage, or a directory" in done.output


def test_a_short_history_and_a_bad_table_end_with_status_2(tmp_path: Path) -> None:
    short = train("--from", tables(tmp_path / "short", n_ticks=5), "--data", tmp_path / "data")
    assert (short.exit_code, "needs at least" in short.output) == (2, True)
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "bad.csv").write_text("item,value\n")
    bad = train("--from", tmp_path / "bad", "--data", tmp_path / "data")
    assert (bad.exit_code, "has no column metric, time_ms" in bad.output) == (2, True)


@pytest.mark.parametrize(
    "content", ["closures = [tomorrow]", "holidays = []", 'openings = ["2027-01-01"]', None]
)
def test_a_bad_calendar_file_is_a_clear_error_before_anything_is_read(
    tmp_path: Path, content: str | None
) -> None:
    path = tmp_path / "calendar.toml"
    if content is not None:
        path.write_text(content)
    done = train("--data", tmp_path / "data", SUNSPOT_CALENDAR_OVERRIDES=str(path))
    assert done.exit_code == 2
    assert "calendar.toml" in done.output
    assert isinstance(done.exception, SystemExit)


def test_an_incomparable_champion_stays_unless_the_option_replaces_it(tmp_path: Path) -> None:
    tracker = MlflowTracker(tracking_uri_for(tmp_path / "data"), DETECTORS_MODEL)
    with tracker.run("elsewhere", {}) as run:
        tracker.promote(tracker.register(run, a_bundle(("elsewhere",))))
    (tmp_path / "calendar.toml").write_text("closures = [2027-02-08]")
    arguments: list[str | Path] = [
        "--from",
        tables(tmp_path / "tables"),
        "--data",
        tmp_path / "data",
        "--clock",
        "XSHG",
    ]
    arguments += ["--calendar-overrides", tmp_path / "calendar.toml"]
    refused = train(*arguments)
    assert refused.exit_code == 0, refused.output
    assert "champion   no: it knows 0 of the champion's 3 series; use --replace-champion" in refused.output
    assert "champion   yes" in train(*arguments, "--replace-champion").output


def test_a_bundle_asked_to_run_in_shadow_first_becomes_challenger(tmp_path: Path) -> None:
    arguments: list[str | Path] = ["--from", tables(tmp_path / "tables"), "--data", tmp_path / "data"]
    arguments += ["--clock", "always", "--budget", "500", "--in-shadow"]
    assert "champion   yes" in train(*arguments).output, "there is nothing to compare the first one with"
    held_back = train(*arguments).output
    assert "champion   no: it is no worse than the champion" in held_back, held_back
    assert "as asked, it scores in shadow first" in held_back
    assert "challenger yes: the service scores with it in shadow" in held_back
    tracker = MlflowTracker(tracking_uri_for(tmp_path / "data"), DETECTORS_MODEL)
    assert [each.is_challenger for each in tracker.registered()] == [True, False]


def test_every_clock_can_be_chosen() -> None:
    output = CliRunner().invoke(command, ["detectors", "--help"]).output
    assert all(name in output for name in CLOCKS)


def test_drift_reports_whether_it_is_time_to_retrain(tmp_path: Path) -> None:
    options = ["--from", str(tables(tmp_path / "tables", n_ticks=600)), "--data", str(tmp_path / "data")]

    def drift() -> Result:
        return CliRunner().invoke(models_command, ["drift", *options])

    nothing = drift()
    assert (nothing.exit_code, "run sunspot train detectors" in nothing.output) == (3, True)
    trained = train(*options, "--clock", "always", "--budget", "500")
    assert "champion   yes" in trained.output, trained.output
    steady = drift()
    assert (steady.exit_code, "no need" in steady.output) == (0, True), steady.output
    table = tmp_path / "tables" / "normal.csv"
    header, *rows = table.read_text().splitlines()
    table.write_text("\n".join([header, *(f"{row}e3" for row in rows)]))
    moved = drift()
    assert (moved.exit_code, "no longer have the values" in moved.output) == (1, True), moved.output


def test_a_scope_without_an_item_and_a_model_of_another_kind_are_refused(tmp_path: Path) -> None:
    source = tables(tmp_path / "normal")
    empty = train("--from", source, "--scope", "fund*", "--data", tmp_path / "data")
    assert (empty.exit_code, "no item matches fund*; the items are order" in empty.output) == (2, True)
    for name in ("sunspot-logs", "sunspot-detectors-", "detectors"):
        other = train("--from", source, "--model", name, "--data", tmp_path / "data")
        assert (other.exit_code, "is not one of sunspot-detectors" in other.output) == (2, True)
    assert not (tmp_path / "data").exists()


def test_a_scope_may_have_its_own_model(tmp_path: Path) -> None:
    data, model = tmp_path / "data", "sunspot-detectors-trading"
    scoped = ("--scope", "ord*", "--scope", "nobody", "--model", model)
    done = train("--from", tables(tmp_path / "normal"), *scoped, "--data", data)
    assert done.exit_code == 0, done.output
    tracker = MlflowTracker(tracking_uri_for(data), registered_model(model))
    assert [each.is_champion for each in tracker.registered()] == [True]
    champion = tracker.champion()
    assert champion is not None
    assert {key.item for key in champion.baseline.keys} == {"order"}
    listed = CliRunner().invoke(models_command, ["list", "--model", model, "--data", str(data)])
    assert "champion" in listed.output
    assert MlflowTracker(tracking_uri_for(data), DETECTORS_MODEL).champion() is None
