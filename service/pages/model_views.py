"""The page of models: what serves, and what the challenger makes of the same ticks."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends
from fastapi.responses import HTMLResponse

from service.http.security import reader_of_pages
from service.pages.rendering import page
from service.parts import Parts
from telemetry.instants import from_ms

router = APIRouter()


@router.get("/models", dependencies=[Depends(reader_of_pages)])
def model_page(parts: Parts) -> HTMLResponse:
    """Show the bundles in use, and the challenger beside the champion."""
    in_use, shadow = parts.live.in_use, parts.shadow
    return page(
        "models.html",
        zone=ZoneInfo(parts.settings.time_zone),
        champion="" if in_use.bundle is None else in_use.bundle.version,
        challenger=shadow.challenger_version,
        logs=parts.logs.bundle_version,
        ranker=in_use.ranker.version,
        record=shadow.record,
        reason=shadow.reason,
        problem=parts.challenger.problem,
        at=from_ms,
        is_open=parts.gate.is_open,
    )
