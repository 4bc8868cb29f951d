"""Collects the good samples of a body, and the reasons why others are rejected."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from telemetry.batches import Samples, SeriesKey
from telemetry.names import CONTROL, MAX_NAME_LENGTH

if TYPE_CHECKING:
    from collections.abc import Iterable


MAX_REJECTIONS = 1_000
EARLIEST_MS = 946_684_800_000
"""2000-01-01; an earlier sample comes from a wrong clock or a wrong unit."""
LATEST_MS = 4_102_444_800_000
"""2100-01-01."""
FURTHER = "further samples, not listed"


class BadSampleError(ValueError):
    """Why one sample is rejected."""


@dataclass(frozen=True, slots=True)
class Rejection:
    """A rejected sample, or several adjacent ones with the same reason.

    Attributes
    ----------
    index
        Place of the first one in the body, counting ``samples`` first, then the values of each of
        ``series``.
    reason
        What is wrong.
    n_samples
        Number of samples.
    """

    index: int
    reason: str
    n_samples: int = 1


@dataclass(frozen=True, slots=True)
class Decoded:
    """The good samples of a body, in its order, and the rejected ones.

    At most 1000 rejections are listed singly; one more then stands for all the others.
    """

    samples: Samples
    rejected: tuple[Rejection, ...] = ()

    @property
    def n_rejected(self) -> int:
        """Number of rejected samples."""
        return sum(each.n_samples for each in self.rejected)


class Gathering:
    """The samples of one body so far, good and rejected."""

    def __init__(self) -> None:
        self._position: dict[tuple[str, str], int] = {}
        self._numbers: list[int] = []
        self._times_ms: list[int] = []
        self._values: list[float] = []
        self._rejected: list[Rejection] = []
        self._n_rejected = 0

    @property
    def n_seen(self) -> int:
        """Number of samples read, the rejected ones included."""
        return len(self._values) + self._n_rejected

    def add(self, numbers: Iterable[int], times_ms: Iterable[int], values: Iterable[float]) -> None:
        """Add samples of series numbered by `number_of`."""
        self._numbers.extend(numbers)
        self._times_ms.extend(times_ms)
        self._values.extend(values)

    def add_one(self, number: int, at_ms: int, value: float) -> None:
        """Add one sample of a series numbered by `number_of`."""
        self._numbers.append(number)
        self._times_ms.append(at_ms)
        self._values.append(value)

    def number_of(self, item: str, metric: str) -> int:
        """Number of a series; `BadSampleError` if a name is invalid."""
        number = self._position.get((item, metric))
        if number is None:
            check_name("item", item)
            check_name("metric", metric)
            number = self._position[item, metric] = len(self._position)
        return number

    def reject(self, rejection: Rejection) -> None:
        """Record rejected samples."""
        self._n_rejected += rejection.n_samples
        if len(self._rejected) < MAX_REJECTIONS:
            self._rejected.append(rejection)
            return
        last = self._rejected[-1]
        n_samples = rejection.n_samples + (last.n_samples if last.reason == FURTHER else 0)
        if last.reason == FURTHER:
            self._rejected[-1] = Rejection(last.index, FURTHER, n_samples)
        else:
            self._rejected.append(Rejection(rejection.index, FURTHER, n_samples))

    def decoded(self) -> Decoded:
        """Return everything gathered.

        Raises
        ------
        BadSampleError
            If a value is not finite, or a time is not in the years 2000 to 2099.
        OverflowError
            If a time does not fit 64 bits.
        """
        values = np.array(self._values, dtype=np.float64)
        times_ms = np.array(self._times_ms, dtype=np.int64)
        if not (np.isfinite(values) & (times_ms >= EARLIEST_MS) & (times_ms < LATEST_MS)).all():
            raise BadSampleError("a value is not finite, or a time is not in the years 2000 to 2099")
        keys = tuple(SeriesKey(*key) for key in self._position)
        samples = Samples(keys, np.array(self._numbers, dtype=np.int32), times_ms, values)
        return Decoded(samples, tuple(self._rejected))


def check_name(what: str, name: object) -> None:
    """Raise `BadSampleError` unless ``name`` can be the name of an item or a metric."""
    if not isinstance(name, str) or not name:
        raise BadSampleError(f"the {what} {shown(name)} is not a name")
    if len(name) > MAX_NAME_LENGTH:
        raise BadSampleError(f"the {what} {shown(name)} has over {MAX_NAME_LENGTH} characters")
    if CONTROL.search(name):
        raise BadSampleError(f"the {what} {shown(name)} holds a control character")


def shown(value: object, limit: int = 40) -> str:
    """A sender's value made fit for a sentence: ASCII, and not too long."""
    if isinstance(value, (list, dict)):
        return "a list" if isinstance(value, list) else "an object"
    text = ascii(value if not isinstance(value, str) else value[: limit + 1])
    return text if len(text) <= limit else text[:limit] + "…"
