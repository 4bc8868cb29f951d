"""How sure a count or a share is: `models.intervals`, under the name by which training knows it."""

from __future__ import annotations

from models.intervals import poisson_interval, wilson_interval

__all__ = ["poisson_interval", "wilson_interval"]
