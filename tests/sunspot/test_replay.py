"""The commands on a case library: filling it, benchmarking with it, and replaying a case."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from builders import a_case, a_graph
from click.testing import CliRunner, Result
from petshop_layout import a_scenario

from experiments.datasets.rank_sets import load_rank_set
from experiments.fill_case_library import command as fill
from models.artifacts.mlflow_names import tracking_uri_for
from models.artifacts.model_kinds import RANKER_MODEL
from models.artifacts.ranker_bundle import make_ranker_bundle
from models.cases.files import StoredCase
from models.cases.library import case_paths, read_cases, write_case
from models.rankers import RANKERS, rank
from models.rankers.posterior import Belief
from sunspot.__main__ import main
from training.tracking import MlflowTracker

SHOP = a_graph(("app", "cart"), ("app", "db"))


def a_stored_case(directory: Path, *, system: str = "shop", cause: tuple[str, ...] = ("db",)) -> None:
    case = a_case(SHOP, {("db", "latency_s"): 0.5, ("app", "latency_s"): 0.5}, alerting="app")
    case = replace(case, id=f"case of {system}", system=system, fault_type="lock", cause=cause)
    loud = {"item": "cart", "probability": 0.9, "evidence": [{"sentence": "It was loud."}]}
    ranking = {"abstained": "", "candidates": [loud]}
    write_case(StoredCase(case, ranking), directory)


def test_a_library_is_measured_by_system_and_fault_type(tmp_path: Path) -> None:
    for system in ("shop", "bank"):
        a_stored_case(tmp_path / "cases", system=system)
    a_stored_case(tmp_path / "cases", system="unknown", cause=())
    rows_file = tmp_path / "rows.json"
    arguments = ["--dataset", "cases", "--data", str(tmp_path / "cases"), "--json", str(rows_file)]
    done = CliRunner().invoke(main, ["bench", "rank", *arguments, "--no-tracking"])
    assert done.exit_code == 0, done.output
    assert "1 cases name no cause and count as calm windows" in done.output
    report = json.loads(rows_file.read_text())
    assert report["data_digest"].startswith("sha256:")
    parts = {row["part"] for row in report["rows"]}
    assert parts == {"all", "shop", "shop/lock", "bank", "bank/lock", "calm"}
    assert {"sunspot", "random"} <= {row["method"] for row in report["rows"]}


def test_a_folder_without_a_usable_case_ends_with_status_2(tmp_path: Path) -> None:
    for content in ("", "{"):
        if content:
            (tmp_path / "case-a.json").write_text(content)
        done = CliRunner().invoke(main, ["bench", "rank", "--dataset", "cases", "--data", str(tmp_path)])
        assert done.exit_code == 2
        assert "does not hold cases" in done.output


def test_a_replay_shows_what_changed(tmp_path: Path) -> None:
    a_stored_case(tmp_path)
    done = CliRunner().invoke(main, ["replay", "case", "case of shop", "--cases", str(tmp_path)])
    assert done.exit_code == 0, done.output
    assert "- cart: It was loud." in done.output
    assert "+ db: " in done.output
    by_path = CliRunner().invoke(main, ["replay", "case", str(case_paths(tmp_path)[0]), "--ranker", "random"])
    assert by_path.exit_code == 0, by_path.output


def test_a_replay_of_an_unknown_case_or_ranker_is_a_clear_error(tmp_path: Path) -> None:
    a_stored_case(tmp_path)
    for arguments in (["nothing", "--cases", str(tmp_path)], ["case of shop", "--ranker", "nobody"]):
        done = CliRunner().invoke(main, ["replay", "case", *arguments])
        assert done.exit_code == 2
        assert "there is no ranker" in done.output or "has no case 'nothing'; it holds 1 cases" in done.output
    case_paths(tmp_path)[0].write_text("{")
    done = CliRunner().invoke(main, ["replay", "case", "case of shop", "--cases", str(tmp_path)])
    assert done.exit_code == 1
    assert "cannot read the case" in done.output


def test_ids_and_rankers_are_completed(tmp_path: Path) -> None:
    a_stored_case(tmp_path)
    words = {"COMP_WORDS": f"sunspot replay case --cases {tmp_path} case", "COMP_CWORD": "5"}
    done = CliRunner().invoke(main, prog_name="sunspot", env={"_SUNSPOT_COMPLETE": "bash_complete", **words})
    assert "case of shop" in done.output
    words = {"COMP_WORDS": "sunspot replay case --ranker d", "COMP_CWORD": "4"}
    done = CliRunner().invoke(main, prog_name="sunspot", env={"_SUNSPOT_COMPLETE": "bash_complete", **words})
    assert "default" in done.output


def test_a_library_filled_from_a_data_set_ranks_like_the_set(tmp_path: Path) -> None:
    a_scenario(tmp_path / "data")
    arguments = ["--dataset", "petshop", "--data", str(tmp_path / "data"), "--cases", str(tmp_path / "cases")]
    done = CliRunner().invoke(fill, arguments)
    assert done.exit_code == 0, done.output
    assert "1 cases of petshop" in done.output
    (stored,) = read_cases(tmp_path / "cases", left_out=pytest.fail)
    (case,) = load_rank_set("petshop", tmp_path / "data").cases
    assert stored.id == f"petshop-low_traffic-latency-{case.id}"
    assert rank(replace(stored, id=case.id)) == rank(case)


def test_petshop_ranks_the_same_from_disk_as_in_memory(petshop: Path, tmp_path: Path) -> None:
    cases = load_rank_set("petshop", petshop).cases
    for case in cases:
        write_case(StoredCase(case), tmp_path)
    stored = {case.id: case for case in read_cases(tmp_path, left_out=pytest.fail)}
    assert len(stored) == len(cases)
    for case in cases:
        for ranker in RANKERS:
            assert rank(stored[case.id], ranker=ranker) == rank(case, ranker=ranker)


def test_a_replay_accepts_any_registered_ranker(tmp_path: Path) -> None:
    a_stored_case(tmp_path / "cases")
    data = tmp_path / "data"
    tracker = MlflowTracker(tracking_uri_for(data), RANKER_MODEL)
    modest = make_ranker_bundle(weights={}, belief=Belief(sharpness=0.1), floor=0.0, metadata={})
    with tracker.run("by hand", {}) as run:
        version = tracker.register(run, modest)

    def replayed(ranker: str) -> Result:
        options = ["--data-dir", str(data), "--cases", str(tmp_path / "cases"), "--ranker", ranker]
        return CliRunner().invoke(main, ["replay", "case", "case of shop", *options])

    shipped, registered = replayed("default"), replayed(version)
    assert shipped.exit_code == registered.exit_code == 0, registered.output
    assert shipped.output != registered.output
    none = replayed("champion")
    assert (none.exit_code, "registered: 1" in none.output) == (1, True), none.output
    tracker.promote(version)
    assert replayed("champion").output == registered.output
    assert replayed("7").exit_code == 1
    slip = replayed("champoin")
    assert (slip.exit_code, "sunspot models list" in slip.output) == (2, True)
