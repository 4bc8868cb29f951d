"""The memory of the scores on disk, so that a restart continues where it was."""

from __future__ import annotations

import json
import logging
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from models.detectors.first_stage import Scores
from models.detectors.novelty import Novelty, initial_novelty
from models.detectors.severity import Severity, initial_severity
from models.detectors.three_scores import Memory, ThreeScores
from models.errors import BadStateError
from models.state import state_from_bytes, state_to_bytes
from service.health import lost_batches
from telemetry.durable import replacing

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Scored:
    """The newest closed tick as a bundle scored it.

    Attributes
    ----------
    memory
        What is carried to the next tick.
    scores
        Of every series of the memory.
    """

    bundle_version: str
    step_ms: int
    memory: Memory
    scores: ThreeScores


class Checkpoints:
    """One file with the tick scored last; it is replaced completely, or not at all.

    Attributes
    ----------
    lost
        What is missing of the history that the file was written for, as one sentence; empty if nothing is.
    """

    def __init__(self, path: Path) -> None:
        self.lost = ""
        self._path = path

    def write(self, scored: Scored, *, position: int) -> None:
        """Write a scored tick; it is on disk when this returns.

        Parameters
        ----------
        position
            Position of the last batch in history; what was scored came no later.
        """
        memory, scores = scored.memory, scored.scores
        header = {"bundle": scored.bundle_version, "step_ms": scored.step_ms, "position": position}
        with replacing(self._path) as file:
            np.savez(
                file,
                allow_pickle=False,
                header=np.frombuffer(json.dumps(header).encode(), dtype=np.uint8),
                state=np.frombuffer(state_to_bytes(memory.state), dtype=np.uint8),
                values=scores.onset.values,
                status=scores.onset.status,
                novelty=scores.novelty,
                **_named(memory.severity, memory.novelty),
            )

    def read(self, *, position: int) -> Scored | None:
        """Return the checkpoint written last, or ``None`` if there is none that can be used.

        Parameters
        ----------
        position
            Position of the last batch in history: a checkpoint from beyond it belongs to another history.
        """
        try:
            checkpoint, stored_position = _decoded(self._path)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as reason:
            logger.warning("checkpoint left unused", extra={"reason": str(reason)})
            return None
        if stored_position > position:
            self.lost = lost_batches(stored_position, position)
            logger.error("checkpoint left unused", extra={"reason": self.lost})
            return None
        return checkpoint


def _named(severity: Severity, novelty: Novelty) -> Mapping[str, NDArray[Any]]:
    """Arrays of the two slower memories, each by the name that it has in the file."""
    held = {f"severity_{name}": array for name, array in severity._asdict().items()}
    return held | {f"novelty_{name}": array for name, array in novelty._asdict().items()}


def _decoded(path: Path) -> tuple[Scored, int]:
    with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
        header = json.loads(stored["header"].tobytes())
        state = state_from_bytes(stored["state"].tobytes())
        n_series = len(state.keys)
        nothing = np.zeros(n_series, dtype=np.float32)
        severity, novelty = initial_severity(n_series), initial_novelty(n_series)
        wanted: dict[str, NDArray[Any]] = {"values": nothing, "novelty": nothing}
        wanted |= {"status": nothing.astype(np.int8), **_named(severity, novelty)}
        arrays = {name: stored[name] for name in wanted}
    for name, like in wanted.items():
        if arrays[name].shape != like.shape or arrays[name].dtype != like.dtype:
            raise BadStateError(f"its {name} does not fit its {n_series} series")
    severity = Severity(*(arrays[f"severity_{name}"] for name in Severity._fields))
    novelty = Novelty(*(arrays[f"novelty_{name}"] for name in Novelty._fields))
    onset = Scores(arrays["values"], arrays["status"])
    scored = Scored(
        str(header["bundle"]),
        int(header["step_ms"]),
        Memory(state, severity, novelty),
        ThreeScores(onset, severity.held, arrays["novelty"]),
    )
    return scored, int(header["position"])
