"""The files that connect log senders: each leads to a route that exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from service_builders import a_client, an_app

ROOT = Path(__file__).parents[1]
FILES = [
    ROOT / "deploy" / name
    for name in (
        *("filebeat.yml", "logstash.conf", "fluent-bit.conf", "fluentd.conf", "vector.yml"),
        *("promtail.yml", "config.alloy", "otel-collector-logs.yml"),
    )
]
YAML = [each for each in FILES if each.suffix == ".yml"]
ADDRESS = re.compile(
    r"http://127\.0\.0\.1:8321(/[\w./-]+)?|(?:URI|[Pp]ath):?\s*(?:=> )?\"?(/[\w/]+)\"?$", re.MULTILINE
)
ADDED = {"/elasticsearch": "/_bulk", "/otlp": "/v1/logs"}
"""What senders add to the addresses that they are given."""


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    with a_client(an_app(tmp_path_factory.mktemp("senders"))) as client:
        operations = client.get("/openapi.json").json()["paths"]
    return {path for path, methods in operations.items() if "post" in methods}


@pytest.mark.parametrize("file", FILES, ids=lambda each: each.name)
def test_each_sender_is_led_to_a_route(file: Path, paths: set[str]) -> None:
    text = file.read_text(encoding="utf-8")
    led = {address for found in ADDRESS.findall(text) for address in found if address}
    assert led
    assert {address + ADDED.get(address, "") for address in led} <= paths
    assert "SUNSPOT_TOKEN" in text


@pytest.mark.parametrize("file", YAML, ids=lambda each: each.name)
def test_each_yaml_file_is_read(file: Path) -> None:
    assert isinstance(yaml.safe_load(file.read_text(encoding="utf-8")), dict)


def test_each_sender_is_on_the_page() -> None:
    page = (ROOT / "docs" / "connect-logs.md").read_text(encoding="utf-8")
    assert [each.name for each in FILES if f"deploy/{each.name}" not in page] == []
