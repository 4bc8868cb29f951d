"""Reads a history, sealed segments and logs, even while another process writes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from telemetry.batches import Samples
from telemetry.damage import Damage, DamageLog
from telemetry.log_file import LOG_NAMES, LOG_SUFFIX, log_number, read_log
from telemetry.records import decode
from telemetry.segments import (
    SEGMENT_NAMES,
    SEGMENT_SUFFIX,
    Arrivals,
    arrivals_of,
    read_segment,
    read_span,
    rows,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


LOGS = "log"
SEGMENTS = "segments"
EARLIEST_MS = int(np.iinfo(np.int64).min)
LATEST_MS = int(np.iinfo(np.int64).max)


class HistoryReader:
    """Reads the history of a directory; needs no lock and changes nothing.

    Parameters
    ----------
    directory
        Where a `telemetry.history.History` writes, or wrote.
    n_safe_bytes
        Given the number of a log, how many of its bytes may be read. By default everything except an
        unfinished record at the end of the newest log.
    """

    def __init__(self, directory: Path, *, n_safe_bytes: Callable[[int], int | None] | None = None) -> None:
        self.directory = directory
        self._n_safe_bytes = n_safe_bytes
        self.found = DamageLog()

    @property
    def damage(self) -> tuple[Damage, ...]:
        """Damage found so far, in the order it was found."""
        return self.found.entries

    def read(self, start_ms: int | None = None, end_ms: int | None = None) -> Samples:
        """Samples with a time in ``[start_ms, end_ms)``, each series in order of arrival.

        An omitted bound is open. Samples that cannot be read are left out and listed in `damage`.
        """
        start_ms = EARLIEST_MS if start_ms is None else start_ms
        last_ms = LATEST_MS if end_ms is None else end_ms - 1
        parts = [self._part(number, start_ms, last_ms) for number in self.numbers()]
        return Samples.concatenated([part.by_arrival_within_series().samples for part in parts])

    def replay(self, since_ms: int = 0, *, after: int = 0) -> Iterator[Samples]:
        """Samples with a time of at least ``since_ms`` in order of arrival, batch by batch.

        A log gives one batch per record, a segment one batch. Records written to the current log after
        the call may be included. Records with a position up to ``after`` are left out.
        """
        for number in self.numbers():
            part = self._part(number, since_ms, LATEST_MS).in_order()
            part = part.rows(part.position > after)
            if self._segment(number).exists():
                if len(part.samples):
                    yield part.samples
                continue
            borders = np.flatnonzero(np.diff(part.position)) + 1
            starts, ends = [0, *borders], [*borders, len(part.samples)]
            for start, end in zip(starts, ends, strict=True):
                if end > start:
                    yield rows(part.samples, slice(start, end))

    def numbers(self) -> list[int]:
        """Numbers of all logs and segments, oldest first, each once."""
        return sorted(
            {
                log_number(path)
                for folder, names in ((LOGS, LOG_NAMES), (SEGMENTS, SEGMENT_NAMES))
                for path in (self.directory / folder).glob(names)
            }
        )

    def _log(self, number: int) -> Path:
        return self.directory / LOGS / f"{number:020d}{LOG_SUFFIX}"

    def _segment(self, number: int) -> Path:
        return self.directory / SEGMENTS / f"{number:020d}{SEGMENT_SUFFIX}"

    def _part(self, number: int, start_ms: int, last_ms: int) -> Arrivals:
        """Samples of one segment, or of its log if there is no segment.

        A log is removed only after its segment is in place, so a log that vanishes has a segment.
        A segment that vanishes was past its retention.
        """
        if not self._segment(number).exists():
            try:
                return self._part_of_log(number, start_ms, last_ms)
            except FileNotFoundError:
                pass
        try:
            return self._part_of_segment(self._segment(number), start_ms, last_ms)
        except FileNotFoundError:
            return arrivals_of([])

    def _part_of_log(self, number: int, start_ms: int, last_ms: int) -> Arrivals:
        path = self._log(number)
        n_bytes = self._n_safe_bytes(number) if self._n_safe_bytes else None
        data, records, gaps = read_log(path, n_bytes=n_bytes)
        is_unfinished = self._n_safe_bytes is None and number == self.numbers()[-1]
        for gap in gaps:
            if not (is_unfinished and gap.end == len(data)):
                self.found.add(Damage(path.name, gap.start, gap.end, gap.reason))
        part = arrivals_of([(each.position, decode(data[each.start : each.end])) for each in records])
        times = part.samples.time_ms
        return part.rows((times >= start_ms) & (times <= last_ms))

    def _part_of_segment(self, path: Path, start_ms: int, last_ms: int) -> Arrivals:
        def on_damage(reason: str) -> None:
            self.found.add(Damage(path.name, 0, path.stat().st_size, reason))

        try:
            span = read_span(path)
        except ValueError as error:
            on_damage(str(error))
            return arrivals_of([])
        if span.end_ms < start_ms or span.start_ms > last_ms:
            return arrivals_of([])
        return read_segment(path, start_ms=start_ms, last_ms=last_ms, on_damage=on_damage)
