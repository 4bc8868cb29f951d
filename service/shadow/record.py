"""The result of a challenger in shadow: a small document, stored, shown on pages and read by the command."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from pydantic import TypeAdapter

from service.durations import duration
from telemetry.durable import replacing

if TYPE_CHECKING:
    from pathlib import Path

N_SHOWN = 10
"""Pages of one alone that are shown, the latest first."""

SHADOW = "shadow"
RECORD = "record.json"
"""The document's folder in the service's data directory, and its name there."""


@dataclass(frozen=True, slots=True)
class LonePage:
    """A page that one of the two sends, and the other does not.

    Attributes
    ----------
    by
        Which of them sends it.
    item, metric
        The series furthest over its threshold.
    at_ms
        Start of the tick.
    champion_score, champion_threshold, challenger_score, challenger_threshold
        Of that series by each; ``None`` where it has no score, or is not paged for.
    """

    by: str
    item: str
    metric: str
    at_ms: int
    champion_score: float | None
    champion_threshold: float | None
    challenger_score: float | None
    challenger_threshold: float | None


@dataclass(frozen=True)
class ShadowRecord:
    """Champion and challenger side by side over the same ticks.

    Attributes
    ----------
    champion, challenger
        Versions of their bundles.
    since_ms, until_ms
        Start of the first tick compared and end of the last; equal before the first.
    n_ticks, n_apart
        Ticks compared, and those at which different items were over their thresholds.
    n_both, n_champion, n_challenger
        Pages for the same anomaly by both, and those by one alone.
    alone
        Pages of one alone, the newest last: those shown, and those that the other may still answer.
    """

    champion: str
    challenger: str
    since_ms: int
    until_ms: int
    n_ticks: int = 0
    n_apart: int = 0
    n_both: int = 0
    n_champion: int = 0
    n_challenger: int = 0
    alone: tuple[LonePage, ...] = ()

    @property
    def latest(self) -> tuple[LonePage, ...]:
        """Pages of one alone that are shown, the newest first."""
        return self.alone[: -N_SHOWN - 1 : -1]


_DOCUMENT = TypeAdapter(ShadowRecord)


def summary_of(record: ShadowRecord) -> str:
    """Summarize a record in one sentence.

    >>> summary_of(ShadowRecord("a", "b", 0, 7_200_000, n_ticks=120, n_apart=3, n_both=5, n_challenger=9))
    'in shadow for 2 h: both paged 5 times, champion alone 0, challenger alone 9; 3 of 120 ticks apart'
    """
    length = duration(timedelta(milliseconds=record.until_ms - record.since_ms))
    return (
        f"in shadow for {length}: both paged {record.n_both} times, champion alone {record.n_champion}, "
        f"challenger alone {record.n_challenger}; {record.n_apart} of {record.n_ticks} ticks apart"
    )


def write_record(record: ShadowRecord, path: Path) -> None:
    """Write a record; it is completely on disk when this returns."""
    with replacing(path) as file:
        file.write(_DOCUMENT.dump_json(record, indent=1))


def read_record(path: Path) -> ShadowRecord | None:
    """Return the record written last, or ``None`` if there is none that can be read."""
    try:
        return _DOCUMENT.validate_json(path.read_bytes())
    except (OSError, ValueError):
        return None
