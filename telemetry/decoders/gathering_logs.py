"""Collects the good log lines of a body in any format, and the reasons why others are rejected."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from telemetry.decoders.gathering import (
    EARLIEST_MS,
    LATEST_MS,
    MAX_REJECTIONS,
    BadSampleError,
    Rejection,
)
from telemetry.logs import LogRecord, Logs

if TYPE_CHECKING:
    from telemetry.log_text.line import Line

MAX_BODY_BYTES = 32 * 2**20
MAX_LINE_BYTES = 2**20
NANOSECONDS = 1_000_000

FURTHER = "further lines, not listed"
REPLACED = "\ufffd"


@dataclass(frozen=True, slots=True)
class DecodedLogs:
    """The good lines of a body, in its order, and the rejected ones.

    Attributes
    ----------
    rejected
        Rejected lines, counted from 0. At most 1000 are listed; the last then stands for all the others.
    n_garbled
        Accepted lines with bytes that are no text in any encoding known: these became �.
    n_without_service
        Accepted lines that name no service: their service is empty.
    """

    logs: Logs
    rejected: tuple[Rejection, ...] = ()
    n_garbled: int = 0
    n_without_service: int = 0

    @property
    def n_rejected(self) -> int:
        """Number of rejected lines."""
        return sum(each.n_samples for each in self.rejected)


class LogGathering:
    """The lines of one body so far, good and rejected."""

    def __init__(self) -> None:
        self._records: list[LogRecord] = []
        self._rejected: list[Rejection] = []
        self._n_garbled = 0
        self._n_further = 0

    def add(self, line: Line) -> None:
        """Add a line; where nothing names its service, the host stands for it.

        Raises
        ------
        BadSampleError
            If it has no time, or one that is not in the years 2000 to 2099.
        """
        if line.time_ms is None:
            raise BadSampleError("it has no time that can be read")
        if not EARLIEST_MS <= line.time_ms < LATEST_MS:
            raise BadSampleError("its time is outside the years 2000 to 2099")
        texts = (line.service or line.host, *line[:5])
        service, severity, logger, body, trace_id, template = map(storable, texts)
        self._records.append(LogRecord(service, severity, logger, line.time_ms, body, trace_id, template))
        self._n_garbled += REPLACED in body

    def reject(self, index: int, reason: str) -> None:
        """Record that the line at an index is rejected."""
        if len(self._rejected) < MAX_REJECTIONS - 1:
            self._rejected.append(Rejection(index, reason))
        else:
            self._n_further += 1

    def decoded(self) -> DecodedLogs:
        """Return everything gathered."""
        rejected = list(self._rejected)
        if self._n_further:
            rejected.append(Rejection(rejected[-1].index + 1, FURTHER, self._n_further))
        n_without = sum(not record.service for record in self._records)
        return DecodedLogs(Logs.from_records(self._records), tuple(rejected), self._n_garbled, n_without)


def storable(text: str) -> str:
    """A text without lone surrogates, which JSON can escape and UTF-8 cannot encode."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def milliseconds_of(nanoseconds: object) -> int:
    """Milliseconds for nanoseconds since the epoch, given as a number or in quotes.

    Raises
    ------
    BadSampleError
        If it is not a number.
    """
    if isinstance(nanoseconds, int | float | str) and not isinstance(nanoseconds, bool):
        try:
            return int(nanoseconds) // NANOSECONDS
        except (ValueError, OverflowError):
            pass
    raise BadSampleError("it has no time that can be read")
