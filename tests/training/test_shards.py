"""Learning in shards: the same result as in one piece, and nothing is learned twice."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from builders import a_frame

from features.calendar import CLOCKS
from features.frame import Frame
from models.detectors.baseline import Baseline, fit_baseline
from training import shards
from training.shards import SERIES_PER_SHARD, checkpoint_directory, fit_in_shards

CLOCK = CLOCKS["always"]
FRAME = a_frame([f"service-{index:03d}" for index in range(SERIES_PER_SHARD)], n_ticks=300)


def assert_same(one: Baseline, other: Baseline) -> None:
    assert one.keys == other.keys
    for each in fields(Baseline):
        np.testing.assert_array_equal(getattr(one, each.name), getattr(other, each.name))


def test_shards_give_the_same_result_as_one_piece(tmp_path: Path) -> None:
    reported: list[float] = []
    learned = fit_in_shards(FRAME, CLOCK, tmp_path, progress=reported.append)
    assert len(FRAME.keys) > SERIES_PER_SHARD
    assert_same(learned, fit_baseline(FRAME, CLOCK))
    assert reported == sorted(reported)
    assert reported[-1] == 1.0


def test_other_processes_give_the_same_result(tmp_path: Path) -> None:
    long = Frame(FRAME.start_ms, FRAME.step_ms, FRAME.keys, np.tile(FRAME.values, (20, 1)))
    assert long.values.size >= shards.FEWEST_POINTS
    assert_same(fit_in_shards(long, CLOCK, tmp_path, processes=2), fit_baseline(long, CLOCK))


class InterruptedTrainingError(Exception):
    """Stands for the end of a process."""


def test_an_interrupted_training_resumes(tmp_path: Path) -> None:
    def end(share: float) -> None:
        raise InterruptedTrainingError

    with pytest.raises(InterruptedTrainingError), checkpoint_directory(tmp_path / "checkpoints") as directory:
        fit_in_shards(FRAME, CLOCK, directory, progress=end)
    (first,) = list((tmp_path / "checkpoints").iterdir())
    written = first.stat().st_mtime_ns
    reported: list[float] = []
    with checkpoint_directory(tmp_path / "checkpoints") as directory:
        learned = fit_in_shards(FRAME, CLOCK, directory, progress=reported.append)
        assert first.stat().st_mtime_ns == written
    assert_same(learned, fit_baseline(FRAME, CLOCK))
    assert len(reported) == -(-len(FRAME.keys) // SERIES_PER_SHARD) - 1
    assert not (tmp_path / "checkpoints").exists()


@pytest.mark.parametrize("content", [b"", b"not an archive", b"PK\x03\x04 cut short"])
def test_a_damaged_shard_is_learned_again(tmp_path: Path, content: bytes) -> None:
    fit_in_shards(FRAME, CLOCK, tmp_path)
    for each in tmp_path.iterdir():
        each.write_bytes(content)
    assert_same(fit_in_shards(FRAME, CLOCK, tmp_path), fit_baseline(FRAME, CLOCK))


def test_other_code_learns_again(tmp_path: Path) -> None:
    fit_in_shards(FRAME, CLOCK, tmp_path, code="one")
    n_saved = len(list(tmp_path.iterdir()))
    fit_in_shards(FRAME, CLOCK, tmp_path, code="two")
    assert len(list(tmp_path.iterdir())) == 2 * n_saved


def test_no_series_is_no_work(tmp_path: Path) -> None:
    empty = Frame(FRAME.start_ms, FRAME.step_ms, (), np.zeros((10, 0)))
    assert fit_in_shards(empty, CLOCK, tmp_path).keys == ()
