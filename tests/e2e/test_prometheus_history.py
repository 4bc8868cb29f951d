"""History read from a real Prometheus is what that Prometheus sends: the same series and values."""

from __future__ import annotations

import shutil
import time
from typing import TYPE_CHECKING

import numpy as np
import pytest
from e2e.test_prometheus import STEP_MS, answered, prometheus, wait_for

from experiments.replay import ServiceClient
from sunspot.processes import free_port, python_server
from sunspot.prometheus_source import PrometheusOptions, frame_from_prometheus
from training.datasets import frame_from_history
from training.progress import silent

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from features.frame import Frame
    from telemetry.batches import SeriesKey

N_SCRAPES = 35

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(180),
    pytest.mark.skipif(not shutil.which("prometheus"), reason="needs Debian's prometheus"),
]


def test_what_is_read_is_what_was_pushed(tmp_path: Path) -> None:
    port, data = free_port(0), tmp_path / "data"
    arguments = ["sunspot", "serve", "--host", "127.0.0.1", "--port", str(port), "--data", str(data)]
    environment = {"SUNSPOT_STEP": f"PT{STEP_MS // 1000}S"}
    with python_server(arguments, log=tmp_path / "service.log", environment=environment):
        with ServiceClient(f"http://127.0.0.1:{port}") as client:
            client.wait_until_ready("/healthz")
        with prometheus(tmp_path, writes_to=f"http://127.0.0.1:{port}") as address:
            wait_for(lambda: len(answered(address, "up")) >= N_SCRAPES)
            time.sleep(6)  # a sender waits up to five seconds for a full request
            options = PrometheusOptions(url=address, days=0.005)
            read, notes = frame_from_prometheus(options, data, step_ms=STEP_MS, progress=silent)
        pushed = frame_from_history(data / "history", step_ms=STEP_MS)
    assert not any("left out" in each or "warns" in each for each in notes)
    assert {key.item for key in read.keys} == {"prometheus"}
    start_ms = max(read.start_ms, pushed.start_ms) + 2 * STEP_MS  # the first tick may be a part
    end_ms = min(read.end_ms, pushed.end_ms) - STEP_MS
    found, sent = (values_of(frame.between(start_ms, end_ms)) for frame in (read, pushed))
    assert all(key.metric.startswith("go_") for key in found.keys() - sent.keys()), "the snippet drops these"
    assert not sent.keys() - found.keys()
    assert len(sent) > 150
    differ = {
        key: (found[key], values)
        for key, values in sent.items()
        if not np.allclose(found[key], values, rtol=1e-9, equal_nan=True)
    }
    assert not differ


def values_of(frame: Frame) -> dict[SeriesKey, NDArray[np.floating]]:
    """Values by series, of those that have any."""
    columns = zip(frame.keys, frame.values.T, strict=True)
    return {key: values for key, values in columns if np.isfinite(values).any()}
