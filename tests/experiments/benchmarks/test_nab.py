from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from public_sets import unpacked
from stream_builders import a_river

from experiments.benchmarks.detect_nab import bench_nab, held_out_score
from experiments.benchmarks.nab_scoring import PROFILES, best_threshold, nab_scores, probation, row_worth
from experiments.benchmarks.windowed_gaussian import windowed_gaussian
from experiments.datasets.errors import DatasetError
from experiments.datasets.nab import NabFile, digest, load_nab


def a_file(n: int = 1000, windows: tuple[tuple[int, int], ...] = ((500, 599),), folder: str = "a") -> NabFile:
    values = np.random.default_rng(n).normal(size=n)
    for first, _ in windows:
        values[first] = 30.0 + first / 20
    return NabFile(f"{folder}/x.csv", folder, np.arange(n) * 300_000, values, windows)


def written(root: Path) -> Path:
    (root / "labels").mkdir()
    (root / "data" / "real").mkdir(parents=True)
    rows = [f"2015-01-01 00:{minute:02d}:00,{minute}" for minute in range(40)]
    (root / "data" / "real" / "a.csv").write_text("\n".join(["timestamp,value", *rows]))
    windows = {"real/a.csv": [["2015-01-01 00:10:00.000000", "2015-01-01 00:12:00.000000"]]}
    (root / "labels" / "combined_windows.json").write_text(json.dumps(windows))
    return root


def test_a_perfect_detector_scores_100_a_silent_one_0_and_a_late_one_in_between() -> None:
    file = a_file()
    first, middle = np.zeros(1000), np.zeros(1000)
    first[500], middle[550] = 1, 1
    assert nab_scores([file], [first])["nab_standard"] == pytest.approx(100)
    assert nab_scores([file], [np.zeros(1000)])["nab_standard"] == 0
    assert 90 < nab_scores([file], [middle])["nab_standard"] < 100
    assert best_threshold([file], [first]) == 1


def test_a_false_page_costs_more_far_from_a_window_and_less_in_a_lenient_profile() -> None:
    worth, window = row_worth(1000, ((500, 599),))
    assert worth[499] == worth[999] == -1
    assert -0.2 < worth[600] < 0
    assert window[[499, 500, 599, 600]].tolist() == [-1, 0, 0, -1]
    scores = np.zeros(1000)
    scores[[300, 500]] = 1
    got = nab_scores([a_file()], [scores])
    assert got["nab_low_fp"] < got["nab_standard"] < got["nab_low_fn"]
    scores = np.zeros(1000)
    scores[[10, 500]] = 1  # probation: not judged
    assert probation(1000) == 150
    assert nab_scores([a_file()], [scores])["nab_standard"] == pytest.approx(100)


def test_the_complete_table_runs_and_novelty_finds_unseen_values() -> None:
    files = [a_file(), a_file(1200, ((700, 800), (1000, 1050)), "b"), a_file(800, (), "c")]
    rows = {row["method"]: row for row in bench_nab(files, river=a_river)}
    assert set(rows) == {
        "sunspot",
        "windowed_gaussian",
        "pyod_iforest",
        "river_half_space_trees",
        "random",
    }
    assert rows["sunspot"]["nab_standard"] > 80
    assert rows["sunspot"]["nab_standard"] > rows["random"]["nab_standard"]
    assert rows["random"]["nab_standard_held_out"] <= rows["random"]["nab_standard"]
    silence = [np.zeros(len(file.values)) for file in files]
    assert set(held_out_score(files, silence).values()) == {0}


def test_a_folder_is_judged_at_the_threshold_of_the_other_folders() -> None:
    loud, quiet, wrong = np.zeros((3, 1000))
    loud[500], quiet[500], wrong[300] = 5, 1, 3
    files = [a_file(), replace(a_file(), folder="other")]
    assert held_out_score(files, [loud, loud])["nab_standard_held_out"] == pytest.approx(100)
    found = held_out_score(
        files, [loud, quiet]
    )  # each passes the other's threshold only if its scores are higher
    assert found["nab_standard_held_out"] == pytest.approx(50)
    assert found["nab_standard_held_out_low"] == 0
    assert found["nab_standard_held_out_high"] == pytest.approx(100)
    assert held_out_score(files, [loud + wrong, quiet])["nab_standard_held_out"] < 50


def test_the_public_layout_is_read(tmp_path: Path) -> None:
    (file,) = load_nab(written(tmp_path))
    assert (file.name, file.folder, file.windows) == ("real/a.csv", "real", ((10, 12),))
    assert digest(tmp_path).startswith("sha256:")
    assert load_nab(tmp_path)[0].values.tolist() == list(range(40))


@pytest.mark.parametrize("spoil", ["empty", "no_csv", "bad_value", "bad_window", "bad_json"])
def test_a_folder_that_is_not_the_benchmark_is_refused(tmp_path: Path, spoil: str) -> None:
    if spoil != "empty":
        written(tmp_path)
    path, labels = tmp_path / "data" / "real" / "a.csv", tmp_path / "labels" / "combined_windows.json"
    if spoil == "no_csv":
        path.unlink()
    if spoil == "bad_value":
        path.write_text("timestamp,value\n2015-01-01 00:00:00,x\n")
    if spoil == "bad_window":
        labels.write_text('{"real/a.csv": [["2015-01-01 00:10:30", "2015-01-01 00:12:00"]]}')
    if spoil == "bad_json":
        labels.write_text("{")
    with pytest.raises(DatasetError):
        load_nab(tmp_path)


@pytest.mark.public_data
def test_the_windowed_gaussian_gets_its_published_scores(public_data: Path, tmp_path: Path) -> None:
    files = load_nab(unpacked(public_data, "nab", tmp_path))
    got = nab_scores(files, [windowed_gaussian(file.values) for file in files])
    published = {"nab_standard": 39.65, "nab_low_fp": 20.87, "nab_low_fn": 47.41}
    assert got == pytest.approx(published, abs=0.01)
    assert {profile.name for profile in PROFILES} == set(published)
