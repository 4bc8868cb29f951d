"""The first stage's state between ticks: a few arrays with one entry per series, and the season."""

from __future__ import annotations

import io
import json
import zipfile
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from models.errors import BadStateError
from telemetry.batches import SeriesKey

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

SPEC = 3
"""Version of the meaning of these arrays; a state of another version is not read, so series warm up again."""

NEVER_MS = -(2**62)
"""A time before every tick: the last time of a value that was never seen."""

NO_SLOT = -1
"""The slot before the first tick."""


class State(NamedTuple):
    """The first stage's memory after a tick. Arrays have shape ``(n_series,)``, except the last three.

    At a tick at which every series has a value, what is the same for all series is stored once. It is a named
    tuple because one is made at every tick.

    Attributes
    ----------
    keys
        The series, one per entry.
    tick_ms
        Start of the last tick consumed; `NEVER_MS` before the first.
    full_ms, n_full
        Start of the last tick at which every series had a value, and how many such ticks the present slot
        has had.
    slot, other
        Slot of the last tick that held a value, and the one that ``lean`` leads to; `NO_SLOT` before the
        first.
    is_settled
        Every series has been known for days, and is expected to have a modest value in the present slot.
    n_seen
        Values seen before the present slot, including those that the baseline was fitted on.
    partial_ms
        Start of the tick of the last value seen while other series had none; `NEVER_MS` if there was none.
    counts
        Values seen in the present slot while other series had none.
    level
        Slow correction of the seasonal profile, in units of ``scale``.
    deviation
        Mean absolute residual over about two days, in the unit of the series.
    mean, spread
        Mean of the series and mean absolute distance from it over about three days.
    expected, scale
        Seasonal value and standard deviation in the present slot, in the unit of the series; ``expected`` is
        ``nan`` before the first value.
    lean
        How far the season of the slot ``other`` is from the expected value, in units of ``scale``.
    sums
        Two rows: sums of residuals and of their absolute values in the present slot, in units of ``scale``;
        the slot's end learns from them.
    season, volatility
        One row per slot and one per half hour: the typical value and the mean absolute residual, ``nan``
        where nothing was seen. States share rows and never write to them: a step replaces at most one of
        each.
    """

    keys: tuple[SeriesKey, ...]
    tick_ms: int
    full_ms: int
    n_full: int
    slot: int
    other: int
    is_settled: bool
    n_seen: NDArray[np.int64]
    partial_ms: NDArray[np.int64]
    counts: NDArray[np.float32]
    level: NDArray[np.float32]
    deviation: NDArray[np.float32]
    mean: NDArray[np.float32]
    spread: NDArray[np.float32]
    expected: NDArray[np.float32]
    scale: NDArray[np.float32]
    lean: NDArray[np.float32]
    sums: NDArray[np.float32]
    season: tuple[NDArray[np.float32], ...]
    volatility: tuple[NDArray[np.float32], ...]

    @property
    def n_values(self) -> NDArray[np.int64]:
        """Values seen so far, including the present slot."""
        n_values = self.n_seen + self.n_full
        return n_values + self.counts.astype(np.int64) if self.counts.any() else n_values

    @property
    def seen_ms(self) -> NDArray[np.int64]:
        """Start of the tick of the last value seen; `NEVER_MS` if there was none."""
        return np.maximum(self.partial_ms, self.full_ms)


INTEGER_ARRAYS = ("n_seen", "partial_ms")
ARRAYS = (
    *INTEGER_ARRAYS,
    *("counts", "level", "deviation", "mean", "spread", "expected", "scale", "lean"),
)
ROWS = ("sums", "season", "volatility")
NUMBERS = ("tick_ms", "full_ms", "n_full", "slot", "other", "is_settled")


def migrate(state: State, fresh: State) -> State:
    """Carry the memory of the series that two bundles share into the initial state of the new one.

    Series that only ``fresh`` has start with the values of the new bundle, and so does the season of a slot
    in which a series was never seen. Sums that the present slot has not learned from are dropped, and so is
    the season if the new bundle has another clock.
    """
    to, source = shared_places(state.keys, fresh.keys)
    state = state._replace(n_seen=state.n_values, partial_ms=state.seen_ms)
    moved: dict[str, Any] = {
        name: _moved(getattr(state, name), getattr(fresh, name), to, source)
        for name in ARRAYS
        if name not in {"counts", "lean"}
    }
    for name in ("season", "volatility"):
        old, new = getattr(state, name), getattr(fresh, name)
        if len(old) == len(new):
            moved[name] = tuple(_filled(*pair, to, source) for pair in zip(old, new, strict=True))
    return fresh._replace(tick_ms=state.tick_ms, **moved)


def set_back(state: State, tick_ms: int) -> State:
    """Return a state whose last tick was no later than this one; what was learned stays."""
    return state._replace(
        tick_ms=min(state.tick_ms, tick_ms),
        full_ms=min(state.full_ms, tick_ms),
        partial_ms=np.minimum(state.partial_ms, tick_ms),
    )


def shared_places(
    old: Sequence[SeriesKey], new: Sequence[SeriesKey]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Indices in ``new`` of the series that ``old`` has too, and their indices in ``old``."""
    position = {key: index for index, key in enumerate(old)}
    pairs = [(place, position[key]) for place, key in enumerate(new) if key in position]
    places = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return places[:, 0], places[:, 1]


def _moved(
    old: NDArray[np.generic], new: NDArray[np.generic], to: NDArray[np.int64], source: NDArray[np.int64]
) -> NDArray[np.generic]:
    copied = new.copy()
    copied[to] = old[source]
    return copied


def _filled(
    old: NDArray[np.float32], new: NDArray[np.float32], to: NDArray[np.int64], source: NDArray[np.int64]
) -> NDArray[np.float32]:
    """The old row where it has a value, otherwise the new one."""
    moved = _moved(old, new, to, source)
    return np.where(np.isnan(moved), new, moved)


def state_to_bytes(state: State) -> bytes:
    """Encode a state for a checkpoint."""
    numbers = {name: int(getattr(state, name)) for name in NUMBERS}
    header = {"spec": SPEC, "keys": state.keys, "numbers": numbers}
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
        If the bytes are not a checkpoint, or have another version.
    """
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as stored:
            header = json.loads(stored["header"].tobytes())
            spec = int(header["spec"])
            if spec != SPEC:
                raise BadStateError(f"it has version {spec}, but this Sunspot reads version {SPEC}")  # noqa: TRY301
            arrays: dict[str, Any] = {name: stored[name] for name in (*ARRAYS, *ROWS)}
        numbers: dict[str, Any] = {name: int(header["numbers"][name]) for name in NUMBERS}
        keys = tuple(SeriesKey(str(item), str(metric)) for item, metric in header["keys"])
    except BadStateError:
        raise
    except (ValueError, KeyError, TypeError, OSError, EOFError, zipfile.BadZipFile) as reason:
        raise BadStateError(str(reason)) from reason
    for name, array in arrays.items():
        wanted = np.int64 if name in INTEGER_ARRAYS else np.float32
        if array.dtype != wanted:
            raise BadStateError(f"{name} is {array.dtype}, not {np.dtype(wanted)}")
        if array.ndim != 1 + (name in ROWS) or array.shape[-1] != len(keys):
            raise BadStateError(f"its arrays do not fit its {len(keys)} series")
    n_slots = len(arrays["season"])
    for name in ("slot", "other"):
        if not NO_SLOT <= numbers[name] < max(n_slots, 1):
            raise BadStateError(f"its {name} {numbers[name]} is not one of {n_slots} slots")
    numbers["is_settled"] = bool(numbers["is_settled"])
    for name in ("season", "volatility"):
        arrays[name] = tuple(arrays[name])
    return State(keys, **numbers, **arrays)
