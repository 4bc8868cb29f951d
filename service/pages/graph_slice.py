"""The paths from the alert to its candidates: geometry only, the template writes the SVG."""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from models.evidence.figures import probability_percent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.incidents.ranking_document import CandidateDocument, PageSnapshot

BOX_WIDTH, BOX_HEIGHT = 168, 52
GAP_X, GAP_Y, GAP_TALL = 64, 18, 34
MARGIN = 6
TIP = 7
LONGEST_NAME = 21
N_WITH_FIGURE = 4


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
    snapshot: PageSnapshot,
    alerting: str,
    candidates: Sequence[CandidateDocument],
    *,
    cause: str,
    is_tall: bool = False,
) -> GraphSlice:
    """Lay items out by their distance from the alert: each hop a column, or on a tall canvas a row."""
    items = snapshot.items
    ranks = _ranks(list(items), snapshot.edges, alerting)
    place, width, height = _placed(ranks, is_tall=is_tall)
    probability = {each.item: each.probability for each in candidates[:N_WITH_FIGURE]}
    boxes = tuple(
        Box(
            item=item,
            name=_short(items[item].name),
            about=_about(items[item].kind, probability.get(item), is_alerting=item == alerting),
            x=x,
            y=y,
            is_alerting=item == alerting,
            is_cause=item == cause,
        )
        for item, (x, y) in place.items()
    )
    way = _way(candidates, cause)
    draw = _arrow_down if is_tall else _arrow_right
    arrows = tuple(
        Arrow(draw(place[dependent], place[dependency]), (dependent, dependency) in way)
        for dependent, dependency in snapshot.edges
    )
    return GraphSlice(boxes, tuple(sorted(arrows, key=lambda each: each.is_way)), width, height)


def _placed(ranks: Sequence[Sequence[str]], *, is_tall: bool) -> tuple[dict[str, tuple[int, int]], int, int]:
    """Return the place of each item, each rank centred, and the size of the canvas."""
    along, across = (
        (BOX_HEIGHT + GAP_TALL, BOX_WIDTH + GAP_Y) if is_tall else (BOX_WIDTH + GAP_X, BOX_HEIGHT + GAP_Y)
    )
    widest = max(len(rank) for rank in ranks)
    place = {}
    for number, rank in enumerate(ranks):
        for position, item in enumerate(rank):
            deep = MARGIN + number * along
            wide = MARGIN + (widest - len(rank)) * across // 2 + position * across
            place[item] = (wide, deep) if is_tall else (deep, wide)
    width = max(x for x, _ in place.values()) + BOX_WIDTH + MARGIN
    height = max(y for _, y in place.values()) + BOX_HEIGHT + MARGIN
    return place, width, height


def _ranks(items: Sequence[str], edges: Sequence[tuple[str, ...]], alerting: str) -> list[list[str]]:
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
    last = max(hops.values()) + 1  # what no path leads to goes to the far right
    ranks = defaultdict(list)
    for item in items:
        ranks[hops.get(item, last)].append(item)
    return [ranks[hop] for hop in sorted(ranks)]


def _way(candidates: Sequence[CandidateDocument], cause: str) -> set[tuple[str, str]]:
    path = next((each.path for each in candidates if each.item == cause), ())
    return set(pairwise(path))


def _arrow_right(start: tuple[int, int], end: tuple[int, int]) -> str:
    """Return a curve from a dependent to its dependency, leaving on the side that faces it."""
    y1, y2 = start[1] + BOX_HEIGHT // 2, end[1] + BOX_HEIGHT // 2
    right, bend = BOX_WIDTH, GAP_X // 2
    if end[0] > start[0]:
        x1, x2, out, into = start[0] + right, end[0] - TIP, bend, -bend
    elif end[0] < start[0]:
        x1, x2, out, into = start[0], end[0] + right + TIP, -bend, bend
    else:
        x1, x2, out, into = start[0] + right, end[0] + right + TIP, bend, bend
    return f"M{x1} {y1} C{x1 + out} {y1} {x2 + into} {y2} {x2} {y2}"


def _arrow_down(start: tuple[int, int], end: tuple[int, int]) -> str:
    """Return a curve as on a wide canvas, turned."""
    x1, x2 = start[0] + BOX_WIDTH // 2, end[0] + BOX_WIDTH // 2
    bottom, bend = BOX_HEIGHT, GAP_TALL // 2
    if end[1] > start[1]:
        y1, y2, out, into = start[1] + bottom, end[1] - TIP, bend, -bend
    elif end[1] < start[1]:
        y1, y2, out, into = start[1], end[1] + bottom + TIP, -bend, bend
    else:
        y1, y2, out, into = start[1] + bottom, end[1] + bottom + TIP, bend, bend
    return f"M{x1} {y1} C{x1} {y1 + out} {x2} {y2 + into} {x2} {y2}"


def _about(kind: str, probability: float | None, *, is_alerting: bool) -> str:
    parts = [kind]
    if is_alerting:
        parts.append("alerting")
    if probability is not None:
        parts.append(probability_percent(probability))
    return " · ".join(parts)


def _short(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"
