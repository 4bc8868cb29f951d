"""drain3 0.9.11, in its own environment because it cannot share one with MLflow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from experiments.peers.environment import PeerEnvironment, installed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

VERSION = "0.9.11"


@dataclass(frozen=True)
class Drain3:
    """drain3 with its defaults and the masks of its example configuration."""

    environment: PeerEnvironment

    def __call__(self, bodies: Sequence[str]) -> tuple[list[int], float]:
        """The group of each line, and lines per second, excluding the start of the process.

        Raises
        ------
        PeerError
            If it fails.
        """
        answer = self.environment.run("run_drain3.py", list(bodies))
        return answer["groups"], float(answer["lines_per_s"])


def install_drain3(folder: Path) -> Drain3:
    """Create drain3's environment below a folder, once, and check that it runs.

    Raises
    ------
    PeerError
        If it cannot be installed or run here.
    """
    peer = Drain3(installed("drain3", VERSION, folder))
    peer(["does it run?"])
    return peer
