from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet
from stream_builders import RIVER_NS, a_river

from experiments.benchmarks.detect_brokerage import bench_brokerage
from experiments.benchmarks.detect_cold import scores_with_prior
from experiments.benchmarks.detect_kpi import bench_kpi
from experiments.benchmarks.detect_smd import bench_smd, top_mean
from experiments.datasets.errors import DatasetError
from experiments.datasets.kpi import LabelledSeries, digest, load_kpi
from experiments.datasets.smd import Machine, load_smd
from experiments.datasets.smd import digest as smd_digest
from experiments.performance.detect_speed import bench_speed
from models.detectors import DETECTORS
from models.intervals import wilson_interval


def a_series(seed: int, n_days: int = 24) -> LabelledSeries:
    rng = np.random.default_rng(seed)
    n = n_days * 288
    values = 100 + 30 * np.sin(np.arange(n) / 288 * 2 * np.pi) + rng.normal(size=n)
    labels = np.zeros(n, dtype=bool)
    for start in rng.choice(np.arange(288, n - 50, 60), 20, replace=False):
        values[start : start + 6] += 40
        labels[start : start + 6] = True
    return LabelledSeries(f"s{seed}", "made_up", seed * 300_000, 300_000, values, labels, n // 2)


def test_the_kpi_table_finds_labelled_anomalies_and_names_every_method() -> None:
    rows = bench_kpi([a_series(seed) for seed in range(3)], river=a_river)
    table = {row["method"]: row for row in rows if row["part"] == "all"}
    assert {"sunspot", "sunspot_budget_2", "sunspot_severity", "pyod_iforest", "random"} | {
        "river_half_space_trees"
    } <= set(table)
    assert table["sunspot"]["event_f1"] > 0.8
    assert table["random"]["event_f1"] < 0.4
    assert table["sunspot"]["vus_pr"] > table["random"]["vus_pr"]
    assert table["sunspot"]["budget_per_week"] == 1
    assert {row["part"] for row in rows} == {"all", "made_up"}
    assert table["sunspot"]["event_f1_cold"] > 0.4 > table["random"]["event_f1_cold"]
    assert table["sunspot"]["event_f1_cold_prior_low"] <= table["sunspot"]["event_f1_cold_prior"]


def test_the_prior_of_a_series_comes_from_the_other_series_only() -> None:
    series = [a_series(seed) for seed in range(3)]
    week = 7 * 288
    before = scores_with_prior(series)
    series[0].values[week:] *= np.linspace(1, 9, len(series[0].values) - week)
    after = scores_with_prior(series)
    np.testing.assert_array_equal(after[0], before[0])
    assert not np.array_equal(after[1], before[1], equal_nan=True)
    series[1].values[series[1].n_train :] = 0
    np.testing.assert_array_equal(scores_with_prior(series)[2], after[2])


def test_the_threshold_of_a_series_does_not_depend_on_its_own_test_half() -> None:
    series = [a_series(seed) for seed in range(3)]
    spoiled = a_series(0)
    spoiled.values[spoiled.n_train :] += np.random.default_rng(9).normal(size=spoiled.n_train) * 1e4
    of = {
        name: next(row for row in bench_kpi(own) if row["method"] == "sunspot" and row["part"] == part)
        for name, own, part in (("unspoiled", series, "all"), ("spoiled", [spoiled, *series[1:]], "all"))
    }
    assert of["unspoiled"]["event_f1"] > of["spoiled"]["event_f1"]


def test_the_machines_table_runs() -> None:
    rng = np.random.default_rng(0)
    machines = []
    for name in ("machine-1-1", "omi-1"):
        train, test = rng.normal(size=(2, 900, 6))
        labels = np.zeros(900, dtype=bool)
        labels[600:640] = True
        test[600:640] += 12
        machines.append(Machine(name, 60_000, train, test, labels))
    table = {row["method"]: row for row in bench_smd(machines, river=a_river) if row["part"] == "all"}
    assert table["sunspot"]["vus_pr"] > 0.5 > table["random"]["vus_pr"]
    assert {"sunspot_top3", "sunspot_onset_top3", "pca", "river_half_space_trees"} <= set(table)
    for name in DETECTORS.keys() - {"top_scores"}:
        row = table[f"{name}_on_scores"]
        assert float(row["vus_pr"]) > float(table["random"]["vus_pr"])
        assert float(row["vus_pr_low"]) <= float(row["vus_pr"]) <= float(row["vus_pr_high"])
        assert float(row["ns_per_point"]) > 0
    assert top_mean(np.array([[1.0, np.nan, 5.0]]), 2).tolist() == [3.0]


def test_the_brokerage_stays_within_its_budget_in_quiet_weeks() -> None:
    rows = bench_brokerage([0], river=a_river)
    own = next(row for row in rows if row["part"] == "all" and row["method"] == "sunspot")
    assert 0.5 < float(own["false_pages_per_week"]) < 1.5
    services = {str(row["method"]): row for row in rows if row["part"] == "services"}
    assert services.keys() == {"sunspot", "random", "river_half_space_trees", *DETECTORS}
    assert services["river_half_space_trees"]["ns_per_point"] == RIVER_NS
    (seed,) = (row for row in rows if row["part"] == "services/seed_0" and row["method"] == "sunspot")
    assert services["sunspot"]["recall_events"] == services[str(seed["chosen"])]["recall_events"]
    assert float(services["sunspot"]["recall_events"]) > float(services["random"]["recall_events_high"])
    assert 0 < int(services["mad"]["n"]) < 200
    assert services["random"]["recall_events_high"] == wilson_interval(0, int(services["random"]["n"]))[1]


def test_speed_is_measured_with_a_peer() -> None:
    rows = bench_speed([50], river=a_river)
    methods = {row["method"]: row for row in rows}
    assert set(methods) == {
        "sunspot",
        "sunspot_all_scores",
        "pyod_iforest_by_row",
        "river_half_space_trees",
    }
    assert methods["river_half_space_trees"]["ns_per_point"] == RIVER_NS
    assert float(methods["sunspot"]["ns_per_point"]) < float(methods["pyod_iforest_by_row"]["ns_per_point"])


def test_the_public_layout_of_kpis_is_read(tmp_path: Path) -> None:
    columns = {
        "timestamp": [60, 120, 240, 300],
        "value": [1.0, 2.0, 4.0, 5.0],
        "label": [0, 1, 0, 0],
        "is_test": [0, 0, 1, 1],
    }
    (tmp_path / "set").mkdir()
    parquet.write_table(pa.table(columns), tmp_path / "set" / "a.parquet")
    (series,) = load_kpi(tmp_path)
    assert (series.name, series.folder, series.step_ms, series.n_train) == ("a", "set", 60_000, 3)
    np.testing.assert_array_equal(series.values, [1, 2, np.nan, 4, 5])
    assert digest(tmp_path).startswith("sha256:")
    parquet.write_table(pa.table({**columns, "timestamp": [4, 3, 2, 1]}), tmp_path / "set" / "b.parquet")
    with pytest.raises(DatasetError, match="do not rise"):
        load_kpi(tmp_path)
    (tmp_path / "set" / "b.parquet").write_bytes(b"nonsense")
    with pytest.raises(DatasetError):
        load_kpi(tmp_path)


def test_the_public_layout_of_machines_is_read(tmp_path: Path) -> None:
    np.savez(tmp_path / "omi-1.npz", train=np.ones((4, 2)), test=np.ones((3, 2)), test_label=np.zeros(3))
    (machine,) = load_smd(tmp_path)
    assert (machine.step_ms, machine.train.shape, machine.labels.shape) == (300_000, (4, 2), (3,))
    assert smd_digest(tmp_path).startswith("sha256:")
    np.savez(tmp_path / "x.npz", train=np.ones((4, 2)), test=np.ones((3, 1)), test_label=np.zeros(3))
    with pytest.raises(DatasetError, match="fit each other"):
        load_smd(tmp_path)
    (tmp_path / "x.npz").write_bytes(b"nonsense")
    with pytest.raises(DatasetError):
        load_smd(tmp_path)


@pytest.mark.parametrize("load", [load_kpi, load_smd])
def test_an_empty_folder_is_refused(load: object, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="in it"):
        load(tmp_path)  # type: ignore[operator]
