"""Sending tables and change events to a service, and reporting invalid rows."""

from __future__ import annotations

import json
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, NamedTuple

import pytest
from click.testing import CliRunner
from local_servers import serving

from sunspot.imports import command

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DOCUMENT = {
    "items": [{"id": "app", "team": "trading"}, {"id": "db"}, {"id": "db"}],
    "edges": [{"dependent": "app", "dependency": "db"}],
}
ACCEPTED = {"graph_version": "abc", "items": 2, "edges": 1, "rejected": 1, "rejections": []}


class Received(NamedTuple):
    path: str
    token: str
    body: object


@contextmanager
def a_service(status: int, answer: object) -> Iterator[tuple[str, list[Received]]]:
    """Answer every request on loopback alike; yields the address and the received requests."""
    received: list[Received] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.append(Received(self.path, self.headers.get("Authorization", ""), json.loads(body)))
            content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    with serving(Handler) as address:
        yield address, received


def written(directory: Path, document: object) -> str:
    path = directory / "document.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    return str(path)


def test_a_document_is_sent_and_skipped_rows_are_listed(tmp_path: Path) -> None:
    with a_service(200, ACCEPTED) as (url, received):
        result = CliRunner().invoke(
            command, ["cmdb", written(tmp_path, DOCUMENT), "--url", url + "/", "--token", "secret"]
        )
    assert result.exit_code == 0
    assert "graph abc is in use: 2 items and 1 edges" in result.output
    assert "1 rows were skipped:\n  items row 3: the id 'db' is taken by an earlier row" in result.output
    assert received == [Received("/v1/cmdb", "Bearer secret", DOCUMENT)]


def test_csv_tables_are_sent_as_the_same_document(tmp_path: Path) -> None:
    (tmp_path / "items.csv").write_text("id,team\napp,trading\ndb,\n")
    (tmp_path / "edges.csv").write_text("dependent,dependency\napp,db\n")
    with a_service(200, ACCEPTED) as (url, received):
        result = CliRunner().invoke(command, ["cmdb", str(tmp_path), "--url", url])
    assert result.exit_code == 0
    assert received[0].body == {
        "items": [{"id": "app", "team": "trading"}, {"id": "db", "team": ""}],
        "edges": [{"dependent": "app", "dependency": "db"}],
    }


def test_a_dry_run_sends_nothing(tmp_path: Path) -> None:
    result = CliRunner().invoke(
        command, ["cmdb", written(tmp_path, DOCUMENT), "--dry-run", "--url", "http://127.0.0.1:1"]
    )
    assert result.exit_code == 0
    assert "2 items and 1 edges; nothing was sent" in result.output
    assert "items row 3" in result.output


def test_a_long_list_of_rejections_is_truncated(tmp_path: Path) -> None:
    document = {"items": [{"id": "app"}] * 150, "edges": []}
    result = CliRunner().invoke(command, ["cmdb", written(tmp_path, document), "--dry-run"])
    assert "149 rows were skipped" in result.output
    assert "and 49 more" in result.output


def test_a_file_that_cannot_be_read_is_a_clear_error(tmp_path: Path) -> None:
    result = CliRunner().invoke(command, ["cmdb", written(tmp_path, [])])
    assert result.exit_code == 1
    assert "must be an object with items and edges" in result.output
    assert "nothing was imported" in result.output


def test_what_an_import_changes_is_shown(tmp_path: Path) -> None:
    difference = {
        "items_added": 30,
        "items_retired": 1,
        "items_changed": 0,
        "edges_added": 4,
        "edges_retired": 0,
        "added": ["app", "db"],
        "retired": ["old"],
        "changed": [],
    }
    with a_service(200, ACCEPTED | {"difference": difference}) as (url, received):
        result = CliRunner().invoke(
            command, ["cmdb", written(tmp_path, DOCUMENT), "--url", url, "--allow-shrink"]
        )
        dry = CliRunner().invoke(command, ["cmdb", written(tmp_path, DOCUMENT), "--url", url, "--dry-run"])
        as_json = CliRunner().invoke(
            command, ["cmdb", written(tmp_path, DOCUMENT), "--url", url, "--dry-run", "--json"]
        )
    shown = "  30 items are new: app, db …\n  1 are retired: old\n  4 edges are new\n"
    assert shown in result.output
    assert shown in dry.output
    assert json.loads(as_json.stdout)["difference"] == difference
    assert [each.path for each in received] == [
        "/v1/cmdb?allow_shrink=true",
        "/v1/cmdb?dry_run=true",
        "/v1/cmdb?dry_run=true",
    ]


def test_a_refused_import_ends_with_an_error(tmp_path: Path) -> None:
    problem = {"title": "Much less than the graph in use", "detail": "all 8 edges would be gone"}
    with a_service(409, problem) as (url, _):
        result = CliRunner().invoke(command, ["cmdb", written(tmp_path, DOCUMENT), "--url", url])
    assert result.exit_code == 1
    assert "all 8 edges would be gone" in result.output


def test_change_events_are_sent(tmp_path: Path) -> None:
    changes = {"changes": [{"id": "1", "item": "order", "at": "2026-03-04T01:55:00Z"}]}
    answer = {"accepted": 1, "known": 0, "unknown_items": ["order"]}
    with a_service(200, answer) as (url, received):
        result = CliRunner().invoke(command, ["changes", written(tmp_path, changes), "--url", url])
    assert result.exit_code == 0
    assert "1 change events were new, 0 already known" in result.output
    assert "not in the dependency graph: order" in result.output
    assert received == [Received("/v1/changes", "", changes)]


@pytest.mark.parametrize("document", [[], {"changes": {}}, {}])
def test_a_document_without_a_list_of_changes_is_a_clear_error(tmp_path: Path, document: object) -> None:
    result = CliRunner().invoke(command, ["changes", written(tmp_path, document)])
    assert result.exit_code == 1
    assert "is not an object with a list of changes" in result.output


def test_changes_that_are_not_json_are_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "changes.json").write_bytes(b"\xff{")
    result = CliRunner().invoke(command, ["changes", str(tmp_path / "changes.json")])
    assert result.exit_code == 1
    assert "is not a JSON document in UTF-8" in result.output


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "nonsense", "http://[::1"])
def test_no_service_is_a_clear_error(tmp_path: Path, url: str) -> None:
    result = CliRunner().invoke(command, ["cmdb", written(tmp_path, DOCUMENT), "--url", url])
    assert result.exit_code == 1
    assert f"no service answers at {url}" in result.output
    assert "sunspot serve" in result.output


@pytest.mark.parametrize(
    ("status", "answer", "shown"),
    [
        (
            403,
            {"title": "Missing scope", "detail": "needs admin"},
            "answered 403: Missing scope: needs admin",
        ),
        (500, b"<html>", "answered 500: this is not the answer of a Sunspot service"),
        (422, {"wrong": 1}, 'answered 422: {"wrong": 1}'),
        (200, [], "answered 200: this is not the answer of a Sunspot service"),
    ],
)
def test_a_refusal_is_shown_in_the_services_words(
    tmp_path: Path, status: int, answer: object, shown: str
) -> None:
    with a_service(status, answer) as (url, _):
        result = CliRunner().invoke(command, ["cmdb", written(tmp_path, DOCUMENT), "--url", url])
    assert result.exit_code == 1
    assert shown in result.output


def test_a_token_that_does_not_fit_in_a_header_is_a_clear_error(tmp_path: Path) -> None:
    result = CliRunner().invoke(command, ["cmdb", written(tmp_path, DOCUMENT), "--token", "秘密"])
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit)
