"""What real senders call their metrics is ranked as golden names are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from builders import ONSET, a_frame
from service_builders import (
    ITEMS,
    MINUTE_MS,
    a_client,
    a_cmdb,
    a_page_record,
    a_webhook,
    an_app,
    an_incident_frame,
    as_columns,
)

from features.calendar import CLOCKS
from features.frame import Frame
from features.golden import Role
from models.artifacts.bundle import make_bundle
from models.detectors.baseline import fit_baseline
from telemetry.batches import SeriesKey

if TYPE_CHECKING:
    from pathlib import Path

DURATION = "http_server_request_duration_seconds"
GOOD, BAD = '{http_response_status_code="200"}', '{http_response_status_code="503"}'


def as_opentelemetry(golden: Frame) -> Frame:
    """The same signals as the rates and means of OpenTelemetry's histograms, by status."""
    columns: dict[SeriesKey, np.ndarray] = {}
    for item in golden.items:
        roles = {role: golden.role(role, [item])[:, 0] for role in (Role.REQUESTS, Role.LATENCY, Role.ERRORS)}
        rate = roles[Role.REQUESTS] / (golden.step_ms / 1000)
        columns[SeriesKey(item, f"{DURATION}_count_total{GOOD}")] = rate * (1.0 - roles[Role.ERRORS])
        columns[SeriesKey(item, f"{DURATION}_count_total{BAD}")] = rate * roles[Role.ERRORS]
        for status in (GOOD, BAD):
            columns[SeriesKey(item, f"{DURATION}_mean{status}")] = roles[Role.LATENCY]
    return Frame(golden.start_ms, golden.step_ms, tuple(columns), np.column_stack(list(columns.values())))


def as_sent(frame: Frame) -> Frame:
    """The frame with its rates as counters, as a sender counts."""
    values = frame.values.copy()
    for column, key in enumerate(frame.keys):
        if "_total" in key.metric:
            values[:, column] = np.cumsum(values[:, column] * (frame.step_ms / 1000))
    return Frame(frame.start_ms, frame.step_ms, frame.keys, values)


def ranking(directory: Path, normal: Frame, sent: Frame) -> dict[str, Any]:
    bundle = make_bundle(
        clock="always",
        normal=normal,
        baseline=fit_baseline(normal, CLOCKS["always"]),
        threshold=6.0,
        detectors={},
        row_thresholds={},
        metadata={"name": "first"},
        pages=a_page_record(len(normal.keys)),
    )
    with a_client(an_app(directory, bundle=bundle)) as client:
        client.post("/v1/cmdb", json=a_cmdb()).raise_for_status()
        client.post("/v1/samples", json=as_columns(sent)).raise_for_status()
        found: dict[str, Any] = client.post("/v1/alerts", json=a_webhook()).json()["alerts"][0]["ranking"]
    return found


def test_roles_by_rules_have_the_values_of_golden_names() -> None:
    golden = an_incident_frame()
    roles, expected = as_opentelemetry(golden).roles(ITEMS), golden.roles(ITEMS)
    assert roles.keys() == expected.keys()
    for role, values in expected.items():
        np.testing.assert_allclose(roles[role], values)


def test_the_cause_is_found_by_what_opentelemetry_sends(tmp_path: Path) -> None:
    golden = a_frame(ITEMS, end=ONSET.replace(hour=ONSET.hour - 2), step_ms=MINUTE_MS)
    by_name = ranking(tmp_path / "golden", golden, an_incident_frame())
    by_rule = ranking(
        tmp_path / "rules", as_opentelemetry(golden), as_sent(as_opentelemetry(an_incident_frame()))
    )
    assert by_rule["causes"] == by_name["causes"] == ["funds-db"]
    names = [[each["item"] for each in found["candidates"]] for found in (by_name, by_rule)]
    assert names[0] == names[1]
