"""Nezha's public layout is read as published, and the ranking on it reaches its figures."""

from collections import defaultdict
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from nezha_layout import DAY, a_day
from public_sets import unpacked

from experiments.benchmarks.figures import share_within
from experiments.datasets.errors import DatasetError
from experiments.datasets.nezha import digest, load_nezha
from experiments.datasets.nezha_faults import service_of
from features.golden import Role
from models.rankers import rank


def test_a_day_is_read_with_its_faults_graph_and_entry(tmp_path: Path) -> None:
    a_day(tmp_path)
    [day] = load_nezha(tmp_path)
    assert (day.system, day.entry) == ("online_boutique", "frontend")
    assert [(fault.service, fault.at - DAY) for fault in day.faults] == [
        ("cartservice", timedelta(minutes=30)),
        ("frontend", timedelta(minutes=45)),
    ]
    assert {(edge.dependent, edge.dependency) for edge in day.graph.edges} == {("frontend", "cartservice")}
    assert day.notes == ("1 of 2 faults have no span in their three minutes.",)


def test_a_case_contains_the_fault_and_the_normal_time_before_it(tmp_path: Path) -> None:
    a_day(tmp_path)
    [day] = load_nezha(tmp_path)
    case = day.case(day.faults[0])
    cart = case.items.index("cartservice")
    assert np.nanmin(case.window.values[Role.CPU][:, cart]) == pytest.approx(0.9)
    assert np.nanmax(case.normal.values[Role.CPU][:, cart]) < 0.3
    onset_ms = int(day.faults[0].at.timestamp() * 1000)
    assert case.window_spans is not None
    assert case.normal_spans is not None
    assert case.window_spans.own.bucket_ms.min() >= onset_ms > case.normal_spans.own.bucket_ms.max()
    assert rank(case).candidates[0].item == "cartservice"


def test_an_earlier_fault_is_not_part_of_a_later_faults_reference(tmp_path: Path) -> None:
    a_day(tmp_path)
    [day] = load_nezha(tmp_path)
    case = day.case(day.faults[1])
    cart = case.items.index("cartservice")
    assert np.nanmax(case.normal.values[Role.CPU][:, cart]) < 0.3


def test_without_traces_gaps_come_from_edge_metrics(tmp_path: Path) -> None:
    a_day(tmp_path, traces=False)
    [day] = load_nezha(tmp_path)
    assert day.spans is not None
    assert not len(day.spans.own.n)
    assert set(day.spans.gap.kinds) == {("frontend", "cartservice", "")}
    assert day.entry == "frontend"


def test_the_digest_follows_the_content(tmp_path: Path) -> None:
    folder = a_day(tmp_path)
    before = digest(tmp_path)
    (folder / "metric" / "dependency.csv").write_text("Source,Target,Weight\n")
    assert digest(tmp_path) != before


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("2022-08-22-fault_list.json", '{"03": [{"inject_time": "soon"}]}'),
        ("metric/frontend-579b9bff58-t2dbm_metric.csv", "Time,PodName\nnever,frontend-1-2\n"),
        ("metric/source_50.csv", "time,frontend_cartservice\nnever,0.1\n"),
        ("trace/03_30_trace.csv", "TraceID\n1\n"),
    ],
)
def test_a_broken_file_is_refused_by_name(tmp_path: Path, name: str, content: str) -> None:
    (a_day(tmp_path) / name).write_text(content)
    with pytest.raises(DatasetError, match="nezha"):
        load_nezha(tmp_path)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="fault_list"):
        load_nezha(tmp_path)


def test_a_pod_without_generated_parts_is_its_own_service() -> None:
    assert service_of("gateway") == "gateway"


def test_online_boutique_holds_its_targets_without_logs(
    public_data: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = unpacked(public_data, "nezha", tmp_path_factory.mktemp("nezha"))
    found: dict[str, list[list[float]]] = defaultdict(list)
    for day in load_nezha(folder):
        for fault, case in day.cases():
            ranking = rank(case)
            found[day.system].append([share_within(ranking, (fault.service,), k) for k in (1, 3, 5)])
    as1, as3, as5 = np.sum(found["online_boutique"], axis=0)
    assert as1 >= 21
    assert as3 >= 23
    assert as5 >= 24
    assert np.mean(found["train_ticket"], axis=0)[0] >= 0.1
