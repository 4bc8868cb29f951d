"""Names that others rely on: routes and their fields, settings, and metrics.

A name that disappears breaks somebody's client, deployment or dashboard. One that is added is written down by
``python -m pytest tests/service/test_pins.py --update-pins``.
"""

from __future__ import annotations

import json
from difflib import unified_diff
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from service_builders import a_bundle, a_dull_bundle, a_service, a_webhook

from service.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from fastapi.testclient import TestClient

    Compare = Callable[[str, Any], None]

HERE = Path(__file__).parent
PROSE = frozenset(
    {"title", "summary", "description", "example", "examples", "operationId", "info", "servers", "default"}
)
"""What may be reworded in an OpenAPI document without breaking a client."""

NAMES = frozenset({"properties", "schemas", "paths", "responses", "content", "headers"})
"""Parts of the document whose keys are names, so that a field may be called ``title``."""


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    directory = tmp_path_factory.mktemp("pinned")
    with a_service(directory, bundle=a_bundle(), challenger=a_dull_bundle()) as running:
        running.post("/v1/alerts", json=a_webhook()).raise_for_status()
        running.post("/v1/logs", json={"time": "2026-03-04T02:05:30Z", "service": "order", "message": "x"})
        running.app.state.rooms.scoring.pipeline.advance()  # type: ignore[attr-defined]  # the shadow begins
        yield running


@pytest.fixture
def compare(pytestconfig: pytest.Config) -> Compare:
    """Compare a document with the one that is stored, or store it where that is asked for."""

    def compared(name: str, document: Any) -> None:
        path, found = HERE / name, json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
        if pytestconfig.getoption("update_pins"):
            path.write_text(found, encoding="utf-8")
        stored = path.read_text(encoding="utf-8")
        changes = list(unified_diff(stored.splitlines(), found.splitlines(), "stored", "now", lineterm=""))
        assert not changes, "\n".join(
            [*changes, "a name that is gone breaks its users; new ones are stored by pytest --update-pins"]
        )

    return compared


def without_prose(document: Any, *, are_names: bool = False) -> Any:
    """Return the names, kinds and bounds in an OpenAPI document, in an order that does not matter."""
    if isinstance(document, dict):
        return {
            name: without_prose(each, are_names=name in NAMES and not are_names)
            for name, each in document.items()
            if are_names or name not in PROSE
        }
    if isinstance(document, list):
        parts = [without_prose(each) for each in document]
        return sorted(parts, key=lambda each: json.dumps(each, sort_keys=True))
    return document


def labels_by_metric(text: str) -> Mapping[str, list[str]]:
    """Return the names of the metrics in Prometheus's text, each with the labels that it was seen with."""
    found: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(text):
        if family.name.endswith("_created"):
            continue
        names = {each.name for each in family.samples} or {family.name}
        for name in names:
            found.setdefault(name, set()).update(
                *(each.labels for each in family.samples if each.name == name)
            )
    return {name: sorted(labels) for name, labels in found.items()}


def test_every_route_and_field_is_still_there(client: TestClient, compare: Compare) -> None:
    compare("http/openapi.json", without_prose(client.get("/openapi.json").json()))


def test_every_setting_is_still_there(compare: Compare) -> None:
    prefix = Settings.model_config["env_prefix"]
    compare("settings.json", sorted(f"{prefix}{name.upper()}" for name in Settings.model_fields))


def test_every_metric_is_still_there_with_its_labels(client: TestClient, compare: Compare) -> None:
    compare("metrics.json", labels_by_metric(client.get("/metrics").text))


def test_a_field_that_is_called_like_prose_is_pinned() -> None:
    schema = {"title": "IncidentOut", "properties": {"title": {"type": "string", "title": "Title"}}}
    assert without_prose(schema) == {"properties": {"title": {"type": "string"}}}
