"""The way from the alert to its candidates, drawn: geometry only, the template writes the SVG."""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from service.pages.quantities import percent

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

BOX_WIDTH, BOX_HEIGHT = 168, 52
GAP_X, GAP_Y = 64, 18
MARGIN = 6
LONGEST_NAME = 21


@dataclass(frozen=True, slots=True)
class Box:
    """An item, ready to draw."""

    item: str
    name: str
    about: str
    x: int
    y: int
    is_alerting: bool
    is_cause: bool


@dataclass(frozen=True, slots=True)
class Arrow:
    """A dependency, ready to draw."""

    path: str
    is_way: bool


@dataclass(frozen=True, slots=True)
class GraphSlice:
    """Boxes and arrows on a canvas."""

    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]
    width: int
    height: int


def graph_slice(
    picture: Mapping[str, Any], alerting: str, candidates: Sequence[Mapping[str, Any]], *, cause: str
) -> GraphSlice:
    """Lay items out by their distance from the alert, each hop a column to the right."""
    items: Mapping[str, Mapping[str, str]] = picture["items"]
    columns = _columns(list(items), [tuple(edge) for edge in picture["edges"]], alerting)
    height = max((len(rows) for rows in columns), default=0) * (BOX_HEIGHT + GAP_Y) - GAP_Y + 2 * MARGIN
    probability = {each["item"]: each["probability"] for each in candidates[:4]}
    place = {
        item: (
            MARGIN + column * (BOX_WIDTH + GAP_X),
            (height - len(rows) * (BOX_HEIGHT + GAP_Y) + GAP_Y) // 2 + row * (BOX_HEIGHT + GAP_Y),
        )
        for column, rows in enumerate(columns)
        for row, item in enumerate(rows)
    }
    boxes = tuple(
        Box(
            item=item,
            name=_short(items[item]["name"]),
            about=_about(items[item]["kind"], probability.get(item), is_alerting=item == alerting),
            x=x,
            y=y,
            is_alerting=item == alerting,
            is_cause=item == cause,
        )
        for item, (x, y) in place.items()
    )
    way = _way(candidates, cause)
    arrows = tuple(
        Arrow(_arrow(place[dependent], place[dependency]), (dependent, dependency) in way)
        for dependent, dependency in picture["edges"]
    )
    width = len(columns) * (BOX_WIDTH + GAP_X) - GAP_X + 2 * MARGIN
    return GraphSlice(boxes, tuple(sorted(arrows, key=lambda each: each.is_way)), width, height)


def _columns(items: Sequence[str], edges: Sequence[tuple[str, ...]], alerting: str) -> list[list[str]]:
    needs = defaultdict(list)
    for dependent, dependency in edges:
        needs[dependent].append(dependency)
    hops, waiting = {alerting: 0}, deque([alerting])
    while waiting:
        here = waiting.popleft()
        for near in needs[here]:
            if near not in hops:
                hops[near] = hops[here] + 1
                waiting.append(near)
    last = max(hops.values()) + 1  # what no way leads to stands apart, on the right
    columns = defaultdict(list)
    for item in items:
        columns[hops.get(item, last)].append(item)
    return [columns[column] for column in sorted(columns)]


def _way(candidates: Sequence[Mapping[str, Any]], cause: str) -> set[tuple[str, str]]:
    path: list[str] = next((each["path"] for each in candidates if each["item"] == cause), [])
    return set(pairwise(path))


def _arrow(start: tuple[int, int], end: tuple[int, int]) -> str:
    """Return a curve from a dependent to its dependency, leaving on the side that faces it."""
    half = BOX_HEIGHT // 2
    if end[0] > start[0]:
        x1, x2, bend = start[0] + BOX_WIDTH, end[0] - 7, GAP_X // 2
    elif end[0] < start[0]:
        x1, x2, bend = start[0], end[0] + BOX_WIDTH + 7, -GAP_X // 2
    else:
        x1, x2, bend = start[0] + BOX_WIDTH, end[0] + BOX_WIDTH + 7, GAP_X // 2
    y1, y2 = start[1] + half, end[1] + half
    return f"M{x1} {y1} C{x1 + bend} {y1} {x2 + bend * (1 if end[0] == start[0] else -1)} {y2} {x2} {y2}"


def _about(kind: str, probability: float | None, *, is_alerting: bool) -> str:
    parts = [kind]
    if is_alerting:
        parts.append("alerting")
    if probability is not None:
        parts.append(percent(probability))
    return " · ".join(parts)


def _short(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"
