"""Figures of a first stage on the case library: whether it sees the confirmed causes."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING

import numpy as np

from features.frame import Frame
from features.golden import meaning_of
from models.detectors.first_stage import score
from training.intervals import wilson_interval

if TYPE_CHECKING:
    from collections.abc import Iterable

    from features.calendar import Clock
    from models.artifacts.bundle import Bundle
    from models.cases.case import Case
    from models.detectors.baseline import Baseline


def case_figures(bundle: Bundle, clock: Clock, cases: Iterable[Case]) -> dict[str, float]:
    """Share of closed incidents in which a series of a confirmed cause passes the threshold.

    The first stage starts from its learned state, runs through the time before the incident, and is judged
    on the incident's ticks. Cases without a confirmed cause, with another step, or with causes whose series
    the bundle does not know, do not count.

    Returns
    -------
    ``cases`` and ``cases_found`` with its interval; empty if no case counts.
    """
    judged = [_is_seen(bundle, clock, case) for case in cases if case.cause]
    seen = [each for each in judged if each is not None]
    if not seen:
        return {}
    low, high = wilson_interval(sum(seen), len(seen))
    share = sum(seen) / len(seen)
    return {"cases": len(seen), "cases_found": share, "cases_found_low": low, "cases_found_high": high}


def _is_seen(bundle: Bundle, clock: Clock, case: Case) -> bool | None:
    """Whether a confirmed cause's series passes the threshold; ``None`` if that cannot be judged."""
    columns = [index for index, key in enumerate(bundle.baseline.keys) if key.item in case.cause]
    if not columns or case.step_ms != bundle.step_ms or not len(case.window.times_ms):
        return None
    baseline = _of_columns(bundle.baseline, columns)
    frame = _frame_of(case, baseline)
    if not np.isfinite(frame.values).any():
        return None
    _, scores = score(frame, baseline, clock)
    in_window = frame.times_ms >= case.window.times_ms[0]
    return bool((scores.values[in_window] > bundle.threshold).any())


def _of_columns(baseline: Baseline, columns: list[int]) -> Baseline:
    arrays = {each.name: getattr(baseline, each.name) for each in fields(baseline)}
    keys, step_ms = arrays.pop("keys"), arrays.pop("step_ms")
    chosen = {name: array[..., columns] for name, array in arrays.items()}
    return replace(baseline, keys=tuple(keys[each] for each in columns), step_ms=step_ms, **chosen)


def _frame_of(case: Case, baseline: Baseline) -> Frame:
    """The time before the incident and the incident itself, in the units of the baseline's metrics."""
    parts = [part for part in (case.before, case.window) if len(part.times_ms)]
    start_ms = int(parts[0].times_ms[0])
    n_ticks = int(case.window.times_ms[-1] - start_ms) // case.step_ms + 1
    values = np.full((n_ticks, len(baseline.keys)), np.nan)
    position = {item: index for index, item in enumerate(case.items)}
    for column, key in enumerate(baseline.keys):
        meaning = meaning_of(key.metric)
        if meaning is None or key.item not in position:
            continue
        for part in parts:
            ticks = (part.times_ms - start_ms) // case.step_ms
            own = part.of(meaning.role, len(case.items))[:, position[key.item]]
            values[ticks, column] = (own - meaning.offset) / meaning.scale
    return Frame(start_ms, case.step_ms, baseline.keys, values)
