"""Templates turned into pages: everything from outside is escaped."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from importlib.resources import files
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import Depends
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from models.evidence.figures import probability_percent
from service.dependencies import AccessGate, MaybeSentBy, ServiceSettings
from service.durations import duration
from service.pages import quantities
from telemetry.instants import EPOCH

if TYPE_CHECKING:
    from service.access.sender import Sender
    from service.http.security import Gate

TEMPLATES = Environment(
    loader=PackageLoader("service.pages"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
TEMPLATES.filters.update(
    percent=probability_percent,
    local=quantities.local,
    local_day=quantities.local_day,
    duration=duration,
    measured=quantities.measured,
    short_version=quantities.short_version,
)
TEMPLATES.tests.update(seen_by=lambda item, view: view.sees(item))
STYLE = files("service.pages").joinpath("style.css").read_text(encoding="utf-8")

STYLE_VERSION = hashlib.sha256(STYLE.encode()).hexdigest()[:8]
"""Part of the style sheet's address, so that no browser shows an old one."""


@dataclass(frozen=True)
class Renderer:
    """Renders pages, each with what every page shows.

    Attributes
    ----------
    zone
        The exchange's, which times are shown in.
    gate
        Says whether there is no token yet, which every page warns of.
    sender
        Who asked for the page; ``None`` for a stranger.
    """

    zone: ZoneInfo
    gate: Gate
    sender: Sender | None = None

    def __call__(self, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
        """Render a template with its values."""
        text = TEMPLATES.get_template(template).render(
            zone=self.zone,
            is_open=self.gate.is_open,
            sender=self.sender,
            second=timedelta(seconds=1),
            epoch=EPOCH,
            style_version=STYLE_VERSION,
            **values,
        )
        return HTMLResponse(text, status)


async def _renderer(settings: ServiceSettings, gate: AccessGate, sender: MaybeSentBy) -> Renderer:
    return Renderer(ZoneInfo(settings.time_zone), gate, sender)


Render = Annotated[Renderer, Depends(_renderer)]
"""A page's parameter that renders it."""
