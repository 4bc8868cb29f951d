"""The Numenta Anomaly Benchmark's scores, re-implemented from the paper's rules.

Lavin and Ahmad, ICMLA 2015, section III. The first detection in a labelled window earns more the earlier it
is, later ones in the window earn nothing. Every row flagged elsewhere costs more the farther it is from the
preceding window. Per profile, the best threshold for all series is chosen on the same data that is judged,
so these figures are in-sample by the benchmark's own rules.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from experiments.datasets.nab import NabFile

PROBATION_SHARE, PROBATION_MAX_ROWS = 0.15, 5000
STEEPNESS, FAR = 5.0, 3.0


@dataclass(frozen=True)
class Profile:
    """Costs of a false page and of a missed window; a found window earns 1."""

    name: str
    false_page: float
    missed: float


PROFILES = (
    Profile("nab_standard", 0.11, 1.0),
    Profile("nab_low_fp", 0.22, 1.0),
    Profile("nab_low_fn", 0.11, 2.0),
)


def probation(n_rows: int) -> int:
    """Number of rows at the start of a series that are not judged."""
    return int(min(PROBATION_SHARE * n_rows, PROBATION_SHARE * PROBATION_MAX_ROWS))


def nab_scores(files: Sequence[NabFile], scores: Sequence[NDArray[np.floating]]) -> dict[str, float]:
    """Score of each profile, 0 for a silent detector and 100 for a perfect one.

    Parameters
    ----------
    files
        The series.
    scores
        Scores of each series, shape ``(n_rows,)``; higher is more anomalous, never ``nan``.
    """
    return {profile.name: _scored(files, scores, profile)[0] for profile in PROFILES}


def best_threshold(
    files: Sequence[NabFile], scores: Sequence[NDArray[np.floating]], profile: Profile = PROFILES[0]
) -> float:
    """Return the best threshold for a profile; rows at or above it are flagged."""
    return _scored(files, scores, profile)[1]


def raw_gain(
    files: Sequence[NabFile], scores: Sequence[NDArray[np.floating]], threshold: float, profile: Profile
) -> float:
    """Unnormalised gain over silence of a threshold chosen elsewhere."""
    flagged = [(each >= threshold).astype(float) for each in scores]
    return sum(gain for level, gain in _gains(files, flagged, profile)[0] if level > 0)


def _scored(
    files: Sequence[NabFile], scores: Sequence[NDArray[np.floating]], profile: Profile
) -> tuple[float, float]:
    gains, n_windows = _gains(files, scores, profile)
    table = np.array(sorted(gains, reverse=True)).reshape(-1, 2)
    total = np.cumsum(table[:, 1]) - profile.missed * n_windows
    is_last = np.append(np.diff(table[:, 0]) != 0, True)
    choices = np.concatenate([[-profile.missed * n_windows], total[is_last]])
    levels = np.concatenate([[np.inf], table[is_last, 0]])
    best = int(np.argmax(choices))
    return _normalised(float(choices[best]), n_windows, profile), float(levels[best])


def _normalised(raw: float, n_windows: int, profile: Profile) -> float:
    return 100 * (raw + profile.missed * n_windows) / (n_windows * (1 + profile.missed))


def _gains(
    files: Sequence[NabFile], scores: Sequence[NDArray[np.floating]], profile: Profile
) -> tuple[list[tuple[float, float]], int]:
    """Pairs of a score and the gain in the total when the threshold falls to it."""
    gains: list[tuple[float, float]] = []
    n_windows = 0
    for file, own in zip(files, scores, strict=True):
        n_windows += len(file.windows)
        first = probation(len(own))
        worth, window = row_worth(len(own), file.windows)
        outside = np.flatnonzero(window < 0)
        outside = outside[outside >= first]
        gains += zip(own[outside].tolist(), (worth[outside] * profile.false_page).tolist(), strict=True)
        for each in range(len(file.windows)):
            inside = np.flatnonzero(window == each)
            gains += _window_gains(own, worth, inside[inside >= first], profile)
    return gains, n_windows


def _window_gains(
    scores: NDArray[np.floating], worth: NDArray[np.float64], rows: NDArray[np.int64], profile: Profile
) -> list[tuple[float, float]]:
    """Gains of a window as the threshold falls: first it is found at all, then it is found earlier."""
    gains, held = [], -profile.missed
    order = rows[np.lexsort((rows, -scores[rows]))] if len(rows) else rows
    for row in order:
        if worth[row] > held:
            gains.append((float(scores[row]), float(worth[row]) - held))
            held = float(worth[row])
    return gains


def row_worth(
    n_rows: int, windows: Sequence[tuple[int, int]]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Unweighted worth of flagging each row, and the window that contains each row, -1 if none."""
    rows = np.arange(n_rows)
    worth, window = np.full(n_rows, -1.0), np.full(n_rows, -1, dtype=np.int64)
    for first, last in windows:
        width = last - first + 1
        past = rows[last + 1 :]
        worth[past] = _sigmoid((past - last) / max(width - 1, 1))
    for index, (first, last) in enumerate(windows):
        width = last - first + 1
        inside = rows[first : last + 1]
        worth[inside] = _sigmoid(-(last - inside + 1) / width) / _sigmoid(np.array([-1.0]))
        window[inside] = index
    return worth, window


def _sigmoid(position: NDArray[np.floating]) -> NDArray[np.float64]:
    """From 1, well inside a window, through 0 at its end to −1 far beyond it."""
    scaled = 2 / (1 + np.exp(STEEPNESS * position)) - 1
    return np.where(position >= FAR, -1.0, scaled)
