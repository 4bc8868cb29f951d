"""How surprising a window of a service's log lines is compared with that service's own past."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np

from features.logs.rows import ROW_FEATURES
from models.detectors.rows import Parts
from models.errors import NotEnoughRowsError, NotFittedError
from models.tails import TAIL_SHARE, surprise

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from features.logs.rows import LogRows

    Floats = NDArray[np.float64]

MIN_WINDOWS = 30
MAX_PAST = 2**20
"""Most numbers of the past that are stored; a longer past is reduced to evenly spaced windows."""

MAX_POOLED = 4_096


class LogWindowDetector:
    """The largest −ln p of a window's features, each in its own service's past.

    A past is short, and its tail even shorter. The tail of all services together, extended by a generalised
    Pareto distribution (`models.tails`), counts as ``prior_windows`` windows of every service. A service seen
    for a day is mostly judged by itself, a new service by what is usual elsewhere.

    Parameters
    ----------
    prior_windows
        Weight of the pooled tail, in windows of a service's own past.
    """

    def __init__(self, *, prior_windows: float = 20.0) -> None:
        self.prior_windows = prior_windows
        self.services_: tuple[str, ...] = ()
        self.past_: Floats | None = None

    def fit(self, rows: LogRows) -> Self:
        """Learn the past of every feature from normal windows that the features were not fitted on.

        Raises
        ------
        NotEnoughRowsError
            If fewer than 30 windows have a feature.
        """
        seen = int(np.count_nonzero(np.isfinite(rows.values).any(axis=(1, 2))))
        if seen < MIN_WINDOWS:
            raise NotEnoughRowsError(needed=MIN_WINDOWS, got=seen)
        stride = max(1, -(-rows.values.size // MAX_PAST))
        self.services_ = rows.services
        self._remember(rows.values[::stride])
        return self

    def score(self, rows: LogRows) -> Floats:
        """Largest surprise of each window and service: ``(n_windows, n_services)``, ``nan`` if there is none.

        A window's score depends on that window alone.

        Raises
        ------
        NotFittedError
            Before ``fit``.
        """
        surprises = self.surprises(rows)
        is_scored = np.isfinite(surprises).any(axis=2)
        return np.where(is_scored, np.nan_to_num(surprises, nan=0.0).max(axis=2), np.nan)

    def surprises(self, rows: LogRows) -> Floats:
        """−ln p of every feature, which shows the features that stand out; the shape of ``rows.values``."""
        if self.past_ is None:
            raise NotFittedError(type(self).__name__)
        place = {service: index for index, service in enumerate(self.services_)}
        surprises = np.full(rows.values.shape, np.nan)
        for feature, pooled in enumerate(self._pooled):
            values = rows.values[:, :, feature]
            is_seen = np.isfinite(values)
            if not is_seen.any() or not len(pooled):
                continue
            usual = np.full(values.shape, np.nan)
            usual[is_seen] = np.exp(-_pooled_surprise(values[is_seen], pooled))
            for column, service in enumerate(rows.services):
                own = self._own(place.get(service, -1), feature)
                n_at_least = len(own) - np.searchsorted(own, values[:, column], side="left")
                expected = n_at_least + self.prior_windows * usual[:, column]
                surprises[:, column, feature] = -np.log(expected / (len(own) + self.prior_windows))
        return surprises

    def parts(self) -> Parts:
        """Return the past; the services are saved separately, from `services_`."""
        if self.past_ is None:
            raise NotFittedError(type(self).__name__)
        return Parts({"prior_windows": self.prior_windows}, {"past": self.past_})

    @classmethod
    def from_parts(cls, parts: Parts, services: Sequence[str]) -> Self:
        """Rebuild the detector.

        Raises
        ------
        ValueError
            If the past does not fit the services.
        """
        past = np.asarray(parts.arrays["past"], dtype=np.float64)
        prior = float(parts.params["prior_windows"])
        if past.ndim != 3 or past.shape[1:] != (len(services), len(ROW_FEATURES)):  # noqa: PLR2004
            raise ValueError(f"a past of shape {past.shape} does not fit {len(services)} services")
        if not 0 < prior < np.inf:
            raise ValueError(f"the prior must be positive and finite, got {prior} windows")
        detector = cls(prior_windows=prior)
        detector.services_ = tuple(services)
        detector._remember(past)
        return detector

    def _remember(self, past: Floats) -> None:
        # sorted, nan last: scoring only counts how many values are at least as large as another
        self.past_ = np.sort(past, axis=0)
        self._n_past = np.isfinite(self.past_).sum(axis=0)
        self._pooled = []
        for feature in range(past.shape[2]):
            seen = np.sort(past[:, :, feature][np.isfinite(past[:, :, feature])])
            # the last value of every stride, so that the largest remains
            stride = max(1, -(-len(seen) // MAX_POOLED))
            self._pooled.append(seen[::-1][::stride][::-1])

    def _own(self, column: int, feature: int) -> Floats:
        if self.past_ is None or column < 0:
            return np.zeros(0)
        return self.past_[: self._n_past[column, feature], column, feature]


def persistent(scores: Floats, starts_ms: NDArray[np.int64], *, step_ms: int) -> Floats:
    """Second largest score of each service's last three windows: over a threshold when two of three are.

    Parameters
    ----------
    scores
        Shape ``(n_windows, n_services)``; ``nan`` where a service was not scored.
    starts_ms, step_ms
        Start of each window, rising, and their length; windows without any line are absent.

    Returns
    -------
    The shape of ``scores``; ``nan`` where a score is ``nan``, or fewer than two of the three were scored.
    """
    three = [scores]
    for back in (1, 2):
        earlier = np.full(scores.shape, np.nan)
        is_near = starts_ms[back:] - starts_ms[: len(starts_ms) - back] < 3 * step_ms
        earlier[back:] = np.where(is_near[:, None], scores[: len(scores) - back], np.nan)
        three.append(earlier)
    stacked = np.sort(np.nan_to_num(np.stack(three), nan=-np.inf), axis=0)
    return np.where(np.isfinite(scores) & np.isfinite(stacked[1]), stacked[1], np.nan)


def _pooled_surprise(values: Floats, pooled: Floats) -> Floats:
    n_at_least = len(pooled) - np.searchsorted(pooled, values, side="left")
    surprised: Floats = -np.log((n_at_least + 1.0) / (len(pooled) + 1.0))
    in_tail = n_at_least <= len(pooled) * TAIL_SHARE
    surprised[in_tail] = surprise(values[in_tail], pooled[:, None])
    return surprised
