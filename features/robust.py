"""Robust estimates: figures that a few outliers do not change."""

from __future__ import annotations

from typing import Final

NORMAL_CONSISTENCY: Final = 1.4826
"""Standard deviations per median absolute deviation, for normally distributed values."""
