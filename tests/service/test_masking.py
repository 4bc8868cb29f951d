"""Secrets and personal data are masked at every door, before anything is stored."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from service_builders import NOW, a_cmdb, a_service, a_webhook, settings_for
from wire_builders import a_body, a_body_2

from service.app import create_app
from service.errors import BadMaskingFileError
from service.logging_setup import FieldsFormatter
from service.masking import incoming_masks, masker_from
from telemetry.instants import to_ms
from telemetry.log_history import read_lines
from telemetry.metric_names import Namer
from telemetry.names import MAX_NAME_LENGTH
from telemetry.wire.loki_push_pb2 import Push

SECRETS = ("13812345678", "hunter2x", "ZS000017")
TEXT = "手机号13812345678登录失败 password=hunter2x"
NOW_MS = to_ms(NOW) - 60_000

DOORS = {
    "/v1/logs": {"service": "order", "time_ms": NOW_MS, "message": TEXT},
    "/loki/api/v1/push": {"streams": [{"stream": {"app": "order"}, "values": [[f"{NOW_MS}000000", TEXT]]}]},
    "/otlp/v1/logs": {
        "resourceLogs": [
            {
                "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "order"}}]},
                "scopeLogs": [
                    {"logRecords": [{"timeUnixNano": f"{NOW_MS}000000", "body": {"stringValue": TEXT}}]}
                ],
            }
        ]
    },
}


def everything_in(directory: Path) -> str:
    """All that is on disk, files of lines unpacked."""
    lines = [str((each.bodies, each.templates, each.streams)) for each in read_lines(directory / "lines")]
    raw = [path.read_bytes().decode("latin-1") for path in directory.rglob("*") if path.is_file()]
    return "\n".join([*lines, *raw])


@pytest.mark.parametrize("door", DOORS)
def test_no_line_is_written_or_mined_with_a_secret(door: str, tmp_path: Path) -> None:
    with a_service(tmp_path) as client:
        assert client.post(door, content=json.dumps(DOORS[door])).status_code == 200
        logs = client.app.state.rooms.logs  # type: ignore[attr-defined]
        window = logs.evidence.window(["order"], since_ms=0)
        (line,) = (each for lines in window.examples.values() for each in lines)
        (template,) = window.texts.values()
        logs.checkpoint()
    assert line == "手机号<masked:phone>登录失败 password=<masked:secret>"
    assert template == "手机号<*>登录失败 password=<*>"
    assert not any(secret in everything_in(tmp_path) for secret in SECRETS)


def test_an_alert_is_stored_masked_but_for_what_names_something(tmp_path: Path) -> None:
    alert: dict[str, Any] = a_webhook(
        summary="login of 13812345678 fails", runbook_url="https://ops:hunter2x@wiki/slow", api_key="a b 17"
    )
    labels = {
        "instance": "13912345678:80",
        "pod": "pay-13912345678",
        "user": "13812345678",
        "copy": "gateway",
    }
    alert["alerts"][0]["labels"] |= labels
    with a_service(tmp_path) as client:
        client.post("/v1/cmdb", json=a_cmdb())
        client.post("/v1/alerts", json=alert)
        first = client.get("/v1/incidents/1").json()["alerts"][0]
        fingerprint = first["fingerprint"]
        client.post("/v1/alerts", json=alert)
        stored = client.get("/v1/incidents/1").json()["alerts"]
    assert [each["fingerprint"] for each in stored] == [fingerprint]
    assert first["item"] == "gateway"
    assert first["labels"] == {
        **alert["alerts"][0]["labels"],
        "user": "<masked:phone>",
    }
    assert first["annotations"] == {
        "summary": "login of <masked:phone> fails",
        "runbook_url": "https://ops:<masked:secret>@wiki/slow",
        "api_key": "<masked:secret>",
    }
    assert not any(secret in everything_in(tmp_path) for secret in SECRETS)


def test_a_change_is_stored_masked(tmp_path: Path) -> None:
    change = {"id": "c-13912345678", "item": "order", "at": NOW.isoformat(), "summary": TEXT}
    with a_service(tmp_path) as client:
        client.post("/v1/changes", json={"changes": [change]})
        (stored,) = client.get("/v1/changes").json()["changes"]
    assert stored["id"] == "c-13912345678"
    assert stored["summary"] == "手机号<masked:phone>登录失败 password=<masked:secret>"


def test_a_firms_own_patterns_are_masked(tmp_path: Path) -> None:
    patterns = tmp_path / "patterns.toml"
    patterns.write_text("[patterns]\nstaff = 'ZS[0-9]{6}'\n", encoding="utf-8")
    with a_service(tmp_path / "data", masking_patterns=patterns) as client:
        line = {"service": "order", "time_ms": NOW_MS, "message": "ZS000017 placed order 17"}
        client.post("/v1/logs", content=json.dumps(line))
    assert "<masked:staff> placed order 17" in everything_in(tmp_path / "data")
    assert "ZS000017" not in everything_in(tmp_path / "data")


def test_patterns_that_cannot_be_used_stop_the_start(tmp_path: Path) -> None:
    patterns = tmp_path / "patterns.toml"
    patterns.write_text("[patterns]\nall = '.'\n", encoding="utf-8")
    with pytest.raises(BadMaskingFileError, match="pattern 'all': it matches ordinary lines") as raised:
        create_app(settings_for(tmp_path / "data", masking_patterns=patterns))
    assert raised.value.path == patterns
    with pytest.raises(BadMaskingFileError, match=r"missing\.toml"):
        masker_from(tmp_path / "missing.toml")


def a_push() -> bytes:
    push = Push()
    stream = push.streams.add(labels=b'{app="order"}')
    entry = stream.entries.add(line=TEXT.encode())
    entry.at.seconds, entry.at.nanoseconds = divmod(NOW_MS * 1_000_000, 10**9)
    return push.SerializeToString()


def an_export() -> bytes:
    request = ExportLogsServiceRequest()
    resource = request.resource_logs.add()
    resource.resource.attributes.add(key="service.name").value.string_value = "order"
    record = resource.scope_logs.add().log_records.add(time_unix_nano=NOW_MS * 1_000_000)
    record.body.string_value = TEXT
    return request.SerializeToString()


def a_bulk() -> bytes:
    document = {"@timestamp": NOW_MS, "service": {"name": "order"}, "message": TEXT}
    return f'{{"create": {{}}}}\n{json.dumps(document)}\n'.encode()


@pytest.mark.parametrize(
    ("door", "body", "media_type"),
    [
        ("/loki/api/v1/push", a_push(), "application/x-protobuf"),
        ("/otlp/v1/logs", an_export(), "application/x-protobuf"),
        ("/elasticsearch/_bulk", a_bulk(), "application/x-ndjson"),
    ],
    ids=["loki", "otlp", "bulk"],
)
def test_packed_lines_are_masked_too(door: str, body: bytes, media_type: str, tmp_path: Path) -> None:
    with a_service(tmp_path) as client:
        assert client.post(door, content=body, headers={"Content-Type": media_type}).status_code < 300
        client.app.state.rooms.logs.checkpoint()  # type: ignore[attr-defined]
    stored = everything_in(tmp_path)
    assert "<masked:phone>" in stored
    assert not any(secret in stored for secret in SECRETS)


@pytest.mark.parametrize("version", [1, 2])
def test_no_series_is_named_by_a_person_or_a_secret(version: int, tmp_path: Path) -> None:
    labels = {"__name__": "logins_total", "job": "order", "user": "13812345678", "token": "hunter2x99"}
    body = (a_body if version == 1 else a_body_2)((labels, [(NOW_MS, 1.0)]))
    message = "prometheus.WriteRequest" if version == 1 else "io.prometheus.write.v2.Request"
    with a_service(tmp_path) as client:
        sent = {"Content-Type": f"application/x-protobuf;proto={message}"}
        assert client.post("/api/v1/write", content=body, headers=sent).status_code == 200
        names = client.app.state.rooms.signals.in_use.window.frame().keys  # type: ignore[attr-defined]
    assert [key.metric for key in names if key.metric.startswith("logins")] == [
        'logins_total{token="<masked:secret>",user="<masked:phone>"}'
    ]
    assert not any(secret in everything_in(tmp_path) for secret in SECRETS)


def test_labels_that_tell_series_apart_stay(tmp_path: Path) -> None:
    ordinary = {"session": "call_auction", "sid": "orcl1", "secret": "tls-order", "le": "0.25", "pod": "a-1"}
    masks = incoming_masks(settings_for(tmp_path))
    assert masks.series_labels(ordinary) == ordinary
    assert masks.series_labels({"session": "9f8c2b7e5d1a4063b2"}) == {"session": "<masked:secret>"}


def test_labels_without_end_are_not_all_masked() -> None:
    masked: list[str] = []

    def mask(labels: Mapping[str, str]) -> Mapping[str, str]:
        masked.extend(labels)
        return dict.fromkeys(labels, "x")

    labels = {f"l{number:05}": "13812345678" for number in range(10_000)}
    key = Namer(lambda _: ("order", ""), mask).key("up", labels)
    assert len(masked) < 100
    assert "138" not in key.metric
    assert len(key.metric) == MAX_NAME_LENGTH


def test_a_persons_note_is_stored_masked(tmp_path: Path) -> None:
    with a_service(tmp_path) as client:
        client.post("/v1/alerts", json=a_webhook()).raise_for_status()
        note = {"causes": "none", "note": TEXT}
        answer = client.post("/v1/incidents/1/verdict", json=note)
        form = {"cause": "none", "note": TEXT}
        sent = client.post("/incidents/1/verdict", data=form, follow_redirects=False)
    assert sent.status_code == 303
    assert answer.json()["note"] == "手机号<masked:phone>登录失败 password=<masked:secret>"
    assert not any(each in everything_in(tmp_path) for each in SECRETS)


def test_the_services_own_log_shows_no_secret_of_a_sender() -> None:
    error = ValueError(TEXT)
    about = {"msg": "ranking failed", "item": TEXT, "exc_info": (ValueError, error, None)}
    record = logging.makeLogRecord(about)
    shown = FieldsFormatter("%(message)s").format(record)
    assert "ranking failed" in shown
    assert "ValueError" in shown
    assert not any(each in shown for each in SECRETS)
