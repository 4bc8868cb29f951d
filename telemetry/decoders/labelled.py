"""What a body of labelled metrics holds, as columns, however it was sent."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from telemetry.batches import Samples, are_ends
from telemetry.decoders.gathering import EARLIEST_MS, LATEST_MS, Rejection

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from telemetry.batches import SeriesKey
    from telemetry.histograms import HistogramPoint
    from telemetry.metric_names import Part, Series

YOUNG_MS = 600_000
"""A counter that began within this time of a sample is told to have been zero then."""

OUTSIDE_YEARS = "the time is not in the years 2000 to 2099"


class DeltaPoint(NamedTuple):
    """By how much a counter rose in an interval, with the series that its running total is stored under."""

    key: SeriesKey
    time_ms: int
    value: float
    start_ms: int


@dataclass(frozen=True, slots=True)
class PartSamples:
    """Samples of series that are parts of histograms and summaries.

    Attributes
    ----------
    parts
        The distinct parts.
    part
        Shape ``(n_samples,)``, int32: index into ``parts``.
    time_ms, values
        Shape ``(n_samples,)``, int64 and float64.
    """

    parts: tuple[Part, ...]
    part: NDArray[np.int32]
    time_ms: NDArray[np.int64]
    values: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.values)

    def within(self, earliest_ms: int, latest_ms: int) -> PartSamples:
        """The samples of some times, ends included."""
        kept = (self.time_ms >= earliest_ms) & (self.time_ms <= latest_ms)
        return replace(self, part=self.part[kept], time_ms=self.time_ms[kept], values=self.values[kept])


NO_PARTS = PartSamples((), np.empty(0, dtype=np.int32), np.empty(0, dtype=np.int64), np.empty(0))


@dataclass(frozen=True, slots=True)
class Labelled:
    """What a body of labelled metrics holds.

    Attributes
    ----------
    samples
        Stored as they are, the ends of series included.
    parts
        Parts of histograms and summaries that were sent series by series.
    histograms
        Histograms that were sent complete.
    deltas
        Rises of counters.
    starts
        Counters that began lately, and when that was, in milliseconds since the epoch.
    rejected
        Points that cannot be stored, and why.
    n_points, n_histograms, n_exemplars
        Samples, complete histograms and exemplars of the body that were understood. Exemplars are passed
        over.
    n_without_value
        Points among them whose value is no number and says nothing.
    """

    samples: Samples
    parts: PartSamples = NO_PARTS
    histograms: tuple[HistogramPoint, ...] = ()
    deltas: tuple[DeltaPoint, ...] = ()
    starts: tuple[tuple[SeriesKey, int], ...] = ()
    rejected: tuple[Rejection, ...] = ()
    n_points: int = 0
    n_histograms: int = 0
    n_exemplars: int = 0
    n_without_value: int = 0

    @property
    def n_rejected(self) -> int:
        """Number of rejected points."""
        return sum(each.n_samples for each in self.rejected)

    def within(self, earliest_ms: int, latest_ms: int) -> tuple[Labelled, int, int]:
        """Leave out what histograms and rises are outside some times; its samples all stay.

        Returns
        -------
        labelled, n_too_old, n_too_new
            The rest, and how many pieces, histograms and rises were before and after it.
        """
        wholes_ms = [each.time_ms for each in self.histograms] + [each.time_ms for each in self.deltas]
        times_ms = np.concatenate([self.parts.time_ms, np.array(wholes_ms, dtype=np.int64)])
        n_too_old, n_too_new = int((times_ms < earliest_ms).sum()), int((times_ms > latest_ms).sum())
        if not n_too_old + n_too_new:
            return self, 0, 0
        rest = replace(
            self,
            parts=self.parts.within(earliest_ms, latest_ms),
            histograms=tuple(each for each in self.histograms if earliest_ms <= each.time_ms <= latest_ms),
            deltas=tuple(each for each in self.deltas if earliest_ms <= each.time_ms <= latest_ms),
        )
        return rest, n_too_old, n_too_new


@dataclass
class LabelledGathering:
    """The contents of one body so far.

    Attributes
    ----------
    numbers, times_ms, values
        One entry per sample: number of the series in the book, time and value.
    refusals
        Number of rejected points by reason.
    starts
        When counters began that began lately, by the number of their series.
    n_histograms
        Complete histograms that were understood, also those that hold nothing to store.
    """

    numbers: list[int] = field(default_factory=list)
    times_ms: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    histograms: list[HistogramPoint] = field(default_factory=list)
    deltas: list[DeltaPoint] = field(default_factory=list)
    refusals: Counter[str] = field(default_factory=Counter)
    starts: dict[int, int] = field(default_factory=dict)
    n_histograms: int = 0
    n_exemplars: int = 0
    n_without_value: int = 0

    def add(self, number: int, time_ms: int, value: float) -> None:
        """Add a sample."""
        self.numbers.append(number)
        self.times_ms.append(time_ms)
        self.values.append(value)

    def add_histogram(self, point: HistogramPoint) -> None:
        """Add a complete histogram."""
        self.histograms.append(point)
        self.n_histograms += 1

    def refuse(self, reason: str, n_points: int = 1) -> None:
        """Note that points are rejected."""
        self.refusals[reason] += n_points

    def merge(self, other: LabelledGathering) -> None:
        """Add what another gathering holds apart from samples."""
        self.histograms += other.histograms
        self.deltas += other.deltas
        self.refusals.update(other.refusals)
        self.starts.update(other.starts)
        self.n_histograms += other.n_histograms
        self.n_exemplars += other.n_exemplars
        self.n_without_value += other.n_without_value

    def labelled(self, series: Sequence[Series]) -> Labelled:
        """Return everything gathered."""
        times_ms, numbers, values = self.as_columns()
        return columns(series, numbers, times_ms, values, gathering=self)

    def as_columns(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
        """Times, numbers and values of the samples; a time beyond 64 bits or out of all bounds is 0."""
        times_ms = [each if EARLIEST_MS <= each < LATEST_MS else 0 for each in self.times_ms]
        return (
            np.array(times_ms, dtype=np.int64),
            np.array(self.numbers, dtype=np.int64),
            np.array(self.values, dtype=np.float64),
        )


def columns(
    series: Sequence[Series],
    numbers: NDArray[np.int64],
    times_ms: NDArray[np.int64],
    values: NDArray[np.float64],
    *,
    gathering: LabelledGathering,
) -> Labelled:
    """Sort samples into those stored as they are and those of parts; leave out what says nothing.

    Parameters
    ----------
    series
        The series by number.
    numbers, times_ms, values
        Shape ``(n_samples,)``.
    gathering
        What was gathered beside the samples.
    """
    refusals = Counter(gathering.refusals)
    in_years = (times_ms >= EARLIEST_MS) & (times_ms < LATEST_MS)
    if n_outside := int((~in_years).sum()):
        refusals[OUTSIDE_YEARS] += n_outside
    used = in_years & (np.isfinite(values) | are_ends(values))
    n_without_value = int((in_years & ~used).sum()) + gathering.n_without_value
    if not used.all():
        numbers, times_ms, values = numbers[used], times_ms[used], values[used]
    present, index = np.unique(numbers, return_inverse=True)
    found = [series[number] for number in present.tolist()]
    rejected = tuple(Rejection(0, reason, n_samples) for reason, n_samples in refusals.items())
    return Labelled(
        samples=_plain(found, index, times_ms, values),
        parts=_parts(found, index, times_ms, values),
        histograms=tuple(gathering.histograms),
        deltas=tuple(gathering.deltas),
        starts=tuple(
            (key, start_ms)
            for number, start_ms in gathering.starts.items()
            if start_ms >= EARLIEST_MS and (key := series[number].key) is not None
        ),
        rejected=rejected,
        n_points=int(in_years.sum()) + len(gathering.deltas) + gathering.n_without_value,
        n_histograms=gathering.n_histograms,
        n_exemplars=gathering.n_exemplars,
        n_without_value=n_without_value,
    )


def _plain(
    found: Sequence[Series],
    index: NDArray[np.int64],
    times_ms: NDArray[np.int64],
    values: NDArray[np.float64],
) -> Samples:
    keys = tuple(each.key for each in found if each.key is not None)
    if len(keys) == len(found):
        return Samples(keys, index.astype(np.int32), times_ms, values)
    is_kept = np.array([each.key is not None for each in found], dtype=bool)
    place = (np.cumsum(is_kept) - 1).astype(np.int32)
    chosen = is_kept[index]
    return Samples(keys, place[index[chosen]], times_ms[chosen], values[chosen])


def _parts(
    found: Sequence[Series],
    index: NDArray[np.int64],
    times_ms: NDArray[np.int64],
    values: NDArray[np.float64],
) -> PartSamples:
    parts = tuple(each.part for each in found if each.part is not None)
    if not parts:
        return NO_PARTS
    is_part = np.array([each.part is not None for each in found], dtype=bool)
    place = (np.cumsum(is_part) - 1).astype(np.int32)
    chosen = is_part[index]
    return PartSamples(parts, place[index[chosen]], times_ms[chosen], values[chosen])
