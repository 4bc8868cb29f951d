"""What was acknowledged survives ``kill -9``; of signals, alerts and verdicts `measure_kills` shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service_builders import a_client, a_cmdb, an_app

from experiments.reliability.running import running
from experiments.reliability.sender import Sender

if TYPE_CHECKING:
    from pathlib import Path


def test_a_graph_survives_a_kill(tmp_path: Path) -> None:
    with running(tmp_path) as service, Sender(service.port) as sender:
        version = sender.accepted("/v1/cmdb", a_cmdb())["graph_version"]
        service.kill()
    with a_client(an_app(tmp_path)) as client:
        assert client.get("/v1/cmdb").json()["graph_version"] == version
