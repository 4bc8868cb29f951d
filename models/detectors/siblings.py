"""What a series too young to have a season borrows from its siblings: the same metric of other items.

It borrows only the shape, such as how much more there is at ten than at four; the series itself shows how
much there is at all. The shape counts half (its square root): siblings are similar, not identical.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from features.frame import Frame
from features.seasonal import slot_places
from models.detectors.baseline import fit_baseline, interpolated, level_unit
from models.detectors.learning import is_young

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from features.calendar import Clock
    from models.detectors.baseline import Baseline


class Shape(NamedTuple):
    """How value and residual usually vary over the slots of a clock, shape ``(n_slots, 1)``.

    Attributes
    ----------
    profile, scale
        Not negative, and 1 on average over the slots of each series it was derived from.
    """

    profile: NDArray[np.float32]
    scale: NDArray[np.float32]


def with_siblings(baseline: Baseline, frame: Frame, clock: Clock) -> Baseline:
    """Give every series known for less than two days the shape of its siblings known for longer.

    A series without a value gets the bare shape, without a unit: the first stage reads only its ratios
    between slots (`models.detectors.learning`). A series with some values is learned again with the shape
    removed, and gets the shape back afterwards, so that slots without values follow the siblings.

    Parameters
    ----------
    baseline
        The baseline of all series; baselines learned in shards are joined first.
    frame, clock
        The signals that the baseline was learned from, and their clock.
    """
    young = np.asarray(is_young(baseline.n_seen, baseline.step_ms))
    metrics = np.array([key.metric for key in baseline.keys])
    profile, scale = baseline.profile.copy(), baseline.scale.copy()
    for metric in np.unique(metrics[young]):
        known = np.flatnonzero((metrics == metric) & ~young)
        if not len(known):
            continue
        shape = typical_shape(baseline, known)
        of_metric = (metrics == metric) & young
        unseen = np.flatnonzero(of_metric & (baseline.n_seen == 0))
        profile[:, unseen], scale[:, unseen] = shape.profile, shape.scale
        short = np.flatnonzero(of_metric & (baseline.n_seen > 0))
        if len(short):
            profile[:, short], scale[:, short] = _learned_again(shape, short, frame, clock)
    return replace(baseline, profile=profile, scale=scale)


def typical_shape(baseline: Baseline, columns: NDArray[np.int64]) -> Shape:
    """Median shape of some series of a baseline."""
    values = level_unit(baseline.profile[:, columns], baseline.spread[columns].astype(np.float32))
    return Shape(_median(values), _median(baseline.scale[:, columns]))


def _median(values: NDArray[np.floating]) -> NDArray[np.float32]:
    """Median over the series of each series' values in units of their mean; 1 where that is 0."""
    mean = values.mean(axis=0)
    shares = np.divide(values, mean, out=np.ones_like(values), where=mean > 0)
    shape: NDArray[np.float32] = np.median(shares, axis=1, keepdims=True).astype(np.float32)
    return shape


def _learned_again(
    shape: Shape, columns: NDArray[np.int64], frame: Frame, clock: Clock
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Profile and scale of some series of a frame, learned with half of a shape removed."""
    half = np.sqrt(shape.profile)
    at_ticks = interpolated(half, slot_places(frame.times_ms + frame.step_ms // 2, clock))
    keys = tuple(frame.keys[column] for column in columns)
    flat = fit_baseline(
        Frame(frame.start_ms, frame.step_ms, keys, frame.values[:, columns] / at_ticks), clock
    )
    return flat.profile * half, flat.scale * half
