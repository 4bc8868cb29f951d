"""The page of models: the bundles in use, and the challenger on the same ticks."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from service.dependencies import Logs, Models, Sees, ShadowRunner, Signals
from service.pages.rendering import Render
from telemetry.instants import from_ms

router = APIRouter()


@router.get("/models")
def model_page(
    signals: Signals, logs: Logs, shadow: ShadowRunner, models: Models, sees: Sees, render: Render
) -> HTMLResponse:
    """Show the bundles in use, and the challenger beside the champion."""
    in_use = signals.in_use
    return render(
        "models.html",
        champion="" if in_use.bundle is None else in_use.bundle.version,
        challenger=shadow.challenger_version,
        logs=logs.bundle_version,
        ranker=in_use.ranker.version,
        record=shadow.record,
        sees=sees,
        reason=shadow.reason,
        problem=models.challenger.problem,
        at=from_ms,
    )
