"""VUS-PR: the volume under the range-aware precision-recall surface.

Paparrizos et al., "Volume Under the Surface: A New Accuracy Evaluation Measure for Time-Series Anomaly
Detection", VLDB 2022. Labels are widened by a buffer of decreasing weight, for every buffer from none to
``window``, and the areas are averaged. Here the scores are sorted once; each buffer then costs two
cumulative sums.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from experiments.benchmarks.event_figures import segments

if TYPE_CHECKING:
    from numpy.typing import NDArray

N_THRESHOLDS = 250
WINDOW = 100


def vus_pr(scores: NDArray[np.floating], labels: NDArray[np.bool_], *, window: int = WINDOW) -> float:
    """Volume under the surface, 0 to 1.

    Parameters
    ----------
    scores
        Shape ``(n_ticks,)``; higher is more anomalous; non-finite scores count as the lowest.
    labels
        Shape ``(n_ticks,)``.
    window
        The widest buffer, in ticks; half of it is on each side of an anomaly.

    Raises
    ------
    ValueError
        If nothing is labelled.
    """
    runs = segments(labels)
    if not len(runs):
        raise ValueError("nothing is labelled, so nothing can be found")
    finite = np.isfinite(scores)
    scores = np.where(finite, scores, scores[finite].min() if finite.any() else 0.0)
    order = np.argsort(-scores, kind="stable")
    descending = scores[order]
    thresholds = descending[np.linspace(0, len(scores) - 1, N_THRESHOLDS).astype(int)]
    n_predicted = np.searchsorted(-descending, -thresholds, side="right")
    areas = [
        _area(scores, labels, runs, order, thresholds, n_predicted, width) for width in range(window + 1)
    ]
    return float(np.mean(areas))


def _area(  # noqa: PLR0917  the inputs shared by every buffer, and the buffer
    scores: NDArray[np.floating],
    labels: NDArray[np.bool_],
    runs: NDArray[np.int64],
    order: NDArray[np.int64],
    thresholds: NDArray[np.floating],
    n_predicted: NDArray[np.int64],
    width: int,
) -> float:
    weights = widened(labels, runs, width)
    merged = _merged(runs, width // 2, len(labels))
    peaks = np.sort([scores[first : last + 1].max() for first, last in merged])
    existence = (len(peaks) - np.searchsorted(peaks, thresholds, side="left")) / len(peaks)
    hits = np.concatenate([[0.0], np.cumsum(weights[order])])[n_predicted]
    n_positive = (np.count_nonzero(labels) + weights.sum()) / 2
    recall = np.minimum(hits / n_positive, 1.0) * existence
    return float(np.sum(np.diff(recall, prepend=0.0) * hits / n_predicted))


def widened(labels: NDArray[np.bool_], runs: NDArray[np.int64], width: int) -> NDArray[np.float64]:
    """Labels with a buffer of ``width // 2`` ticks of weight √(1 − distance/width) on either side."""
    weights = labels.astype(np.float64)
    if width < 2:
        return weights
    distance = np.arange(1, width // 2 + 1)
    fall = np.sqrt(1 - distance / width)
    for place, weight in (
        (runs[:, 1:] + distance, fall),
        (runs[:, :1] - distance, fall),
    ):
        inside = (place >= 0) & (place < len(labels))
        np.add.at(weights, place[inside], np.broadcast_to(weight, place.shape)[inside])
    return np.minimum(weights, 1.0)


def _merged(runs: NDArray[np.int64], half: int, n_ticks: int) -> NDArray[np.int64]:
    """Runs with their buffers, with touching ones merged."""
    gaps = runs[1:, 0] - half > runs[:-1, 1] + half
    first = np.concatenate([[True], gaps])
    last = np.concatenate([gaps, [True]])
    wide: NDArray[np.int64] = np.stack([runs[first, 0] - half, runs[last, 1] + half], axis=1)
    clipped: NDArray[np.int64] = np.clip(wide, 0, n_ticks - 1)
    return clipped
