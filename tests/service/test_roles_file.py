"""The operator's own rules of roles: read when the service starts, the same for training."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
import numpy as np
import pytest
from service_builders import FakeSource, a_client, an_app, settings_for

from features.frame import Frame
from features.golden import Role
from features.role_files import shipped_rules
from features.roles_in_use import rules_in_use, use_rules
from models.artifacts.bundle import normal_part
from service.app import create_app
from service.errors import BadRolesFileError
from service.model_registry.sources import Sources
from sunspot.train import read_roles_by
from telemetry.batches import SeriesKey

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OWN = "- {rule: depth, role: saturation, metric: jobs_queued, combine: sum, scale: 0.01}\n"
DEPTH = (SeriesKey("order", 'jobs_queued{queue="a"}'), SeriesKey("order", 'jobs_queued{queue="b"}'))


@pytest.fixture(autouse=True)
def shipped_afterwards() -> Iterator[None]:
    yield
    use_rules(shipped_rules())


def a_frame_of_depths() -> Frame:
    keys = (*DEPTH, SeriesKey("order", "build_info"))
    return Frame(0, 60_000, keys, np.array([[3.0, 4.0, 1.0], [np.nan, 4.0, 1.0]]))


def test_the_service_reads_the_file_and_training_reads_the_same(tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(OWN)
    assert a_frame_of_depths().roles(["order"]) == {}
    with a_client(an_app(tmp_path, roles=path)):
        of_the_service = a_frame_of_depths().role(Role.SATURATION, ["order"])
    use_rules(shipped_rules())
    read_roles_by(path)
    of_training = a_frame_of_depths().role(Role.SATURATION, ["order"])
    assert of_training.tolist() == of_the_service.tolist() == [[0.07], [0.04]]


def test_a_frame_keeps_the_rules_that_it_was_first_read_by(tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(OWN)
    read_roles_by(path)
    frame = a_frame_of_depths()
    assert frame.role_columns.is_read.tolist() == [True, True, False]
    read_roles_by(None)
    assert rules_in_use() is shipped_rules()
    assert frame.between(60_000, 120_000).role(Role.SATURATION, ["order"]).tolist() == [[0.04]]


def test_a_bundle_keeps_what_roles_are_read_from(tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(OWN)
    read_roles_by(path)
    assert normal_part(a_frame_of_depths()).keys == DEPTH


@pytest.mark.parametrize("content", [None, b"- {rule: a}", b"\xff"])
def test_a_file_that_cannot_be_used_stops_the_start(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "own.yaml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BadRolesFileError, match=r"own\.yaml"):
        create_app(settings_for(tmp_path, roles=path), sources=Sources(FakeSource))
    with pytest.raises(click.UsageError, match=r"own\.yaml"):
        read_roles_by(path)
