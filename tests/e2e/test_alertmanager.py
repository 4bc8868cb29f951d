"""A PetShop incident, through the real Alertmanager, to the benchmark's answer."""

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from experiments.datasets.petshop import load_petshop
from experiments.demo_scenario import DemoScenario, petshop_scenario
from experiments.replay import ServiceClient, replay
from models.rankers import rank
from sunspot.demo_environment import service, train
from sunspot.processes import free_port

INCIDENT = "low_traffic/test/issue_9"
DEADLINE_S = 60.0

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(300),
    pytest.mark.skipif(
        not shutil.which("prometheus-alertmanager"), reason="needs Debian's prometheus-alertmanager"
    ),
]


@contextmanager
def alertmanager(folder: Path, *, webhook: str) -> Iterator[str]:
    config = folder / "alertmanager.yml"
    config.write_text(
        "route: {receiver: sunspot, group_wait: 1s, group_interval: 1s, group_by: [alertname]}\n"
        f"receivers: [{{name: sunspot, webhook_configs: [{{url: '{webhook}'}}]}}]\n"
    )
    port = free_port(0)
    process = subprocess.Popen(
        [
            "prometheus-alertmanager",
            f"--config.file={config}",
            f"--storage.path={folder / 'alertmanager'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--cluster.listen-address=",
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        with ServiceClient(f"http://127.0.0.1:{port}") as client:
            client.wait_until_ready("/-/ready")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


def fire(address: str, scenario: DemoScenario) -> None:
    alert = scenario.webhook["alerts"][0]
    fired = {
        "labels": alert["labels"],
        "annotations": alert["annotations"],
        "startsAt": alert["startsAt"],
        "endsAt": (datetime.now(UTC) + timedelta(hours=1)).isoformat(),
        "generatorURL": alert["generatorURL"],
    }
    httpx2.post(f"{address}/api/v2/alerts", json=[fired], trust_env=False).raise_for_status()


def first_ranking(client: ServiceClient) -> dict[str, Any]:
    """Wait for an incident and its ranking, which is kept a moment after the incident is."""
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        for each in client.incidents():
            ranking: dict[str, Any] | None = client.causes(int(each["id"]))["ranking"]
            if ranking is not None:
                return ranking
        time.sleep(0.2)
    raise TimeoutError("Alertmanager's webhook did not arrive, or was not explained")


def test_an_incident_through_alertmanager_gets_the_benchmarks_ranking(petshop: Path, tmp_path: Path) -> None:
    scenario = petshop_scenario(petshop, incident=INCIDENT)
    assert train(scenario, tmp_path)[0].promoted
    with (
        service(tmp_path, port := free_port(0), step_ms=scenario.history.step_ms),
        ServiceClient(f"http://127.0.0.1:{port}") as client,
        alertmanager(tmp_path, webhook=f"{client.address}/v1/alerts") as address,
    ):
        client.wait_until_ready("/healthz")
        client.import_graph(scenario.graph)
        client.wait_until_ready()
        replay(scenario, client)
        fire(address, scenario)
        answered = first_ranking(client)
    scenario = next(each for each in load_petshop(petshop) if INCIDENT in {one.id for one in each.incidents})
    incident = next(each for each in scenario.incidents if each.id == INCIDENT)
    expected = rank(scenario.case(incident))
    assert [each["item"] for each in answered["candidates"]] == [
        each.item for each in expected.candidates[: len(answered["candidates"])]
    ]
    assert [each["score"] for each in answered["candidates"]] == pytest.approx(
        [each.score for each in expected.candidates[: len(answered["candidates"])]], rel=1e-9
    )
    assert answered["candidates"][0]["item"] == incident.cause
