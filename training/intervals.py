"""Intervals of counts and shares: `models.intervals`, under training's name for it."""

from __future__ import annotations

from models.intervals import poisson_interval, wilson_interval

__all__ = ["poisson_interval", "wilson_interval"]
