"""Replay a scenario to a running service over its public HTTP interface."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any, Self

import httpx2
import numpy as np

from telemetry.addresses import shown_address

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import TracebackType

    from cmdb.graph import DependencyGraph
    from cmdb.items import ChangeEvent
    from experiments.demo_scenario import DemoScenario
    from telemetry.batches import Samples
    from telemetry.logs import Logs

START_TIMEOUT_S = 60.0
REQUEST_TIMEOUT_S = 60.0

MAX_LINES = 20_000
"""Log lines per request: a few megabytes."""


class ServiceNotReadyError(TimeoutError):
    """A service that did not become ready in time, and its last answer."""

    def __init__(self, address: str, last_answer: str) -> None:
        super().__init__(f"the service at {shown_address(address)} did not become ready: {last_answer}")
        self.address = address
        self.last_answer = last_answer


class ServiceClient:
    """A sender's view of the service."""

    def __init__(self, address: str, *, token: str = "") -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.address = address
        self._http = httpx2.Client(
            base_url=address, headers=headers, timeout=REQUEST_TIMEOUT_S, trust_env=False
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def wait_until_ready(self, path: str = "/readyz", *, timeout_s: float = START_TIMEOUT_S) -> None:
        """Return when ``path`` answers 200.

        Raises
        ------
        ServiceNotReadyError
            If it does not in time.
        """
        last_answer, deadline = "no answer", time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            try:
                answer = self._http.get(path)
            except httpx2.TransportError as error:
                last_answer = str(error)
            else:
                if answer.is_success:
                    return
                last_answer = answer.text
            time.sleep(0.1)
        raise ServiceNotReadyError(self.address, last_answer)

    def import_graph(self, graph: DependencyGraph) -> dict[str, Any]:
        """Send the CMDB; return the report."""
        return self._post("/v1/cmdb", document_of(graph))

    def send_samples(self, samples: Samples) -> dict[str, Any]:
        """Send a batch of samples; return the service's answer."""
        return self._post("/v1/samples", {"series": columns_of(samples)})

    def send_logs(self, logs: Logs) -> dict[str, Any]:
        """Send log lines; return the service's answer."""
        answer = self._http.post("/v1/logs", content=lines_of(logs))
        answer.raise_for_status()
        document: dict[str, Any] = answer.json()
        return document

    def send_changes(self, changes: Sequence[ChangeEvent]) -> dict[str, Any]:
        """Send change events; return the service's answer."""
        documents = [
            {
                "id": change.id,
                "item": change.item,
                "at": change.at.isoformat(),
                "kind": change.kind,
                "summary": change.summary,
            }
            for change in changes
        ]
        return self._post("/v1/changes", {"changes": documents})

    def send_webhook(self, webhook: dict[str, Any]) -> list[dict[str, Any]]:
        """Send alerts; return the enriched alerts."""
        alerts: list[dict[str, Any]] = self._post("/v1/alerts", webhook)["alerts"]
        return alerts

    def incidents(self) -> list[dict[str, Any]]:
        """Every incident, newest first."""
        answer = self._http.get("/v1/incidents")
        answer.raise_for_status()
        incidents: list[dict[str, Any]] = answer.json()["incidents"]
        return incidents

    def causes(self, incident: int) -> dict[str, Any]:
        """The causes of one incident."""
        answer = self._http.get(f"/v1/incidents/{incident}/causes")
        answer.raise_for_status()
        causes: dict[str, Any] = answer.json()
        return causes

    def _post(self, path: str, document: object) -> dict[str, Any]:
        answer = self._http.post(path, json=document)
        answer.raise_for_status()
        returned: dict[str, Any] = answer.json()
        return returned


def replay(
    scenario: DemoScenario, client: ServiceClient, *, on_progress: Callable[[int], None] = lambda _: None
) -> None:
    """Send the graph and the changes of a scenario, then its log lines and samples in order of time.

    ``on_progress`` receives the number of samples of each batch that the service has stored on disk.
    """
    client.import_graph(scenario.graph)
    if scenario.changes:
        client.send_changes(scenario.changes)
    sent_until_ms = 0
    for batch in scenario.batches():
        until_ms = int(batch.time_ms[-1]) + scenario.history.step_ms
        due = scenario.logs.where(
            (scenario.logs.time_ms >= sent_until_ms) & (scenario.logs.time_ms < until_ms)
        )
        for part in parts_of(due):
            client.send_logs(part)
        sent_until_ms = until_ms
        client.send_samples(batch)
        on_progress(len(batch))


def parts_of(logs: Logs) -> Iterator[Logs]:
    """Log lines in parts, each small enough for one request."""
    place = np.arange(len(logs)) // MAX_LINES
    for part in range(-(-len(logs) // MAX_LINES)):
        yield logs.where(place == part)


def lines_of(logs: Logs) -> bytes:
    """Log lines as JSON, one object per line."""
    streams = (logs.streams[stream] for stream in logs.stream.tolist())
    columns = zip(streams, logs.time_ms.tolist(), logs.bodies, logs.trace_ids, strict=True)
    return "\n".join(
        json.dumps(
            {
                "service": stream.service,
                "severity": stream.severity,
                "logger": stream.logger,
                "time_ms": time_ms,
                "message": body,
                "trace_id": trace_id,
            }
        )
        for stream, time_ms, body, trace_id in columns
    ).encode()


def document_of(graph: DependencyGraph) -> dict[str, Any]:
    """A graph as the JSON document accepted by the CMDB import."""
    return {
        "items": [
            {"id": item.id, "kind": item.kind, "name": item.name, "team": item.team}
            for item in graph.items.values()
        ],
        "edges": [
            {"dependent": edge.dependent, "dependency": edge.dependency, "kind": edge.kind.value}
            for edge in sorted(graph.edges)
        ],
    }


def columns_of(samples: Samples) -> list[dict[str, Any]]:
    """Samples in columnar JSON form, one entry per series."""
    order = np.argsort(samples.series, kind="stable")
    ends = np.searchsorted(samples.series[order], np.arange(len(samples.keys)), side="right")
    series = []
    for key, chosen in zip(samples.keys, np.split(order, ends[:-1]), strict=True):
        if len(chosen):
            series.append(
                {
                    "item": key.item,
                    "metric": key.metric,
                    "time_ms": samples.time_ms[chosen].tolist(),
                    "values": samples.values[chosen].tolist(),
                }
            )
    return series
