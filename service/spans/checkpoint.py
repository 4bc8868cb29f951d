"""What was learned from spans, on disk, so that a restart continues where it was."""

from __future__ import annotations

import json
import logging
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np

from models.artifacts.span_sums_files import spans_from_parts, spans_parts
from service.batch_log import CountedBatches
from service.health import lost_batches
from service.spans.memory import SpanMemory
from service.spans.names import FewOperations
from telemetry.durable import replacing
from telemetry.span_records import decode_spans, encode_spans

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

logger = logging.getLogger(__name__)

LAYOUT = 1
UNUSABLE = (OSError, ValueError, KeyError, TypeError, EOFError, RecursionError, zipfile.BadZipFile)


class SpanCheckpoints:
    """The file of the last checkpoint.

    Attributes
    ----------
    lost
        What a checkpoint proves to be gone from history; empty if nothing is.
    """

    def __init__(self, path: Path) -> None:
        self.lost = ""
        self._path = path
        self._written: tuple[int, int] | None = None

    def write(self, memory: SpanMemory) -> None:
        """Save a memory if anything changed since it was saved last; it is on disk when this returns."""
        with memory.lock:
            state = (memory.counted.until, memory.n_summed)
            if state == self._written:
                return
            header: dict[str, Any] = {
                "layout": LAYOUT,
                "position": memory.counted.until,
                "beyond": sorted(memory.counted.beyond),
                "latest_ms": memory.latest_ms,
                "edges": list(memory.edges),
            }
            sums = {"recent": memory.recent.sums(), "past": memory.past.sums()}
            held = encode_spans(memory.open.held)
        arrays: dict[str, NDArray[Any]] = {"open": np.frombuffer(held, dtype=np.uint8)}
        for name, each in sums.items():
            header[name], parts = spans_parts(each)
            arrays |= {f"{name}_{part}": values for part, values in parts.items()}
        packed = np.frombuffer(json.dumps(header).encode(), dtype=np.uint8)
        with replacing(self._path) as file:
            np.savez_compressed(file, allow_pickle=False, header=packed, **arrays)
        self._written = state

    def read(self, *, position: int, at_ms: int) -> SpanMemory:
        """Return the memory that was saved last, or an empty one if there is none that can be used.

        Parameters
        ----------
        position
            Position of the last batch in history: a checkpoint from beyond it belongs to another history.
        at_ms
            The present: open traces count as arriving now.
        """
        try:
            memory = _decoded(self._path, at_ms=at_ms)
        except FileNotFoundError:
            return SpanMemory()
        except UNUSABLE as reason:
            logger.warning("span checkpoint left unused", extra={"reason": str(reason)})
            return SpanMemory()
        noted = max({memory.counted.until} | memory.counted.beyond)
        if noted > position:
            self.lost = lost_batches(noted, position)
            logger.error("span checkpoint left unused", extra={"reason": self.lost})
            return SpanMemory()
        return memory


def _decoded(path: Path, *, at_ms: int) -> SpanMemory:
    with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
        header = json.loads(stored["header"].tobytes())
        if header["layout"] != LAYOUT:
            raise ValueError(f"it is of layout {header['layout']!r}, not {LAYOUT}")
        sums = {}
        for name in ("recent", "past"):
            prefix = f"{name}_"
            parts = {
                each.removeprefix(prefix): stored[each] for each in stored.files if each.startswith(prefix)
            }
            sums[name] = spans_from_parts(header[name], parts)
        held = decode_spans(stored["open"].tobytes())
    memory = SpanMemory(
        counted=CountedBatches(int(header["position"]), frozenset(map(int, header["beyond"]))),
        operations=FewOperations(
            (str(kind[0]), str(kind[1])) for each in sums.values() for kind in each.own.kinds
        ),
        edges={(str(caller), str(callee)): None for caller, callee in header["edges"]},
        latest_ms=int(header["latest_ms"]),
    )
    memory.recent.add(sums["recent"])
    memory.past.add(sums["past"])
    if len(held):
        memory.open.add(held, at_ms=at_ms)
    return memory
