"""People, tokens and what the tests of access need of pages."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

from service_builders import NOW, StillClock

from service.access.marker import AccessMarker
from service.access.passwords import hashed
from service.data_directory import ACCESS_MARKER
from service.http.security import Gate
from service.store.sessions import SessionStore
from service.store.tokens import TokenStore
from service.store.users import UserStore

if TYPE_CHECKING:
    from pathlib import Path

    from fastapi.testclient import TestClient
    from httpx2 import Response

    from service.store.database import Database

PASSWORD = "correct horse 电池 staple"


def a_gate(database: Database, directory: Path) -> Gate:
    return Gate(
        TokenStore(database),
        UserStore(database),
        SessionStore(database, length=timedelta(days=7), idle=timedelta(hours=12)),
        AccessMarker(directory / ACCESS_MARKER),
        StillClock(),
    )


def a_person(database: Database, name: str = "zhou", *, role: str = "responder", team: str = "") -> None:
    UserStore(database).create(
        name, role=role, teams=[team] if team else [], password=hashed(PASSWORD), at=NOW, who="test"
    )


def csrf_of(page: str) -> str:
    """Return the proof of the session that a page's forms hold."""
    found = re.search(r'name="csrf" value="([0-9a-f]*)"', page)
    assert found is not None
    return found[1]


def sign_in(client: TestClient, name: str = "zhou", password: str = PASSWORD, **form: str) -> Response:
    return client.post("/sign-in", data={"name": name, "password": password, **form}, follow_redirects=False)
