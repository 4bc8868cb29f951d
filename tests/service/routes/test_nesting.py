"""However deep a body is nested, it is refused by the sender's own fault and never by one of Sunspot's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from service_builders import a_service

from service.http.body_reader import MAX_NESTING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fastapi.testclient import TestClient

DEPTHS = (MAX_NESTING + 1, 500, 900, *range(940, 1_010, 5), 5_000, 100_000)
BODIES = {
    "/v1/samples": ("%s", '{"samples": %s}', '{"x": %s, "samples": []}'),
    "/v1/logs": ("%s", '{"service": "a", "message": %s}'),
    "/loki/api/v1/push": ("%s", '{"streams": [{"stream": {"service": "a"}, "values": [["1", %s]]}]}'),
    "/otlp/v1/logs": ("%s", '{"resourceLogs": [{"scopeLogs": [{"logRecords": [{"body": %s}]}]}]}'),
    "/v1/alerts": ("%s", '{"alerts": [{"labels": {"a": %s}}]}'),
    "/v1/changes": ("%s", '{"changes": [{"id": %s}]}'),
    "/v1/cmdb": ("%s", '{"items": [{"id": "a", "attributes": {"a": %s}}], "edges": []}'),
    "/v1/maintenance": ("%s", '{"items": %s}'),
    "/v1/incidents/1/verdict": ("%s", '{"causes": "none", "note": %s}'),
}
REFUSED_WHOLE = ("/v1/alerts", "/v1/changes", "/v1/cmdb", "/v1/maintenance", "/v1/incidents/1/verdict")


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    with a_service(tmp_path_factory.mktemp("nested")) as running:
        yield running


@pytest.mark.parametrize("nested", ["[]", "{}"])
@pytest.mark.parametrize("path", BODIES)
def test_no_nesting_is_a_fault_of_the_service(client: TestClient, path: str, nested: str) -> None:
    begin, end = ('{"a":', "}") if nested == "{}" else ("[", "]")
    for body in BODIES[path]:
        for depth in DEPTHS:
            status = client.post(path, content=body % f"{begin * depth}1{end * depth}").status_code
            assert status < 500
            assert status == 400 or path not in REFUSED_WHOLE
