"""What the first stage carries from tick to tick: a few arrays, one entry per series, and its season."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from models.errors import BadStateError
from telemetry.batches import SeriesKey

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

SPEC = 2
"""Version of the meaning of these arrays; a state of another version is not read, it warms up again."""

NEVER_MS = -(2**62)
"""A time before every tick: the last time of what was never seen."""

NO_SLOT = -1
"""The slot before the first tick."""


@dataclass(frozen=True)
class State:
    """The first stage's memory, after some tick. Every array has shape ``(n_series,)``.

    Attributes
    ----------
    keys
        The series, one per entry.
    tick_ms
        Start of the last tick consumed; `NEVER_MS` before the first.
    slot
        Slot of the last tick that held a value; `NO_SLOT` before the first.
    n_seen
        Values seen so far, those the baseline was fitted on included.
    seen_ms
        Start of the tick of the last value seen; `NEVER_MS` if there was none.
    level
        Slow correction of the seasonal profile, in the unit of the series.
    deviation
        Mean absolute residual over about two days, in the unit of the series.
    mean, spread
        Mean of the series and mean absolute distance from it over about three days.
    expected, scale
        Seasonal value and standard deviation in the present slot, in the unit of the series; ``expected`` is
        ``nan`` before the first value.
    errors, distances, counts
        Sum of residuals and of their distances in the present slot, and of how many; learned from when the
        slot ends.
    season, volatility
        One row per slot, and per half hour: the typical value and the mean absolute residual, ``nan`` where
        nothing was seen. Rows are shared between states and never written to: a step replaces at most one
        of each.
    """

    keys: tuple[SeriesKey, ...]
    tick_ms: int
    slot: int
    n_seen: NDArray[np.int64]
    seen_ms: NDArray[np.int64]
    level: NDArray[np.float32]
    deviation: NDArray[np.float32]
    mean: NDArray[np.float32]
    spread: NDArray[np.float32]
    expected: NDArray[np.float32]
    scale: NDArray[np.float32]
    errors: NDArray[np.float32]
    distances: NDArray[np.float32]
    counts: NDArray[np.float32]
    season: tuple[NDArray[np.float32], ...]
    volatility: tuple[NDArray[np.float32], ...]


WHOLE = ("n_seen", "seen_ms")
ARRAYS = (
    *WHOLE,
    *("level", "deviation", "mean", "spread", "expected", "scale", "errors", "distances", "counts"),
)
ROWS = ("season", "volatility")


def migrate(state: State, fresh: State) -> State:
    """Carry the memory of the series that two bundles share into the initial state of the new one.

    Series that only ``fresh`` has start as the new bundle seeds them. What the present slot had not yet
    learned is dropped, and so is the season if the new bundle has another clock.
    """
    position = {key: index for index, key in enumerate(state.keys)}
    pairs = [(new, position[key]) for new, key in enumerate(fresh.keys) if key in position]
    to, source = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    moved: dict[str, Any] = {
        name: _moved(getattr(state, name), getattr(fresh, name), to, source) for name in ARRAYS
    }
    rows: dict[str, Any] = {}
    for name in ROWS:
        old, new = getattr(state, name), getattr(fresh, name)
        same_clock = len(old) == len(new)
        rows[name] = (
            tuple(_moved(*pair, to, source) for pair in zip(old, new, strict=True)) if same_clock else new
        )
    for name in ("errors", "distances", "counts"):
        moved[name] = getattr(fresh, name)
    return replace(fresh, tick_ms=state.tick_ms, **moved, **rows)


def _moved(
    old: NDArray[np.generic], new: NDArray[np.generic], to: NDArray[np.int64], source: NDArray[np.int64]
) -> NDArray[np.generic]:
    copied = new.copy()
    copied[to] = old[source]
    return copied


def state_to_bytes(state: State) -> bytes:
    """Encode a state for a checkpoint."""
    header = {"spec": SPEC, "tick_ms": state.tick_ms, "slot": state.slot, "keys": state.keys}
    written = io.BytesIO()
    arrays: Mapping[str, NDArray[np.generic]] = {name: getattr(state, name) for name in ARRAYS}
    rows = {name: np.array(getattr(state, name), dtype=np.float32) for name in ROWS}
    encoded = np.frombuffer(json.dumps(header).encode(), dtype=np.uint8)
    np.savez(written, allow_pickle=False, header=encoded, **arrays, **rows)
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
            spec = int(header["spec"])
            if spec != SPEC:
                raise BadStateError(f"it has version {spec}, this Sunspot reads {SPEC}")  # noqa: TRY301
            arrays: dict[str, Any] = {name: stored[name] for name in (*ARRAYS, *ROWS)}
        tick_ms, slot = int(header["tick_ms"]), int(header["slot"])
        keys = tuple(SeriesKey(str(item), str(metric)) for item, metric in header["keys"])
    except BadStateError:
        raise
    except (ValueError, KeyError, TypeError, OSError, EOFError, zipfile.BadZipFile) as reason:
        raise BadStateError(str(reason)) from reason
    n_slots = len(arrays["season"]) if arrays["season"].ndim else 0
    if not NO_SLOT <= slot < max(n_slots, 1):
        raise BadStateError(f"its slot is {slot} of {n_slots}")
    for name, array in arrays.items():
        wanted = np.int64 if name in WHOLE else np.float32
        if array.dtype != wanted:
            raise BadStateError(f"{name} is {array.dtype}, not {np.dtype(wanted)}")
        if array.ndim != 1 + (name in ROWS) or array.shape[-1] != len(keys):
            raise BadStateError(f"its arrays do not fit its {len(keys)} series")
    rows: dict[str, Any] = {name: tuple(arrays.pop(name)) for name in ROWS}
    return State(keys, tick_ms, slot, **arrays, **rows)
