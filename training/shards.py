"""The longest part of a training in shards of series: on all cores, and nothing is learned twice.

The result of each shard is saved in its own file. A training that was interrupted reads those files and
continues with the other shards.
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
"""Fewer points than this are learned faster in this process than in a new one."""


@contextmanager
def checkpoint_directory(directory: Path | None) -> Iterator[Path]:
    """Directory of shard results; deleted when the block succeeds. ``None`` uses a temporary one."""
    if directory is None:
        with TemporaryDirectory() as temporary:
            yield Path(temporary)
    else:
        yield directory
        shutil.rmtree(directory, ignore_errors=True)


def shard_name(frame: Frame, clock: Clock, code: str) -> str:
    """File name of a shard's result: the same only for the same values, clock and code."""
    header = repr((frame.start_ms, frame.step_ms, frame.keys, clock, code))
    digest = hashlib.sha256(header.encode())
    digest.update(np.ascontiguousarray(frame.values).view(np.uint8).data)
    return f"baseline-{digest.hexdigest()[:32]}.npz"


def fit_in_shards(
    frame: Frame,
    clock: Clock,
    checkpoints: Path,
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
    checkpoints
        Directory of shard results; created if missing. Files of other trainings in it are ignored.
    code
        Version of the code; another version learns again.
    processes
        Number of shards at once; by default one per core. A small frame is learned in this process.
    progress
        Receives the share that is done, 0 to 1.
    """
    checkpoints.mkdir(parents=True, exist_ok=True)
    shards = [
        Frame(frame.start_ms, frame.step_ms, frame.keys[first:last], frame.values[:, first:last])
        for first in range(0, len(frame.keys), SERIES_PER_SHARD)
        for last in [first + SERIES_PER_SHARD]
    ]
    if not shards:
        return fit_baseline(frame, clock)
    paths = [checkpoints / shard_name(shard, clock, code) for shard in shards]
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
    """Learn from one shard and save the result; its file is complete or absent."""
    baseline = fit_baseline(shard, clock)
    partial = path.with_name(f"{path.name}.{os.getpid()}")
    partial.write_bytes(arrays_to_bytes({name: getattr(baseline, name) for name in _arrays()}))
    partial.replace(path)


def _read(path: Path, shard: Frame) -> Baseline | None:
    """The saved result of a shard; ``None`` if there is none, or the file is damaged."""
    try:
        arrays = arrays_from_bytes(path.read_bytes())
        return Baseline(keys=shard.keys, step_ms=shard.step_ms, **{name: arrays[name] for name in _arrays()})
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
