"""River's half-space trees (river 0.26.1), in their own environment: the usual streaming detector.

Tan, Ting and Liu, "Fast anomaly detection for streaming data", IJCAI 2011.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from experiments.peers.environment import PeerEnvironment, installed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    StreamScorer = Callable[[Sequence[NDArray[np.float64]]], tuple[list[NDArray[np.float64]], float]]

VERSION = "0.26.1"


@dataclass(frozen=True)
class HalfSpaceTrees:
    """Half-space trees with river's defaults, behind its scaling to between 0 and 1."""

    environment: PeerEnvironment

    def __call__(
        self, series: Sequence[NDArray[np.float64]], *, seed: int = 0
    ) -> tuple[list[NDArray[np.float64]], float]:
        """Score streams of rows, each row before it is learned from, each stream with its own trees.

        Parameters
        ----------
        series
            The rows of each stream, shape ``(n_ticks, n_features)``, without missing values.

        Returns
        -------
        Scores from 0 to 1, one array of shape ``(n_ticks,)`` per stream; and processor nanoseconds per row.

        Raises
        ------
        PeerError
            If it fails.
        """
        answer = self.environment.run(
            "run_river.py", {"seed": seed, "series": [rows.tolist() for rows in series]}
        )
        return [np.array(scores) for scores in answer["scores"]], float(answer["ns_per_row"])


def install_river(folder: Path) -> HalfSpaceTrees:
    """Create river's environment below a folder, once, and check that it runs.

    Raises
    ------
    PeerError
        If it cannot be installed or run here.
    """
    peer = HalfSpaceTrees(installed("river", VERSION, folder))
    peer([np.zeros((2, 1))])
    return peer
