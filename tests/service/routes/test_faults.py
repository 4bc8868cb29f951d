from __future__ import annotations

import logging
from typing import TYPE_CHECKING, NoReturn

from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from service_builders import LOCAL, an_app

from service.logging_setup import FieldsFormatter

if TYPE_CHECKING:
    from pathlib import Path


def test_an_internal_fault_is_a_problem_that_reveals_nothing(tmp_path: Path) -> None:
    app = an_app(tmp_path)

    def broken() -> NoReturn:
        raise RuntimeError("a secret detail")

    app.router.routes.insert(0, APIRoute("/healthz", broken, response_model=None))
    with TestClient(app, base_url=LOCAL, raise_server_exceptions=False) as client:
        answer = client.get("/healthz")
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert "secret" not in answer.text


def test_what_the_service_counts_is_exported_to_prometheus(tmp_path: Path) -> None:
    with TestClient(an_app(tmp_path), base_url=LOCAL) as client:
        samples = [{"item": "a", "metric": "m", "time": "2026-03-04T02:00:00Z", "value": 1}]
        client.post("/v1/samples", json={"samples": samples})
        client.post("/v1/alerts", json={"alerts": [{}]})
        text = client.get("/metrics").text
    assert 'sunspot_samples_total{outcome="accepted"} 1.0' in text
    assert 'sunspot_alerts_total{answer="unenriched"} 1.0' in text
    assert 'sunspot_requests_total{method="POST",route="/v1/alerts",status="200"} 1.0' in text
    assert "sunspot_incidents 1.0" in text


def test_a_log_line_has_its_values_as_fields() -> None:
    record = logging.makeLogRecord({"msg": "champion adopted", "version": "a b", "n": 2})
    assert FieldsFormatter("%(message)s").format(record) == 'champion adopted version="a b" n=2'


def test_no_log_line_and_no_traceback_holds_the_password_of_an_address() -> None:
    error = OSError("cannot reach http://ann:s3cret@mlflow:5000/api")
    record = logging.makeLogRecord(
        {"msg": "failed", "target": "https://ann:s3cret@hooks.firm", "exc_info": (OSError, error, None)}
    )
    line = FieldsFormatter("%(message)s").format(record)
    assert "s3cret" not in line
    assert "http://<masked:secret>@mlflow:5000/api" in line
    assert "https://<masked:secret>@hooks.firm" in line
