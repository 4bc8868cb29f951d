"""The score of Sunspot under the Numenta benchmark's own rules.

Data: NAB's 58 series. Each row is scored before it is learned from; the first 15 % are not judged.
Sunspot's channel here is value novelty, because most NAB labels mark values never seen before. The windowed
Gaussian must reproduce its published scores, which checks the scoring. NAB chooses one threshold per profile
on the data it judges; in addition, ``nab_standard_held_out`` uses for each folder the threshold learned
from all others.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from experiments.benchmarks.detect_peers import isolation_forest_scores, random_scores
from experiments.benchmarks.nab_scoring import PROFILES, best_threshold, nab_scores, probation, raw_gain
from experiments.benchmarks.windowed_gaussian import windowed_gaussian
from models.detectors.novelty import initial_novelty, novelty_step

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from experiments.benchmarks.detect_rows import Row
    from experiments.datasets.nab import NabFile
    from experiments.peers.river import StreamScorer


def bench_nab(
    files: Sequence[NabFile],
    *,
    river: StreamScorer | None = None,
    on_progress: Callable[[str], None] = lambda _: None,
) -> list[Row]:
    """Run Sunspot, its peers and a random score; one flat row per method."""
    methods: dict[str, Callable[[Sequence[NabFile]], list[NDArray[np.float64]]]] = {
        "sunspot": novelty_scores,
        "windowed_gaussian": lambda given: [windowed_gaussian(file.values) for file in given],
        "pyod_iforest": lambda given: [_forest(file, index) for index, file in enumerate(given)],
        "random": lambda given: [
            random_scores(len(file.values), seed=index) for index, file in enumerate(given)
        ],
    }
    if river is not None:
        methods["river_half_space_trees"] = lambda given: river([with_change(file) for file in given])[0]
    rows: list[Row] = []
    for name, scores_of in methods.items():
        on_progress(name)
        started = time.perf_counter()
        scores = scores_of(files)
        elapsed = time.perf_counter() - started
        row: Row = {"part": "all", "method": name, "n": sum(len(file.windows) for file in files)}
        row |= nab_scores(files, scores)
        row |= held_out_score(files, scores)
        row["ns_per_point"] = elapsed / sum(len(file.values) for file in files) * 1e9
        rows.append(row)
    return rows


def novelty_scores(files: Sequence[NabFile]) -> list[NDArray[np.float64]]:
    """Value novelty of every row, in order; the probation rows set the first standard deviation.

    Rows without a score have 0. The series run side by side, which only saves time.
    """
    longest = max((len(file.values) for file in files), default=0)
    values = np.full((longest, len(files)), np.nan)
    for column, file in enumerate(files):
        values[: len(file.values), column] = file.values
    n_first = np.array([probation(len(file.values)) for file in files])
    memory, novelty = initial_novelty(len(files)), np.zeros(values.shape)
    for tick, row in enumerate(values):
        memory, novelty[tick] = novelty_step(memory, row, n_first=n_first)
    np.copyto(novelty, 0.0, where=np.isnan(novelty))
    return [novelty[: len(file.values), column] for column, file in enumerate(files)]


def held_out_score(
    files: Sequence[NabFile], scores: Sequence[NDArray[np.floating]], *, seed: int = 0, n_draws: int = 2000
) -> dict[str, float]:
    """Standard score with each folder judged at the best threshold of the other folders.

    The 95 % interval comes from a bootstrap over series, with the thresholds fixed.
    """
    profile, folders = PROFILES[0], np.array([file.folder for file in files])
    gains = np.zeros(len(files))
    for folder in np.unique(folders):
        own = np.flatnonzero(folders == folder).tolist()
        others = np.flatnonzero(folders != folder).tolist() or own
        threshold = best_threshold([files[each] for each in others], [scores[each] for each in others])
        for each in own:
            gains[each] = raw_gain([files[each]], [scores[each]], threshold, profile)
    largest = np.array([len(file.windows) for file in files]) * (1 + profile.missed)
    drawn = np.random.default_rng(seed).integers(len(files), size=(n_draws, len(files)))
    per_draw = gains[drawn].sum(axis=1) / np.maximum(largest[drawn].sum(axis=1), 1)
    low, high = 100 * np.quantile(per_draw, [0.025, 0.975])
    return {
        "nab_standard_held_out": float(100 * gains.sum() / largest.sum()),
        "nab_standard_held_out_low": float(low),
        "nab_standard_held_out_high": float(high),
    }


def with_change(file: NabFile) -> NDArray[np.float64]:
    """Rows for the peers, shape ``(n_rows, 2)``: the value and its difference from the previous row."""
    return np.stack([file.values, np.diff(file.values, prepend=file.values[:1])], axis=1)


def _forest(file: NabFile, seed: int) -> NDArray[np.float64]:
    """Scores of a forest fitted on the probation rows."""
    rows = with_change(file)
    return isolation_forest_scores(rows[: probation(len(rows))], rows, seed=seed)
