"""The longest part of a training in shards of series: on all cores, and nothing is learned twice.

What a shard came to is kept in a file of its own. A training that was interrupted reads those again and goes
on with the others.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import zipfile
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import fields
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np

from features.frame import Frame
from models.artifacts.bundle_files import arrays_from_bytes, arrays_to_bytes
from models.detectors.baseline import Baseline, fit_baseline

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from features.calendar import Clock

SERIES_PER_SHARD = 250

FEWEST_POINTS = 4_000_000
"""Fewer points than this are learned from before another process has started."""


@contextmanager
def kept_in(directory: Path | None) -> Iterator[Path]:
    """Where shards are kept; emptied only when the block ends well. ``None`` keeps them for the block."""
    if directory is None:
        with TemporaryDirectory() as passing:
            yield Path(passing)
    else:
        yield directory
        shutil.rmtree(directory, ignore_errors=True)


def shard_name(frame: Frame, clock: Clock, code: str) -> str:
    """Name of what one shard comes to: the same only for the same values, clock and code."""
    header = repr((frame.start_ms, frame.step_ms, frame.keys, clock, code))
    digest = hashlib.sha256(header.encode())
    digest.update(np.ascontiguousarray(frame.values).view(np.uint8).data)
    return f"baseline-{digest.hexdigest()[:32]}.npz"


def fit_in_shards(
    frame: Frame,
    clock: Clock,
    kept: Path,
    *,
    code: str = "",
    processes: int | None = None,
    progress: Callable[[float], None] = lambda _: None,
) -> Baseline:
    """Learn what is normal for every series, as `models.detectors.baseline.fit_baseline` does.

    Parameters
    ----------
    frame, clock
        What to learn from.
    kept
        Directory of what shards came to; made if need be. Files in it that do not belong to this training
        are not looked at.
    code
        Version of the code; another version learns anew.
    processes
        How many shards at once; by default one per core. A small frame is learned from in this process.
    progress
        Told the share that is done, 0 to 1.
    """
    kept.mkdir(parents=True, exist_ok=True)
    shards = [
        Frame(frame.start_ms, frame.step_ms, frame.keys[first:last], frame.values[:, first:last])
        for first in range(0, len(frame.keys), SERIES_PER_SHARD)
        for last in [first + SERIES_PER_SHARD]
    ]
    if not shards:
        return fit_baseline(frame, clock)
    paths = [kept / shard_name(shard, clock, code) for shard in shards]
    found = [_read(path, shard) for path, shard in zip(paths, shards, strict=True)]
    todo = [index for index, each in enumerate(found) if each is None]
    n_points = sum(shards[index].values.size for index in todo)
    processes = min(processes or os.cpu_count() or 1, len(todo))
    if processes <= 1 or n_points < FEWEST_POINTS:
        for n_done, index in enumerate(todo, start=len(shards) - len(todo) + 1):
            _fit(shards[index], clock, paths[index])
            progress(n_done / len(shards))
    else:
        with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
            futures = [pool.submit(_fit, shards[index], clock, paths[index]) for index in todo]
            try:
                for n_done, future in enumerate(as_completed(futures), start=len(shards) - len(todo) + 1):
                    future.result()
                    progress(n_done / len(shards))
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
    return _joined(
        [
            each or _read(path, shard) or fit_baseline(shard, clock)
            for each, path, shard in zip(found, paths, shards, strict=True)
        ]
    )


def _fit(shard: Frame, clock: Clock, path: Path) -> None:
    """Learn from one shard and keep what came of it; a file is there whole or not at all."""
    baseline = fit_baseline(shard, clock)
    partial = path.with_name(f"{path.name}.{os.getpid()}")
    partial.write_bytes(arrays_to_bytes({name: getattr(baseline, name) for name in _arrays()}))
    partial.replace(path)


def _read(path: Path, shard: Frame) -> Baseline | None:
    """What a shard came to before; ``None`` if that is not known, or the file is damaged."""
    try:
        kept = arrays_from_bytes(path.read_bytes())
        return Baseline(keys=shard.keys, step_ms=shard.step_ms, **{name: kept[name] for name in _arrays()})
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None


def _joined(baselines: Sequence[Baseline]) -> Baseline:
    columns = {
        name: np.concatenate([getattr(each, name) for each in baselines], axis=-1) for name in _arrays()
    }
    keys = tuple(key for each in baselines for key in each.keys)
    return Baseline(keys=keys, step_ms=baselines[0].step_ms, **columns)


def _arrays() -> list[str]:
    return [each.name for each in fields(Baseline) if each.name not in {"keys", "step_ms"}]
