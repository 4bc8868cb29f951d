import numpy as np
import pytest
from expositions import EXPOSITIONS, Exposition

from features.frame import frame_of
from features.golden import Role
from features.role_files import shipped_rules
from features.role_report import report_on
from features.role_rules import scale_in, unit_in
from sunspot.exposition import series_in
from telemetry.batches import Samples, SeriesKey


@pytest.mark.parametrize("exposition", EXPOSITIONS, ids=[each.sender for each in EXPOSITIONS])
def test_an_exposition_is_read_by_the_rules_meant(exposition: Exposition) -> None:
    exposed = series_in(exposition.text, added={"job": "order"}, item_labels=("job",))
    read = {each.rule for each in report_on(exposed.keys, shipped_rules()).readings}
    assert set(exposition.rules.split()) <= read


def test_every_shipped_rule_has_an_exposition() -> None:
    shown = {rule for each in EXPOSITIONS for rule in each.rules.split()}
    assert {rule.name for rule in shipped_rules().rules} == shown


def test_every_latency_has_a_unit() -> None:
    unnamed = [
        rule.name
        for rule in shipped_rules().rules
        if rule.role is Role.LATENCY and not rule.unit and "seconds" not in rule.value.metric.pattern
    ]
    assert unnamed == []


@pytest.mark.parametrize(
    ("name", "unit", "scale"),
    [
        ("request_duration_seconds_mean", "seconds", 1.0),
        ("request_duration_milliseconds_mean", "milliseconds", 0.001),
        ("request_duration_milliseconds_count_total", "", 1.0),
        ("used_percent", "percent", 0.01),
        ("threads", "", 1.0),
    ],
)
def test_units_follow_from_names(name: str, unit: str, scale: float) -> None:
    assert (unit_in(name), scale_in(name)) == (unit, scale)


def test_a_host_and_a_service_have_the_values_that_their_text_means() -> None:
    per_tick = {
        'node_cpu_seconds_total{cpu="0",mode="idle"}': 45.0,
        'node_cpu_seconds_total{cpu="0",mode="user"}': 15.0,
        'node_cpu_seconds_total{cpu="1",mode="idle"}': 60.0,
        'node_network_receive_drop_total{device="eth0"}': 2.0,
        'node_network_receive_packets_total{device="eth0"}': 100.0,
        'http_request_duration_seconds_count_total{code="200"}': 90.0,
        'http_request_duration_seconds_count_total{code="503"}': 30.0,
    }
    gauges = {
        "node_memory_MemAvailable_bytes": 2e9,
        "node_memory_MemTotal_bytes": 8e9,
        "node_load1": 1.0,
        'http_request_duration_seconds_mean{code="200"}': 0.1,
        'http_request_duration_seconds_mean{code="503"}': 0.5,
    }
    keys = tuple(SeriesKey("order", metric) for metric in (*per_tick, *gauges))
    times_ms = [tick * 60_000 for tick in range(3) for _ in keys]
    values = [each * tick for tick in range(1, 4) for each in per_tick.values()]
    rows = [
        [*values[tick * len(per_tick) : (tick + 1) * len(per_tick)], *gauges.values()] for tick in range(3)
    ]
    samples = Samples(
        keys, np.tile(np.arange(len(keys)), 3), np.array(times_ms, dtype=np.int64), np.array(rows).ravel()
    )
    frame = frame_of(samples, step_ms=60_000, start_ms=0, end_ms=180_000)
    means = {role: values[1:, 0] for role, values in frame.roles(["order"]).items()}
    expected = {
        Role.REQUESTS: 120.0,
        Role.LATENCY: 0.2,
        Role.ERRORS: 0.25,
        Role.CPU: 0.125,
        Role.MEMORY: 0.75,
        Role.SATURATION: 0.5,
        Role.LOSS: 0.02,
    }
    assert {role: pytest.approx([value, value]) for role, value in expected.items()} == means
