"""Small drawings of a signal beside its normal level: geometry only, the template writes the SVG."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import fmean, median
from typing import TYPE_CHECKING

from features.golden import Role
from service.durations import duration
from service.pages.quantities import quantity

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta

WIDTH, HEIGHT, MARGIN = 220.0, 44.0, 4.0
NAMES: dict[str, str] = {str(role): role.capitalize() for role in Role}
NAMES |= {Role.CPU: "CPU", Role.LOSS: "Packet loss"}
MEAN_ROLES = frozenset({Role.LATENCY, Role.ERRORS, Role.REQUESTS})
"""Roles whose level is the mean of the window; the level of a resource is the median."""


@dataclass(frozen=True, slots=True)
class Sparkline:
    """One signal, ready to draw.

    Attributes
    ----------
    path
        SVG path of the values; gaps are where there was no value.
    normal_y, onset_x
        Where the normal median and the beginning of the incident's window are drawn.
    level, normal
        The level in the incident's window, as the sentences of evidence give it, and the normal median, in
        words.
    """

    name: str
    path: str
    dots: tuple[tuple[float, float], ...]
    normal_y: float | None
    onset_x: float
    level: str
    normal: str


def sparkline(
    role: str,
    values: Sequence[float | None],
    middle: float | None,
    times_ms: Sequence[int],
    *,
    onset_ms: int,
    step: timedelta,
) -> Sparkline:
    """Place a signal's values on the drawing; its top is the largest value, its bottom nothing.

    Parameters
    ----------
    values
        One for each of ``times_ms``; ``None`` or ``nan`` where nothing was seen.
    middle
        The normal median; ``None`` where it is not known.
    """
    values = [None if value is None or not math.isfinite(value) else value for value in values]
    top = max([*(value for value in values if value is not None), middle or 0.0, 1e-12])
    points = [
        None if value is None else (_x(index, len(values)), _y(value, top))
        for index, value in enumerate(values)
    ]
    onset = next((index for index, at_ms in enumerate(times_ms) if at_ms >= onset_ms), len(values))
    inside = [value for value in values[onset:] if value is not None]
    typical = fmean if role in MEAN_ROLES else median
    return Sparkline(
        name=f"Requests in {duration(step)}" if role == Role.REQUESTS else NAMES.get(role, role),
        path=_path(points),
        dots=_lone_points(points),
        normal_y=None if middle is None else _y(middle, top),
        onset_x=_x(onset, len(values)),
        level=quantity(role, typical(inside) if inside else None),
        normal=quantity(role, middle),
    )


def _x(index: int, n_values: int) -> float:
    return round(MARGIN + (WIDTH - 2 * MARGIN) * index / max(1, n_values - 1), 1)


def _y(value: float, top: float) -> float:
    return round(HEIGHT - MARGIN - (HEIGHT - 2 * MARGIN) * max(0.0, value) / top, 1)


def _path(points: Sequence[tuple[float, float] | None]) -> str:
    steps, is_drawing = [], False
    for point in points:
        if point is not None:
            steps.append(f"{'L' if is_drawing else 'M'}{point[0]} {point[1]}")
        is_drawing = point is not None
    return " ".join(steps)


def _lone_points(points: Sequence[tuple[float, float] | None]) -> tuple[tuple[float, float], ...]:
    """Points with a gap on either side, which a line would not show."""
    padded = [None, *points, None]
    return tuple(
        point
        for left, point, right in zip(padded, points, padded[2:], strict=False)
        if point is not None and left is None and right is None
    )
