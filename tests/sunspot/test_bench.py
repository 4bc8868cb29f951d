import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from petshop_layout import a_scenario

from sunspot.bench import command


def bench(*arguments: str) -> Result:
    return CliRunner().invoke(command, ["rank", *arguments])


def test_the_rows_follow_the_contract(tmp_path: Path) -> None:
    a_scenario(tmp_path / "data")
    rows_file = tmp_path / "rows.json"
    done = bench(
        "--dataset", "petshop", "--data", str(tmp_path / "data"), "--json", str(rows_file), "--no-tracking"
    )
    assert done.exit_code == 0, done.output
    report = json.loads(rows_file.read_text())
    assert (report["kind"], report["dataset"]) == ("rank", "petshop")
    assert report["data_digest"].startswith("sha256:")
    rows = {(row["part"], row["method"]): row for row in report["rows"]}
    assert {part for part, _ in rows} == {"all", "low_traffic", "low_traffic/latency", "calm"}
    assert rows["calm", "sunspot"]["named_wrongly"] == pytest.approx(1 - rows["calm", "sunspot"]["abstained"])
    assert {"sunspot", "random"} <= {method for _, method in rows}
    own = rows["all", "sunspot"]
    assert own["n"] == 1
    assert 0 <= own["as1_low"] <= own["as1"] <= own["as1_high"] <= 1
    assert own["ms_per_incident"] > 0


def test_the_table_names_every_ranker(tmp_path: Path) -> None:
    a_scenario(tmp_path)
    done = bench("--dataset", "petshop", "--data", str(tmp_path), "--no-tracking")
    assert all(method in done.output for method in ("sunspot", "ranked_correlation", "random_walk", "AS@1"))


@pytest.mark.parametrize(
    "arguments", [("--dataset", "petshop"), ("--dataset", "petshop", "--data", "/nowhere")]
)
def test_a_folder_without_the_data_set_ends_with_status_2(arguments: tuple[str, ...]) -> None:
    done = bench(*arguments)
    assert done.exit_code == 2
    assert "petshop" in done.output


def test_the_run_is_logged_to_mlflow(tmp_path: Path) -> None:
    a_scenario(tmp_path / "data")
    store = tmp_path / "store"
    done = bench("--dataset", "petshop", "--data", str(tmp_path / "data"), "--tracking", str(store))
    assert done.exit_code == 0, done.output
    assert "logged to MLflow as run" in done.output
    assert (store / "mlflow.db").is_file()
