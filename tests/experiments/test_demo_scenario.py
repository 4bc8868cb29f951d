from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from petshop_layout import a_scenario

from experiments.demo_scenario import DemoScenario, brokerage_scenario, petshop_scenario
from experiments.replay import columns_of, document_of
from features.frame import frame_of
from telemetry.batches import Samples


@pytest.fixture(scope="module")
def scenario() -> DemoScenario:
    return brokerage_scenario()


def test_the_brokerage_breaks_where_the_scenario_says(scenario: DemoScenario) -> None:
    assert scenario.causes == ("order-db",)
    assert scenario.webhook["version"] == "4"
    assert scenario.webhook["alerts"][0]["status"] == "firing"


def test_nothing_after_the_answer_is_replayed(scenario: DemoScenario) -> None:
    fired = np.datetime64(scenario.webhook["alerts"][0]["startsAt"].removesuffix("Z"), "ms").astype(int)
    assert scenario.incident.time_ms.max() < fired + 3 * 60_000


def test_the_history_ends_before_the_replay_begins(scenario: DemoScenario) -> None:
    assert scenario.history.end_ms <= scenario.incident.time_ms.min()


def test_batches_contain_every_sample_once_in_order_of_time(scenario: DemoScenario) -> None:
    batches = list(scenario.batches(max_samples=1_000))
    assert sum(len(batch) for batch in batches) == len(scenario.incident)
    times = np.concatenate([batch.time_ms for batch in batches])
    assert (np.diff(times) >= 0).all()
    for one, other in pairwise(batches):
        assert one.time_ms.max() < other.time_ms.min()


def test_a_petshop_incident_becomes_a_scenario(tmp_path: Path) -> None:
    a_scenario(tmp_path)
    scenario = petshop_scenario(tmp_path)
    assert scenario.causes == ("db",)
    assert scenario.webhook["alerts"][0]["labels"]["service"] == "app"
    with pytest.raises(LookupError, match="low_traffic/test/issue_0"):
        petshop_scenario(tmp_path, incident="nowhere")


def test_the_columnar_form_contains_every_sample() -> None:
    samples = Samples.from_rows(
        [("a", "requests", 0, 1.0), ("b", "requests", 0, 2.0), ("a", "requests", 60_000, 3.0)]
    )
    columns = columns_of(samples)
    assert columns == [
        {"item": "a", "metric": "requests", "time_ms": [0, 60_000], "values": [1.0, 3.0]},
        {"item": "b", "metric": "requests", "time_ms": [0], "values": [2.0]},
    ]


def test_series_without_a_sample_are_left_out_of_the_columnar_form() -> None:
    samples = Samples.from_rows([("a", "requests", 0, 1.0), ("b", "requests", 0, 2.0)])
    assert [each["item"] for each in columns_of(samples.where(np.array([False, True])))] == ["b"]


def test_the_graph_document_names_every_item_and_edge(scenario: DemoScenario) -> None:
    document = document_of(scenario.graph)
    assert len(document["items"]) == len(scenario.graph)
    assert len(document["edges"]) == len(scenario.graph.edges)


def test_the_history_is_on_one_grid_with_the_incident(scenario: DemoScenario) -> None:
    frame = frame_of(
        scenario.incident,
        step_ms=scenario.history.step_ms,
        start_ms=scenario.history.start_ms,
        end_ms=int(scenario.incident.time_ms.max()) + 1,
    )
    assert np.isfinite(frame.values[-1]).any()
