"""The same incident through the service's routes and through the benchmark: one answer."""

from dataclasses import replace
from pathlib import Path

import pytest
from petshop_layout import a_scenario
from service_builders import a_client, an_app

from cmdb.graph import DependencyGraph
from experiments.datasets.petshop import Scenario, load_petshop
from experiments.demo_scenario import petshop_scenario
from experiments.replay import columns_of, document_of
from features.calendar import CLOCKS
from models.artifacts.bundle import make_bundle
from models.detectors.baseline import fit_baseline
from models.rankers import rank
from service.settings import Present


def answers(scenario: Scenario, petshop: Path, folder: Path, incident: str) -> list[tuple[str, float, float]]:
    """Item, score and probability of each candidate, as the service ranks them."""
    demo = petshop_scenario(petshop, incident=incident)
    bundle = make_bundle(
        clock="always",
        normal=scenario.normal,
        baseline=fit_baseline(scenario.normal, CLOCKS["always"]),
        threshold=6.0,
        detectors={},
        row_thresholds={},
        metadata={},
    )
    with a_client(an_app(folder, bundle=bundle, present=Present.SIGNALS)) as client:
        assert client.post("/v1/cmdb", json=document_of(scenario.graph)).status_code == 200
        assert client.post("/v1/samples", json={"series": columns_of(demo.incident)}).status_code == 200
        alert = client.post("/v1/alerts", json=demo.webhook).json()["alerts"][0]
        causes = client.get(f"/v1/incidents/{alert['incident']}/causes").json()
    return [(each["item"], each["score"], each["probability"]) for each in causes["ranking"]["candidates"]]


def expected(scenario: Scenario, incident: str) -> list[tuple[str, float, float]]:
    chosen = next(each for each in scenario.incidents if each.id == incident)
    ranking = rank(scenario.case(chosen))
    return [(each.item, each.score, each.probability) for each in ranking.candidates]


def test_a_small_incident_gets_the_benchmarks_ranking_to_the_bit(tmp_path: Path) -> None:
    a_scenario(tmp_path / "data")
    (scenario,) = load_petshop(tmp_path / "data")
    incident = scenario.incidents[0].id
    assert answers(scenario, tmp_path / "data", tmp_path / "state", incident) == expected(scenario, incident)


def test_service_and_benchmark_rank_the_same_without_edges_too(tmp_path: Path) -> None:
    a_scenario(tmp_path / "data")
    (scenario,) = load_petshop(tmp_path / "data")
    edgeless = replace(scenario, graph=DependencyGraph(scenario.graph.items.values()))
    incident = scenario.incidents[0].id
    ranked = answers(edgeless, tmp_path / "data", tmp_path / "state", incident)
    assert ranked == expected(edgeless, incident)
    assert len(ranked) == len(scenario.graph)


@pytest.mark.parametrize("issue", [f"test/issue_{number}" for number in (0, 9, 14)] + ["train/issue_0"])
def test_a_petshop_incident_gets_the_benchmarks_ranking_to_the_bit(
    petshop: Path, tmp_path: Path, issue: str
) -> None:
    scenario = next(each for each in load_petshop(petshop) if each.name == "low_traffic")
    incident = f"low_traffic/{issue}"
    ranked = answers(scenario, petshop, tmp_path, incident)
    assert ranked == expected(scenario, incident)[: len(ranked)]
