"""A metric's name gives its role and its unit."""

from __future__ import annotations

import pytest

from features.golden import MEANINGS, Role, meaning_of


@pytest.mark.parametrize(
    ("metric", "value", "role", "canonical"),
    [
        ("requests", 3.0, Role.REQUESTS, 3.0),
        ("latency_us", 2e6, Role.LATENCY, 2.0),
        ("error_percent", 5.0, Role.ERRORS, 0.05),
        ("availability_ratio", 0.9, Role.ERRORS, 0.1),
        ("availability_percent", 100.0, Role.ERRORS, 0.0),
        ("cpu_percent", 50.0, Role.CPU, 0.5),
        ("memory_ratio", 0.5, Role.MEMORY, 0.5),
        ("saturation_ratio", 1.5, Role.SATURATION, 1.5),
        ("loss_percent", 1.0, Role.LOSS, 0.01),
    ],
)
def test_a_value_is_read_in_the_unit_of_its_role(
    metric: str, value: float, role: Role, canonical: float
) -> None:
    meaning = meaning_of(metric)
    assert meaning is not None
    assert meaning.role is role
    assert meaning.offset + meaning.scale * value == pytest.approx(canonical)


def test_every_role_has_a_metric_and_other_metrics_have_none() -> None:
    assert {meaning.role for meaning in MEANINGS.values()} == set(Role)
    assert meaning_of("threads") is None
    assert meaning_of("") is None
