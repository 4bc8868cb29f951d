import pytest
from expositions import EXPOSITIONS, Exposition

from features.golden import Role
from features.role_files import shipped_rules
from features.role_report import report_on
from features.role_rules import scale_in, unit_in
from sunspot.exposition import series_in


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
