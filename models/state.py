"""What the first stage carries from tick to tick: a few arrays, one entry per series."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

import numpy as np

from models.errors import BadStateError
from telemetry.batches import SeriesKey

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

SPEC = 1
"""Version of the meaning of these arrays; a state of another version is not read, it warms up again."""

NEVER_MS = -(2**62)
"""A time before every tick: the last time of what was never seen."""


@dataclass(frozen=True)
class State:
    """The first stage's memory, after some tick. Every array has shape ``(n_series,)``.

    Attributes
    ----------
    keys
        The series, one per entry.
    tick_ms
        Start of the last tick consumed; `NEVER_MS` before the first.
    n_seen
        Values seen so far, those the baseline was fitted on included.
    seen_ms
        Start of the tick of the last value seen; `NEVER_MS` if there was none.
    level
        Slow correction of the seasonal profile, as a share of it (`models.detectors.baseline.level_unit`).
    deviation
        Mean absolute residual over about two days, in the unit of the series.
    mean, spread
        Mean of the series and mean absolute distance from it over about three days.
    """

    keys: tuple[SeriesKey, ...]
    tick_ms: int
    n_seen: NDArray[np.int64]
    seen_ms: NDArray[np.int64]
    level: NDArray[np.float64]
    deviation: NDArray[np.float64]
    mean: NDArray[np.float64]
    spread: NDArray[np.float64]


ARRAYS = tuple(each.name for each in fields(State) if each.name not in {"keys", "tick_ms"})


def migrate(state: State, fresh: State) -> State:
    """Carry the memory of the series that two bundles share into the initial state of the new one.

    Series that only ``fresh`` has start as the new bundle seeds them.
    """
    position = {key: index for index, key in enumerate(state.keys)}
    pairs = [(new, position[key]) for new, key in enumerate(fresh.keys) if key in position]
    to, source = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    moved = {}
    for name in ARRAYS:
        moved[name] = getattr(fresh, name).copy()
        moved[name][to] = getattr(state, name)[source]
    return replace(fresh, tick_ms=state.tick_ms, **moved)


def state_to_bytes(state: State) -> bytes:
    """Encode a state for a checkpoint."""
    header = {"spec": SPEC, "tick_ms": state.tick_ms, "keys": state.keys}
    written = io.BytesIO()
    arrays: Mapping[str, NDArray[np.generic]] = {name: getattr(state, name) for name in ARRAYS}
    encoded = np.frombuffer(json.dumps(header).encode(), dtype=np.uint8)
    np.savez(written, allow_pickle=False, header=encoded, **arrays)
    return written.getvalue()


def state_from_bytes(content: bytes) -> State:
    """Decode a state from a checkpoint.

    Raises
    ------
    BadStateError
        If the bytes are no checkpoint, or of another version.
    """
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as stored:
            header = json.loads(stored["header"].tobytes())
            arrays = {name: stored[name] for name in ARRAYS}
        spec, tick_ms = int(header["spec"]), int(header["tick_ms"])
        keys = tuple(SeriesKey(str(item), str(metric)) for item, metric in header["keys"])
    except (ValueError, KeyError, TypeError, OSError, EOFError, zipfile.BadZipFile) as reason:
        raise BadStateError(str(reason)) from reason
    if spec != SPEC:
        raise BadStateError(f"it has version {spec}, this Sunspot reads {SPEC}")
    if any(array.shape != (len(keys),) for array in arrays.values()):
        raise BadStateError(f"its arrays do not fit its {len(keys)} series")
    for name, array in arrays.items():
        wanted = np.int64 if name in {"n_seen", "seen_ms"} else np.float64
        if array.dtype != wanted:
            raise BadStateError(f"{name} is {array.dtype}, not {np.dtype(wanted)}")
    return State(keys, tick_ms, **arrays)
