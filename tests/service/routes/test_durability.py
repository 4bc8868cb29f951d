"""What was acknowledged survives ``kill -9``; the short form of the rest is measured by `measure_kills`."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

from service_builders import a_cmdb

from experiments.reliability.running import running, stop
from experiments.reliability.sender import Sender

if TYPE_CHECKING:
    from pathlib import Path


def test_a_graph_survives_a_kill_and_the_service_stops_when_it_is_asked_to(tmp_path: Path) -> None:
    with running(tmp_path) as service, Sender(service.port) as sender:
        version = sender.accepted("/v1/cmdb", a_cmdb())["graph_version"]
        service.kill()
    with running(tmp_path) as service, Sender(service.port) as sender:
        assert sender.read("/v1/cmdb")["graph_version"] == version
        assert stop(service) in {0, -signal.SIGTERM}
