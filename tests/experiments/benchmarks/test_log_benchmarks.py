from dataclasses import replace
from pathlib import Path

import pytest
from log_layouts import a_loghub_set, a_nezha, an_hdfs, an_hdfs100k
from public_sets import unpacked

from experiments.benchmarks.log_causes import bench_log_causes, rank_by_logs
from experiments.benchmarks.log_sessions import bench_hdfs, bench_hdfs100k, f1_at
from experiments.benchmarks.log_templates import bench_grouping, grouping_figures
from experiments.datasets.errors import DatasetError
from experiments.datasets.hdfs import load_hdfs, load_hdfs100k
from experiments.datasets.loghub import digest_of, load_loghub
from experiments.datasets.nezha_logs import load_nezha_logs
from experiments.performance import masking_speed
from experiments.performance.log_speed import bench_speed, random_words, synthetic_lines

Row = dict[str, float | int | str]


def by_method(rows: list[Row], part: str = "all") -> dict[str, Row]:
    return {str(row["method"]): row for row in rows if row["part"] == part}


@pytest.fixture(scope="session")
def logs(public_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the unpacked log data sets."""
    return unpacked(public_data, "logs", tmp_path_factory.mktemp("logs"))


@pytest.fixture(scope="session")
def train_ticket(public_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the fault list and the log lines of Nezha's Train Ticket, unpacked."""

    def is_wanted(name: str) -> bool:
        return "2023-01-29" in name and ("/log/" in name or "list" in name)

    return unpacked(public_data, "nezha", tmp_path_factory.mktemp("nezha"), is_wanted)


def test_a_set_is_read_under_its_snake_case_name_and_grouped(tmp_path: Path) -> None:
    a_loghub_set(tmp_path)
    a_loghub_set(tmp_path, "Apache")
    sets = load_loghub(tmp_path)
    assert [each.name for each in sets] == ["apache", "open_ssh"]
    rows = bench_grouping(sets, {"peer": lambda bodies: (list(range(len(bodies))), 10.0)})
    assert [row["part"] for row in rows[:3]] == ["all"] * 3
    figures = by_method(rows)
    assert figures["sunspot"]["ga"] == figures["sunspot"]["fga"] == 1.0
    assert figures["peer"]["ga"] == 0.25  # the one line whose true group is itself alone
    assert figures["peer"]["lines_per_s"] == 10.0
    assert "lines_per_s" not in figures["random"]


def test_a_group_is_right_only_with_exactly_the_lines_of_a_template() -> None:
    assert grouping_figures(["x", "x", "y"], ["1", "1", "2"]) == (1.0, 1.0)
    assert grouping_figures(["x", "x", "x"], ["1", "1", "2"]) == (0.0, 0.0)


def test_sessions_are_found_at_the_true_base_rate(tmp_path: Path) -> None:
    an_hdfs(tmp_path)
    figures = by_method(bench_hdfs(load_hdfs(tmp_path)))
    assert figures["sunspot"]["f1"] == 1.0
    assert set(figures) == {"sunspot", "nearest_counts", "isolation_forest", "pca", "random"}
    assert f1_at(1.0, 0.0293 / (1 - 0.0293), 0.0293) == pytest.approx(2 / 3)
    assert f1_at(0.0, 0.0, 0.0293) == 0.0


def test_abnormal_sessions_in_training_do_not_mask_their_kind(tmp_path: Path) -> None:
    an_hdfs100k(tmp_path)
    data = load_hdfs100k(tmp_path)
    assert (data.n_abnormal_in_train, len(data.train), len(data.test)) == (3, 100, 10)
    figures = by_method(bench_hdfs100k(data))
    assert figures["sunspot"]["f1"] == 1.0
    assert figures["nearest_counts"]["f1"] == 0.0


def test_the_broken_service_is_named_first_from_its_logs(tmp_path: Path) -> None:
    a_nezha(tmp_path)
    (day,) = load_nezha_logs(tmp_path)
    ((fault, case),) = day.cases()
    assert (fault.service, case.cause) == ("ts-order-service", ("ts-order-service",))
    figures = by_method(bench_log_causes([day]), "train_ticket/return")
    assert (
        figures["sunspot"]["as1"] == figures["error_excess"]["as1"] == figures["new_templates"]["as1"] == 1.0
    )
    assert figures["random"]["as1"] == pytest.approx(1 / 3)
    controls = by_method(bench_log_causes([day]))
    assert controls["sunspot_scrambled"]["as1"] == 1.0
    assert controls["sunspot_wrong_labels"]["n"] == 1
    assert rank_by_logs(replace(case, window_logs=None)).abstained


def test_lines_in_two_files_count_once_and_later_faults_are_not_in_the_past(tmp_path: Path) -> None:
    a_nezha(tmp_path)
    (day,) = load_nezha_logs(tmp_path)
    assert day.n_lines == day.sums.counts.counts.sum()
    ((_, case),) = day.cases()
    assert case.normal_logs is not None
    assert case.window_logs is not None
    assert case.normal_logs.counts.starts_ms.max() < case.window_logs.counts.starts_ms.min()


def test_rates_are_measured_on_the_given_lines_and_on_random_words() -> None:
    lines = synthetic_lines(200)
    assert len({each.service for each in lines}) == 10
    rows = bench_speed("synthetic", lines, lambda bodies: ([0] * len(bodies), 1.0), n_random=300)
    assert [(row["part"], row["method"]) for row in rows[:3]] == [
        ("synthetic", "sunspot"),
        ("synthetic", "sunspot_features"),
        ("synthetic", "drain3"),
    ]
    assert all(float(row["lines_per_s"]) > 0 for row in rows)
    assert random_words(3, seed=1) == random_words(3, seed=1)


def test_a_folder_without_the_set_or_with_a_broken_one_is_refused(tmp_path: Path) -> None:
    for load in (load_loghub, load_hdfs, load_hdfs100k, load_nezha_logs):
        with pytest.raises(DatasetError):
            load(tmp_path)
    (tmp_path / "X_structured.csv").write_text("Content\nonly\n")
    with pytest.raises(DatasetError, match="EventId"):
        load_loghub(tmp_path)
    (tmp_path / "X_structured.csv").write_text("Content,EventId\n")
    with pytest.raises(DatasetError, match="no line"):
        load_loghub(tmp_path)
    (tmp_path / "sessions_normal.csv").write_text("blk_1,\n")
    with pytest.raises(DatasetError, match="no session"):
        load_hdfs(tmp_path)
    (tmp_path / "sessions_normal.csv").write_text("blk_1,1\n")
    with pytest.raises(DatasetError, match="abnormal"):
        load_hdfs(tmp_path)
    path = an_hdfs100k(tmp_path)
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(DatasetError, match="hdfs100k"):
        load_hdfs100k(tmp_path)


def test_broken_log_files_are_refused_by_name(tmp_path: Path) -> None:
    a_nezha(tmp_path)
    (log,) = tmp_path.glob("**/08_59_log.csv")
    log.write_text("TimeUnixNano,PodName,TraceID,Log\nsoon,a-b-c,,x\n")
    with pytest.raises(DatasetError, match="08_59"):
        load_nezha_logs(tmp_path)
    (faults,) = tmp_path.glob("**/*-fault_list.json")
    faults.write_text("[]")
    with pytest.raises(DatasetError, match="list of faults"):
        load_nezha_logs(tmp_path)
    for each in tmp_path.glob("**/*_log.csv"):
        each.unlink()
    with pytest.raises(DatasetError, match=r"_log\.csv"):
        load_nezha_logs(tmp_path)


def test_the_digest_follows_the_content(tmp_path: Path) -> None:
    path = a_loghub_set(tmp_path)
    before = digest_of(tmp_path, [path])
    path.write_text(path.read_text() + "\n")
    assert digest_of(tmp_path, [path]) != before


def test_grouping_of_public_lines_reaches_its_published_figures(logs: Path) -> None:
    sets = [each for each in load_loghub(logs) if len(each.bodies) == 2000]
    assert len(sets) >= 10
    figures = by_method(bench_grouping(sets))
    assert float(figures["sunspot"]["ga"]) >= 0.85  # drain3 in the same run: .81
    assert float(figures["sunspot"]["fga"]) >= 0.79  # .78
    assert float(figures["random"]["ga"]) < 0.01


def test_public_sessions_reach_their_published_figures(logs: Path) -> None:
    hdfs = by_method(bench_hdfs(load_hdfs(logs)))
    assert float(hdfs["sunspot"]["f1"]) >= 0.93
    assert float(hdfs["random"]["f1"]) < 0.1
    mixed = by_method(bench_hdfs100k(load_hdfs100k(logs)))
    assert float(mixed["sunspot"]["f1"]) == pytest.approx(60 / 87)  # 30 of 57 found, none wrongly
    assert float(mixed["nearest_counts"]["f1"]) < 0.2


def test_public_faults_from_logs_alone_reach_their_published_figures(train_ticket: Path) -> None:
    days = [day for day in load_nezha_logs(train_ticket) if day.name == "2023-01-29"]
    rows = by_method(bench_log_causes(days))
    assert rows["sunspot"]["n"] == 28
    assert float(rows["sunspot"]["as1"]) >= 0.6
    assert float(rows["sunspot"]["as3"]) >= 0.8
    assert float(rows["sunspot"]["as5"]) >= 0.85
    assert rows["sunspot_scrambled"]["as1"] == rows["sunspot"]["as1"]
    assert float(rows["sunspot_wrong_labels"]["as1"]) < 0.2
    assert float(rows["error_excess"]["as1"]) < float(rows["sunspot"]["as1"])


def test_masking_is_measured_alone_and_from_http_to_disk() -> None:
    rows = masking_speed.bench_masking(n_batches=2)
    assert [(row["part"], row["method"]) for row in rows] == [
        (f"{share} suspicious", method)
        for share in ("0%", "10%", "100%")
        for method in ("masking", "http_to_disk")
    ]
    assert all(float(row["lines_per_s"]) > 1_000 for row in rows)
    assert all(140 < float(row["characters"]) < 165 for row in rows)
