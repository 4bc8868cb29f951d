"""Which questions to ask a Prometheus for a history, so that each has an answer of a bounded size.

All metrics of a histogram are in one question, because its quantiles follow from all of them.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from telemetry.errors import TooMuchAskedError
from telemetry.metric_names import Piece
from telemetry.prometheus_api import MAX_POINTS, Ticks

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

DAY_MS = 86_400_000
MAX_TICKS = 10_000
VALUES_A_QUESTION = 200_000
NAMES_A_QUESTION = 100
"""So many names still fit the length of a regular expression that sources accept."""

Family = tuple[str, ...]
"""Names of metrics that belong together: those of a histogram, or one alone."""


class Group(msgspec.Struct, frozen=True):
    """Metrics of one selector that are asked for together."""

    selector: str
    families: tuple[Family, ...]

    @property
    def names(self) -> list[str]:
        """Names of all its metrics."""
        return [name for family in self.families for name in family]


class Question(NamedTuple):
    """A group of metrics and the ticks for which it is asked."""

    group: Group
    ticks: Ticks

    @property
    def file_name(self) -> str:
        """Name of the file that holds the answer; equal questions have equal names."""
        digest = hashlib.sha256(msgspec.json.encode(self.group)).hexdigest()[:16]
        return f"{self.ticks.start_ms}-{self.ticks.end_ms}-{digest}.parquet"

    def halves(self) -> list[Question]:
        """Two questions that ask for the same; none if it cannot be smaller."""
        group, ticks = self.group, self.ticks
        if len(group.families) > 1:
            middle = len(group.families) // 2
            parts = (group.families[:middle], group.families[middle:])
            return [Question(Group(group.selector, part), ticks) for part in parts]
        if ticks.n_ticks > 1:
            middle_ms = ticks.start_ms + ticks.n_ticks // 2 * ticks.step_ms
            return [
                Question(group, ticks._replace(end_ms=middle_ms)),
                Question(group, ticks._replace(start_ms=middle_ms)),
            ]
        return []


def families_of(names: Sequence[str]) -> list[Family]:
    """Put the names of histograms and summaries together.

    >>> families_of(["up", "wait_s_bucket", "wait_s_count", "wait_s_sum", "room_count"])
    [('up',), ('wait_s_bucket', 'wait_s_count', 'wait_s_sum'), ('room_count',)]
    """
    known, found = set(names), dict[str, list[str]]()
    for name in names:
        whole = next(
            (
                name.removesuffix(f"_{piece}")
                for piece in Piece
                if name.endswith(f"_{piece}") and len(_pieces(name.removesuffix(f"_{piece}"), known)) > 1
            ),
            name,
        )
        found.setdefault(whole, []).append(name)
    return [tuple(family) for family in found.values()]


def grouped(selector: str, names: Sequence[str], counts: Mapping[str, int], *, n_ticks: int) -> list[Group]:
    """Groups of metrics whose values in some ticks are not too many, where one alone has not.

    Parameters
    ----------
    counts
        Number of series by metric; one where it is not known.
    """
    groups: list[Group] = []
    families: list[Family] = []
    n_values = n_names = 0
    for family in families_of(names):
        size = n_ticks * sum(counts.get(name, 1) for name in family)
        is_full = n_values + size > VALUES_A_QUESTION or n_names + len(family) > NAMES_A_QUESTION
        if families and is_full:
            groups.append(Group(selector, tuple(families)))
            families, n_values, n_names = [], 0, 0
        families.append(family)
        n_values, n_names = n_values + size, n_names + len(family)
    return [*groups, Group(selector, tuple(families))] if families else groups


def ticks_a_question(step_ms: int) -> int:
    """Number of ticks that one question asks for: at most a day."""
    return min(MAX_TICKS, MAX_POINTS - 1, max(1, DAY_MS // step_ms))


def questions(
    groups: Sequence[Group], *, start_ms: int, end_ms: int, step_ms: int, counts: Mapping[str, int]
) -> Iterator[Question]:
    """Every group for every part of a time.

    The parts begin at multiples of their length, so that those of an earlier run are the same ones. Groups
    of few metrics with very many series are asked for less time at once.
    """
    for group in groups:
        n_series = sum(counts.get(name, 1) for name in group.names)
        n_ticks = max(1, min(ticks_a_question(step_ms), VALUES_A_QUESTION // n_series))
        length_ms = n_ticks * step_ms
        for part_ms in range(start_ms // length_ms * length_ms, end_ms, length_ms):
            ticks = Ticks(max(part_ms, start_ms), min(part_ms + length_ms, end_ms), step_ms)
            yield Question(group, ticks)


def split(question: Question, error: TooMuchAskedError) -> list[Question]:
    """Two questions in place of one that was too much.

    Raises
    ------
    TooMuchAskedError
        The error, if one metric in one tick is too much.
    """
    halves = question.halves()
    if not halves:
        name = question.group.families[0][0]
        reason = f"{error.reason}, for {name} at one instant; leave it out with --match"
        raise TooMuchAskedError(error.address, reason) from error
    return halves


def _pieces(whole: str, known: set[str]) -> list[str]:
    return [f"{whole}_{piece}" for piece in Piece if f"{whole}_{piece}" in known]
