"""Time cut in three: learn on the first part, calibrate on the second, judge on the last."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from features.frame import Frame
from training.errors import ShortHistoryError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from models.cases.case import Case
    from telemetry.logs import Logs

MIN_TICKS = 100


@dataclass(frozen=True)
class LabelledAnomaly:
    """A known incident: an item that was unhealthy in ``[start_ms, end_ms)``."""

    item: str
    start_ms: int
    end_ms: int


@dataclass(frozen=True)
class Split:
    """Three consecutive frames that do not overlap."""

    fit: Frame
    calibrate: Frame
    held_back: Frame


def split_in_time(frame: Frame, *, fit_share: float, calibrate_share: float) -> Split:
    """Cut a frame in three by time; the rest after the two shares is held back.

    Raises
    ------
    ShortHistoryError
        If the frame has fewer than 100 ticks.
    ValueError
        If the shares leave one of the three empty.
    """
    if min(fit_share, calibrate_share) <= 0 or fit_share + calibrate_share >= 1:
        raise ValueError(f"shares of {fit_share} and {calibrate_share} leave a part of the split empty")
    if frame.n_ticks < MIN_TICKS:
        raise ShortHistoryError(needed=MIN_TICKS, got=frame.n_ticks)
    first = round(frame.n_ticks * fit_share)
    second = round(frame.n_ticks * (fit_share + calibrate_share))
    cut = [frame.start_ms, *(frame.start_ms + tick * frame.step_ms for tick in (first, second)), frame.end_ms]
    return Split(*(frame.between(start, end) for start, end in pairwise(cut)))


def labels_of_cases(cases: Iterable[Case]) -> tuple[LabelledAnomaly, ...]:
    """Closed incidents as labels: each confirmed cause, from the start of its case's window to its end."""
    return tuple(
        LabelledAnomaly(item, int(times_ms[0]), int(times_ms[-1]) + case.step_ms)
        for case in cases
        for times_ms in [case.window.times_ms]
        if len(times_ms)
        for item in case.cause
    )


def labelled_ticks(frame: Frame, labels: Sequence[LabelledAnomaly]) -> NDArray[np.bool_]:
    """Which values of a frame belong to a labelled anomaly, shape ``(n_ticks, n_series)``."""
    is_labelled = np.zeros(frame.values.shape, dtype=bool)
    times_ms = frame.times_ms
    for label in labels:
        is_own = np.array([key.item == label.item for key in frame.keys], dtype=bool)
        inside = (times_ms + frame.step_ms > label.start_ms) & (times_ms < label.end_ms)
        is_labelled |= inside[:, None] & is_own
    return is_labelled


def without(frame: Frame, labels: Sequence[LabelledAnomaly]) -> Frame:
    """Return the frame with labelled anomalies blanked out, so that no incident is learned as normal."""
    if not labels:
        return frame
    values = np.where(labelled_ticks(frame, labels), np.nan, frame.values)
    return Frame(frame.start_ms, frame.step_ms, frame.keys, values)


def lines_without(batches: Iterable[Logs], labels: Sequence[LabelledAnomaly]) -> Iterator[Logs]:
    """Log lines without those of a labelled anomaly; a service left silent teaches nothing."""
    for logs in batches:
        services = np.array([each.service for each in logs.streams], dtype=object)[logs.stream]
        is_labelled = np.zeros(len(logs), dtype=bool)
        for label in labels:
            inside = (logs.time_ms >= label.start_ms) & (logs.time_ms < label.end_ms)
            is_labelled |= inside & (services == label.item)
        yield logs.where(~is_labelled)
