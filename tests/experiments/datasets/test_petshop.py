from pathlib import Path

import pytest
from petshop_layout import a_scenario, metrics

from experiments.benchmarks.rank import LabelledCase, bench_rankers
from experiments.datasets.errors import DatasetError
from experiments.datasets.petshop import digest, load_petshop
from features.golden import Role


def test_a_scenario_is_read_with_its_graph_alert_and_cause(tmp_path: Path) -> None:
    a_scenario(tmp_path)
    (scenario,) = load_petshop(tmp_path)
    (incident,) = scenario.incidents
    assert incident.cause == "db"
    assert incident.alert.item == "app"
    assert incident.alert.role is Role.LATENCY
    assert scenario.graph.dependencies("app") == {"db"}
    case = scenario.case(incident)
    assert len(case.window.times_ms) == 4
    assert len(case.before.times_ms) == 1
    assert case.window.of(Role.ERRORS, 2).max() == pytest.approx(0.0)


def test_a_folder_that_is_itself_a_scenario_is_read(tmp_path: Path) -> None:
    assert len(load_petshop(a_scenario(tmp_path))) == 1


def test_a_scenario_without_a_normal_period_borrows_the_others_with_a_note(tmp_path: Path) -> None:
    a_scenario(tmp_path)
    a_scenario(tmp_path, normal=False, name="high_traffic")
    high, low = load_petshop(tmp_path)
    assert "pooled" in high.notes[0]
    assert len(high.normal_samples) == len(low.normal_samples)


def test_the_digest_follows_the_content(tmp_path: Path) -> None:
    scenario = a_scenario(tmp_path)
    before = digest(tmp_path)
    (scenario / "graph.csv").write_text(",app,db\napp,0,1\ndb,1,0\n")
    assert digest(tmp_path) != before


@pytest.mark.parametrize("broken", ["graph.csv", "noissue/metrics.csv", "test/issue_0/target.json"])
def test_a_broken_folder_is_refused_with_the_name_of_the_bad_file(tmp_path: Path, broken: str) -> None:
    scenario = a_scenario(tmp_path)
    (scenario / broken).unlink()
    if broken == "test/issue_0/target.json":
        (scenario / broken).write_text('{"target": {}}')
    with pytest.raises(DatasetError, match="petshop"):
        load_petshop(tmp_path)


def test_ragged_metrics_are_refused(tmp_path: Path) -> None:
    scenario = a_scenario(tmp_path)
    (scenario / "noissue" / "metrics.csv").write_text(metrics("1692608400.0,1,2"))
    with pytest.raises(DatasetError, match=r"metrics\.csv"):
        load_petshop(tmp_path)


def test_own_excess_names_the_cause_first_in_at_least_23_of_26(petshop: Path) -> None:
    scenarios = [scenario for scenario in load_petshop(petshop) if scenario.name == "low_traffic"]
    labelled = [
        LabelledCase(scenario.case(incident), ("all",))
        for scenario in scenarios
        for incident in scenario.incidents
    ]
    assert len(labelled) == 26
    rows = {row["method"]: row for row in bench_rankers(labelled)}
    assert float(rows["sunspot"]["as1"]) * 26 >= 23
    assert float(rows["sunspot"]["as3"]) * 26 >= 24
    assert rows["sunspot_scrambled"]["as1"] == rows["sunspot"]["as1"]
    assert float(rows["sunspot_wrong_labels"]["as1"]) < 0.2
    assert float(rows["random"]["as1"]) == pytest.approx(1 / 42)
    assert float(rows["ranked_correlation"]["as1"]) < float(rows["sunspot"]["as1"])
