from __future__ import annotations

import asyncio
from contextlib import ExitStack
from typing import TYPE_CHECKING, get_args, get_origin

import pytest
from fastapi import Depends, FastAPI, Request
from service_builders import FakeSource, StillClock, settings_for

from service import dependencies
from service.access.sender import LOCAL
from service.model_registry.sources import Sources
from service.wiring import open_rooms

if TYPE_CHECKING:
    from collections.abc import Iterator

FROM_ROOMS = {
    name: get_args(alias)
    for name, alias in vars(dependencies).items()
    if name not in {"RawBody", "IncidentId", "ItemId", "AfterPlace"} and len(get_args(alias)) == 2
}


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FastAPI]:
    settings, app = settings_for(tmp_path_factory.mktemp("rooms")), FastAPI()
    with ExitStack() as opened:
        app.state.rooms = open_rooms(settings, opened, sources=Sources(FakeSource), clock=StillClock())
        yield app


@pytest.mark.parametrize("name", FROM_ROOMS)
def test_a_dependency_is_what_its_annotation_says(app: FastAPI, name: str) -> None:
    annotated, found = FROM_ROOMS[name]
    assert isinstance(found, type(Depends()))
    assert found.dependency is not None
    value = asyncio.run(found.dependency(Request({"type": "http", "app": app, "state": {"sender": LOCAL}})))
    if name not in {"Clock", "MaybeSentBy"}:  # a protocol, and one of two
        assert isinstance(value, get_origin(annotated) or annotated)
