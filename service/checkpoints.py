"""The first stage's memory on disk, so that a restart goes on where it was."""

from __future__ import annotations

import json
import logging
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from models.detectors.first_stage import Scores
from models.errors import BadStateError
from models.state import state_from_bytes, state_to_bytes
from telemetry.durable import replacing

if TYPE_CHECKING:
    from pathlib import Path

    from models.state import State

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Scored:
    """The newest closed tick as a bundle scored it.

    Attributes
    ----------
    state
        The memory after the tick.
    scores
        One per series of the state.
    """

    bundle_version: str
    step_ms: int
    state: State
    scores: Scores


class Checkpoints:
    """One file with the tick scored last; it is replaced whole, or not at all."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, scored: Scored, *, position: int) -> None:
        """Keep a scored tick; it is on disk when this returns.

        Parameters
        ----------
        position
            Position of the last batch in history; what was scored came no later.
        """
        header = {"bundle": scored.bundle_version, "step_ms": scored.step_ms, "position": position}
        with replacing(self._path) as file:
            np.savez(
                file,
                allow_pickle=False,
                header=np.frombuffer(json.dumps(header).encode(), dtype=np.uint8),
                state=np.frombuffer(state_to_bytes(scored.state), dtype=np.uint8),
                values=scored.scores.values,
                status=scored.scores.status,
            )

    def read(self, *, position: int) -> Scored | None:
        """Return what was kept last, or ``None`` if there is nothing that can be used.

        Parameters
        ----------
        position
            Position of the last batch in history: a checkpoint from beyond it belongs to another history.
        """
        try:
            kept, kept_position = _decoded(self._path)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as reason:
            logger.warning("checkpoint left unused", extra={"reason": str(reason)})
            return None
        if kept_position > position:
            logger.warning("checkpoint left unused", extra={"reason": "history does not reach as far"})
            return None
        return kept


def _decoded(path: Path) -> tuple[Scored, int]:
    with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
        header = json.loads(stored["header"].tobytes())
        state = state_from_bytes(stored["state"].tobytes())
        scores = Scores(stored["values"], stored["status"])
    n_series = len(state.keys)
    if scores.values.shape != (n_series,) or scores.status.shape != (n_series,):
        raise BadStateError(f"its scores do not fit its {n_series} series")
    return Scored(str(header["bundle"]), int(header["step_ms"]), state, scores), int(header["position"])
