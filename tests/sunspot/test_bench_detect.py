import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from sunspot.bench import command


def bench(kind: str, *arguments: str) -> Result:
    return CliRunner().invoke(command, [kind, *arguments])


def nab_layout(root: Path) -> Path:
    (root / "labels").mkdir(parents=True)
    (root / "data" / "real").mkdir(parents=True)
    rows = [
        f"2015-01-01 {row // 60:02d}:{row % 60:02d}:00,{90 if row == 300 else row % 7}" for row in range(400)
    ]
    (root / "data" / "real" / "a.csv").write_text("\n".join(["timestamp,value", *rows]))
    windows = {"real/a.csv": [["2015-01-01 05:00:00.000000", "2015-01-01 05:10:00.000000"]]}
    (root / "labels" / "combined_windows.json").write_text(json.dumps(windows))
    return root


def smd_layout(root: Path) -> Path:
    root.mkdir()
    rng = np.random.default_rng(0)
    labels = np.zeros(400)
    labels[300:320] = 1
    for name in ("machine-1-1", "machine-1-2"):
        train, test = rng.normal(size=(2, 400, 4))
        np.savez(root / f"{name}.npz", train=train, test=test + 9 * labels[:, None], test_label=labels)
    return root


def test_the_rows_follow_the_contract(tmp_path: Path) -> None:
    rows_file = tmp_path / "rows.json"
    data = str(nab_layout(tmp_path / "nab"))
    done = bench("detect", "--dataset", "nab", "--data", data, "--json", str(rows_file), "--no-tracking")
    assert done.exit_code == 0, done.output
    report = json.loads(rows_file.read_text())
    assert (report["kind"], report["dataset"]) == ("detect", "nab")
    assert report["data_digest"].startswith("sha256:")
    rows = {row["method"]: row for row in report["rows"]}
    assert {"sunspot", "random", "windowed_gaussian", "pyod_iforest"} == set(rows)
    assert rows["sunspot"]["nab_standard"] == pytest.approx(100)


def test_a_table_of_machines_is_logged_to_mlflow(tmp_path: Path) -> None:
    data, store = smd_layout(tmp_path / "smd"), tmp_path / "store"
    done = bench("detect", "--dataset", "smd", "--data", str(data), "--tracking", str(store))
    assert done.exit_code == 0, done.output
    assert "machine-1-2" in done.output
    assert (store / "mlflow.db").is_file()


@pytest.mark.parametrize("dataset", ["kpi", "nab", "smd"])
def test_a_folder_without_the_data_set_ends_with_status_2(dataset: str, tmp_path: Path) -> None:
    for arguments in ((), ("--data", str(tmp_path)), ("--data", str(tmp_path / "nowhere"))):
        done = bench("detect", "--dataset", dataset, *arguments, "--no-tracking")
        assert done.exit_code == 2
        assert dataset in done.output


def test_the_cost_of_a_point_is_printed_and_written(tmp_path: Path) -> None:
    rows_file = tmp_path / "rows.json"
    done = bench("speed", "--dataset", "detect", "--series", "20", "--json", str(rows_file), "--no-tracking")
    assert done.exit_code == 0, done.output
    rows = json.loads(rows_file.read_text())["rows"]
    assert {row["part"] for row in rows} == {"series_20"}
    assert all(row["ns_per_point"] > 0 for row in rows)
