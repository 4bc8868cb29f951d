import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from click.testing import CliRunner
from log_layouts import a_loghub_set, a_nezha, an_hdfs, an_hdfs100k

from experiments.peers.drain3 import Drain3
from experiments.peers.environment import PeerEnvironment, installed
from experiments.peers.errors import PeerError
from experiments.performance import masking_speed
from sunspot.bench import command

LAYOUTS: dict[str, Callable[[Path], object]] = {
    "loghub": a_loghub_set,
    "hdfs": an_hdfs,
    "hdfs100k": an_hdfs100k,
    "nezha": a_nezha,
}


@pytest.mark.parametrize("dataset", LAYOUTS)
def test_a_data_set_is_measured_and_its_rows_written(tmp_path: Path, dataset: str) -> None:
    LAYOUTS[dataset](tmp_path)
    report = tmp_path / "report.json"
    arguments = [
        "logs",
        "--dataset",
        dataset,
        "--data",
        str(tmp_path),
        "--json",
        str(report),
        "--no-tracking",
    ]
    done = CliRunner().invoke(command, arguments, catch_exceptions=False)
    assert done.exit_code == 0
    written = json.loads(report.read_text())
    assert (written["kind"], written["dataset"]) == ("logs", dataset)
    assert written["data_digest"].startswith("sha256:")
    assert {"sunspot", "random"} <= {row["method"] for row in written["rows"]}
    assert "sunspot" in done.stdout


def test_a_folder_without_the_data_set_ends_with_status_2(tmp_path: Path) -> None:
    for arguments in (["logs", "--dataset", "loghub"], ["speed", "--dataset", "logs"]):
        done = CliRunner().invoke(command, [*arguments, "--data", str(tmp_path), "--no-tracking"])
        assert done.exit_code == 2
        assert str(tmp_path) in done.output


def test_a_peer_that_cannot_be_installed_is_left_out_with_a_note(tmp_path: Path) -> None:
    a_loghub_set(tmp_path)
    (tmp_path / "peers").write_text("a file where a folder should be")
    arguments = ["logs", "--dataset", "loghub", "--data", str(tmp_path), "--tracking", str(tmp_path)]
    done = CliRunner().invoke(
        command, [*arguments, "--peer", "drain3", "--no-tracking"], catch_exceptions=False
    )
    assert done.exit_code == 0
    assert "drain3 cannot be installed or run here" in done.stdout


def test_a_peer_that_fails_is_an_error_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(PeerError, match="drain3"):
        Drain3(PeerEnvironment("drain3", tmp_path / "no-python"))(["a line"])


def test_a_peer_is_installed_once(tmp_path: Path) -> None:
    home = tmp_path / "drain3-0.9.11"
    home.mkdir()
    (home / "installed").touch()
    assert installed("drain3", "0.9.11", tmp_path).python == home / "bin" / "python"


def test_rates_on_a_real_systems_lines_are_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(masking_speed, "bench_masking", partial(masking_speed.bench_masking, n_batches=1))
    a_nezha(tmp_path)
    report = tmp_path / "report.json"
    arguments = [
        "speed",
        "--dataset",
        "logs",
        "--data",
        str(tmp_path),
        "--json",
        str(report),
        "--no-tracking",
    ]
    done = CliRunner().invoke(command, arguments, catch_exceptions=False)
    assert done.exit_code == 0
    rows = json.loads(report.read_text())["rows"]
    mined = [row["part"] for row in rows if "suspicious" not in row["part"]]
    assert mined == ["train_ticket"] * 2 + ["random_words"] * 2
