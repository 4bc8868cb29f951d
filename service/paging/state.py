"""The state of paging that survives a restart, and a change of bundle."""

from __future__ import annotations

import json
import logging
import zipfile
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from models.paging.rules import AnomalyGroup, PagingMemory, initial_memory
from models.paging.thresholds import PageState
from models.state import NEVER_MS, shared_places
from telemetry.batches import SeriesKey
from telemetry.durable import replacing

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

logger = logging.getLogger(__name__)

SPEC = 1
ARRAYS = {"exceeded_ms": np.int64, "height": np.float64, "n_over": np.int64}


@dataclass(frozen=True)
class PagingState:
    """The memory of paging after a tick.

    Attributes
    ----------
    keys
        The series, one per entry of every array.
    memory
        What the rules carry from tick to tick.
    silent
        By item that is silent now, when it fell silent.
    since_ms
        Start of the first tick ever watched; `NEVER_MS` before it.
    """

    keys: tuple[SeriesKey, ...]
    memory: PagingMemory
    silent: Mapping[str, int] = field(default_factory=dict)
    since_ms: int = NEVER_MS

    @property
    def tick_ms(self) -> int:
        """Start of the last tick watched; `NEVER_MS` before the first."""
        return self.memory.governor.tick_ms

    def moved_to(self, keys: tuple[SeriesKey, ...]) -> PagingState:
        """Return the state for other series: shared ones keep theirs, new ones start without a past."""
        if keys is self.keys or keys == self.keys:
            return self
        to, source = shared_places(self.keys, keys)
        arrays, moved = _arrays(self), _arrays(initial_paging(keys))
        for name, array in moved.items():
            array[to] = arrays[name][source]
        return replace(
            _state(keys, self.tick_ms, moved, self.memory.anomaly_groups),
            silent=self.silent,
            since_ms=self.since_ms,
        )


def initial_paging(keys: tuple[SeriesKey, ...]) -> PagingState:
    """Return the memory before the first tick."""
    return PagingState(keys, initial_memory(len(keys)))


def write_paging(state: PagingState, path: Path) -> None:
    """Write a state; it is completely on disk when this returns."""
    header = {
        "spec": SPEC,
        "tick_ms": state.tick_ms,
        "keys": state.keys,
        "silent": dict(state.silent),
        "since_ms": state.since_ms,
        "anomaly_groups": [[each.since_ms, each.latest_ms] for each in state.memory.anomaly_groups],
    }
    with replacing(path) as file:
        encoded = np.frombuffer(json.dumps(header).encode(), dtype=np.uint8)
        np.savez(file, allow_pickle=False, header=encoded, **_arrays(state))


def read_paging(path: Path) -> PagingState | None:
    """Return the state written last, or ``None`` if there is none that can be used."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            header = json.loads(stored["header"].tobytes())
            arrays = {name: stored[name] for name in ARRAYS}
        return _decoded(header, arrays)
    except FileNotFoundError:
        return None
    except (
        OSError,
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
        EOFError,
        zipfile.BadZipFile,
    ) as reason:
        logger.warning("paging memory left unused", extra={"reason": str(reason)})
        return None


def _decoded(header: Any, arrays: dict[str, Any]) -> PagingState:
    if header["spec"] != SPEC:
        raise ValueError(f"it has version {header['spec']!r}, this Sunspot reads {SPEC}")
    keys = tuple(SeriesKey(str(item), str(metric)) for item, metric in header["keys"])
    for name, kind in ARRAYS.items():
        if arrays[name].dtype != kind or arrays[name].shape != (len(keys),):
            raise ValueError(f"{name} does not fit its {len(keys)} series")
    anomaly_groups = tuple(
        AnomalyGroup(tuple((str(item), int(at_ms)) for item, at_ms in since), int(latest_ms))
        for since, latest_ms in header.get("anomaly_groups", header.get("troubles", ()))
    )
    silent = {str(item): int(at_ms) for item, at_ms in header["silent"].items()}
    state = _state(keys, int(header["tick_ms"]), arrays, anomaly_groups)
    return replace(state, silent=silent, since_ms=int(header["since_ms"]))


def _arrays(state: PagingState) -> dict[str, Any]:
    governor = state.memory.governor
    return {
        "exceeded_ms": governor.exceeded_ms,
        "height": governor.height,
        "n_over": state.memory.n_over,
    }


def _state(
    keys: tuple[SeriesKey, ...],
    tick_ms: int,
    arrays: dict[str, Any],
    anomaly_groups: tuple[AnomalyGroup, ...],
) -> PagingState:
    governor = PageState(tick_ms, arrays["exceeded_ms"], arrays["height"])
    memory = PagingMemory(governor, arrays["n_over"], anomaly_groups)
    return PagingState(keys, memory)
