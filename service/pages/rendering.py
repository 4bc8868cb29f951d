"""Templates turned into pages: everything from outside is escaped."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from service.pages import quantities
from telemetry.instants import EPOCH

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

TEMPLATES = Environment(
    loader=PackageLoader("service.pages"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
TEMPLATES.filters.update(
    percent=quantities.percent,
    local=quantities.local,
    local_day=quantities.local_day,
    duration=quantities.duration,
    measured=quantities.measured,
    short_version=quantities.short_version,
)
STYLE = files("service.pages").joinpath("style.css").read_text(encoding="utf-8")

STYLE_VERSION = hashlib.sha256(STYLE.encode()).hexdigest()[:8]
"""Part of the style sheet's address, so that no browser keeps an old one."""


def page(template: str, *, zone: ZoneInfo, status: int = 200, **values: Any) -> HTMLResponse:
    """Render a template."""
    text = TEMPLATES.get_template(template).render(
        zone=zone, second=timedelta(seconds=1), epoch=EPOCH, style_version=STYLE_VERSION, **values
    )
    return HTMLResponse(text, status)
