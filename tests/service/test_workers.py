from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from service_builders import a_bundle, a_client, an_app, an_incident_frame, as_columns

from service.data_directory import PAGING_CHECKPOINT
from service.errors import StoreUnavailableError
from service.workers import checkpoint_all

if TYPE_CHECKING:
    from pathlib import Path


def test_paging_is_saved_only_once_its_pages_are_delivered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = an_app(tmp_path, bundle=a_bundle())
    rooms = app.state.rooms

    def out_of_reach() -> int:
        raise StoreUnavailableError("the store is locked")

    with a_client(app) as client:
        client.post("/v1/samples", json=as_columns(an_incident_frame())).raise_for_status()
        rooms.scoring.pipeline.advance()
        with monkeypatch.context() as broken:
            broken.setattr(rooms.paging.dispatcher, "deliver", out_of_reach)
            checkpoint_all(rooms)
        assert not (tmp_path / PAGING_CHECKPOINT).exists()
        assert "locked" in rooms.health.record("paging checkpoint").now.last_error
        assert rooms.health.record("cases").now.failing_since is None
        checkpoint_all(rooms)
        assert (tmp_path / PAGING_CHECKPOINT).exists()
