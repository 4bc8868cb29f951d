"""One feature row per service and tick: golden signals, resources, and the first-stage score of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from features.frame import Frame
from features.golden import Role, meaning_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from telemetry.batches import SeriesKey

ODDITY, VALUE = "oddity", "value"
FEATURES: tuple[str, ...] = tuple(f"{role}_{ODDITY}" for role in Role) + tuple(
    f"{role}_{VALUE}" for role in Role
)
"""Features in their order: first each role's first-stage score, then each role's value.

A score enters as log(1 + score). A value of requests or latency is the logarithm of its ratio to the seasonal
expectation, any other value its difference from it. So one detector fits services of any size.
"""

RELATIVE = frozenset({Role.REQUESTS, Role.LATENCY})


@dataclass(frozen=True)
class ServiceRows:
    """Feature rows.

    Attributes
    ----------
    items
        The services, in the order of the second axis.
    values
        Shape ``(n_ticks, n_items, n_features)``, features as in `FEATURES`; ``nan`` is missing.
    """

    items: tuple[str, ...]
    values: NDArray[np.float64]

    @property
    def flat(self) -> NDArray[np.float64]:
        """Rows of all services, tick by tick, shape ``(n_ticks × n_items, n_features)``."""
        return self.values.reshape(-1, self.values.shape[2])


def service_rows(frame: Frame, scores: NDArray[np.floating], expected: NDArray[np.floating]) -> ServiceRows:
    """Feature rows of every item that has a golden signal or a resource.

    Parameters
    ----------
    frame
        The signals.
    scores
        Same shape as the frame's values: first-stage scores, ``nan`` where unscored.
    expected
        Same shape and units as the frame's values: the seasonal expectation.
    """
    items = tuple(sorted({key.item for key in frame.keys if meaning_of(key.metric) is not None}))
    expectation = Frame(frame.start_ms, frame.step_ms, frame.keys, np.asarray(expected, dtype=np.float64))
    values = np.full((frame.n_ticks, len(items), len(FEATURES)), np.nan)
    for position, role in enumerate(Role):
        columns = role_columns(frame.keys, role, items)
        is_present = columns >= 0
        if not is_present.any():
            continue
        values[:, is_present, position] = np.log1p(scores[:, columns[is_present]])
        value, usual = frame.role(role, items), expectation.role(role, items)
        values[:, :, len(Role) + position] = _log_ratio(value, usual) if role in RELATIVE else value - usual
    return ServiceRows(items, values)


def role_columns(keys: Sequence[SeriesKey], role: Role, items: Sequence[str]) -> NDArray[np.int64]:
    """Column of each item's metric of a role, the first by name if it has two, −1 if it has none."""
    position = {item: index for index, item in enumerate(items)}
    columns = np.full(len(items), -1, dtype=np.int64)
    for key, column in sorted(((key, column) for column, key in enumerate(keys)), reverse=True):
        meaning = meaning_of(key.metric)
        if meaning is not None and meaning.role is role and key.item in position:
            columns[position[key.item]] = column
    return columns


def _log_ratio(value: NDArray[np.float64], expected: NDArray[np.float64]) -> NDArray[np.float64]:
    """Logarithm of value over expectation; ``nan`` where either is not positive."""
    ratio = np.full(value.shape, np.nan)
    np.divide(value, expected, out=ratio, where=(value > 0) & (expected > 0))
    logarithm: NDArray[np.float64] = np.log(ratio)
    return logarithm
