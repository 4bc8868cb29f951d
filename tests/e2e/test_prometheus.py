"""A real Prometheus scrapes itself and writes to Sunspot: what arrives is what Prometheus answers itself."""

from __future__ import annotations

import shutil
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import httpx2
import pytest

from experiments.replay import ServiceClient
from sunspot.processes import free_port, python_server
from telemetry.history_reader import HistoryReader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from telemetry.batches import Samples

    Values = dict[tuple[str, int], float]

ROOT = Path(__file__).parents[2]
SNIPPET = (ROOT / "deploy" / "prometheus-remote-write.yml").read_text(encoding="utf-8")
DEADLINE_S = 60.0
N_SCRAPES = 12
STEP_MS = 5_000
HISTOGRAM = "prometheus_http_response_size_bytes"

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(180),
    pytest.mark.skipif(not shutil.which("prometheus"), reason="needs Debian's prometheus"),
]


@contextmanager
def prometheus(folder: Path, *, writes_to: str) -> Iterator[str]:
    """Run a Prometheus that scrapes itself every second, with the snippet that users copy."""
    port = free_port(0)
    config = folder / "prometheus.yml"
    config.write_text(
        "global: {scrape_interval: 1s}\n"
        "scrape_configs:\n"
        f"  - {{job_name: prometheus, static_configs: [{{targets: ['127.0.0.1:{port}']}}]}}\n"
        + SNIPPET.replace("http://127.0.0.1:8321", writes_to)
    )
    command = ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={folder / 'tsdb'}"]
    with (folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(
            [*command, f"--web.listen-address=127.0.0.1:{port}"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        with ServiceClient(f"http://127.0.0.1:{port}") as client:
            client.wait_until_ready("/-/ready")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)


def answered(address: str, selector: str) -> Values:
    """What Prometheus answers: each value by its series, named as Sunspot names it, and its time."""
    answer = httpx2.get(f"{address}/api/v1/query", params={"query": f"{selector}[10m]"}, trust_env=False)
    found: Values = {}
    for series in answer.raise_for_status().json()["data"]["result"]:
        labels = {name: value for name, value in series["metric"].items() if name not in {"__name__", "job"}}
        pairs = ",".join(f'{name}="{value}"' for name, value in sorted(labels.items()))
        for at_s, value in series["values"]:
            found[f"{series['metric']['__name__']}{{{pairs}}}", round(at_s * 1000)] = float(value)
    return found


def stored(samples: Samples, name: str) -> Values:
    return {
        (samples.keys[number].metric, time_ms): value
        for number, time_ms, value in zip(
            samples.series.tolist(), samples.time_ms.tolist(), samples.values.tolist(), strict=True
        )
        if samples.keys[number].metric.partition("{")[0] == name
    }


def quantile(address: str, histogram: str, share: float, *, since_ms: int, until_ms: int) -> dict[str, float]:
    """A quantile of what was observed between two scrapes, by the labels of the series."""
    query = f"histogram_quantile({share}, {histogram}_bucket - {histogram}_bucket @ {since_ms / 1000:.3f})"
    answer = httpx2.get(
        f"{address}/api/v1/query", params={"query": query, "time": f"{until_ms / 1000:.3f}"}, trust_env=False
    )
    return {
        ",".join(
            f'{name}="{value}"' for name, value in sorted(series["metric"].items()) if name != "job"
        ): float(series["value"][1])
        for series in answer.raise_for_status().json()["data"]["result"]
    }


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.5)


@contextmanager
def a_service_fed_by_prometheus(folder: Path, data: Path, *, n_scrapes: int) -> Iterator[str]:
    """Run Sunspot and a Prometheus that has written some scrapes to it; yields the latter's address."""
    port = free_port(0)
    arguments = ["sunspot", "serve", "--host", "127.0.0.1", "--port", str(port), "--data", str(data)]
    environment = {"SUNSPOT_STEP": f"PT{STEP_MS // 1000}S"}
    with python_server(arguments, log=folder / "service.log", environment=environment):
        with ServiceClient(f"http://127.0.0.1:{port}") as client:
            client.wait_until_ready("/healthz")
        with prometheus(folder, writes_to=f"http://127.0.0.1:{port}") as address:
            wait_for(lambda: len(answered(address, "up")) >= n_scrapes)
            time.sleep(6)  # a sender waits up to five seconds for a full request
            yield address


def test_what_arrives_is_what_prometheus_answers(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with a_service_fed_by_prometheus(tmp_path, data, n_scrapes=N_SCRAPES) as address:
        asked = {
            name: answered(address, name)
            for name in ("up", "go_goroutines", "prometheus_tsdb_head_samples_appended_total")
        }
        scrapes_ms = sorted({at for _, at in asked["up"]})
        quantiles = {
            (until_ms, labels): value
            for until_ms, since_ms in zip(scrapes_ms, tick_anchors(scrapes_ms), strict=True)
            if since_ms
            for labels, value in quantile(
                address, HISTOGRAM, 0.95, since_ms=since_ms, until_ms=until_ms
            ).items()
        }
        failed = answered(address, "prometheus_remote_storage_samples_failed_total")
    samples = HistoryReader(data / "history").read()
    assert set(failed.values()) == {0.0}
    for name, values in asked.items():
        found = stored(samples, name)
        common = {place: value for place, value in values.items() if place in found}
        assert len(common) >= N_SCRAPES, name
        assert {place: found[place] for place in common} == common
        assert not {
            place for place in found if place not in values and place[1] < max(at for _, at in values)
        }
    assert {key.item for key in samples.keys} == {"prometheus"}
    described = {
        (time_ms, metric.partition("{")[2].removesuffix("}")): value
        for (metric, time_ms), value in stored(samples, f"{HISTOGRAM}_p95").items()
    }
    common_places = [place for place in described if place in quantiles]
    assert len(common_places) >= N_SCRAPES // 2
    for place in common_places:
        assert described[place] == pytest.approx(quantiles[place]), place


def tick_anchors(scrapes_ms: list[int]) -> list[int]:
    """For each scrape the last one of an earlier tick, 0 if there is none."""
    return [
        max((each for each in scrapes_ms if each // STEP_MS < at // STEP_MS), default=0) for at in scrapes_ms
    ]
