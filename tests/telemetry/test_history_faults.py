"""Torn tails, flipped bytes, full disks and kill -9: nothing acknowledged is lost, and damage is reported."""

from __future__ import annotations

import signal
import subprocess
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np
import pytest

from telemetry.batches import Samples, SeriesKey
from telemetry.errors import BadBatchError
from telemetry.history import History
from telemetry.history_reader import HistoryReader
from telemetry.log_file import LogFile

if TYPE_CHECKING:
    from pathlib import Path

N_RECORDS = 4


def times(history: History | HistoryReader) -> list[int]:
    return [int(at) for each in history.replay() for at in each.time_ms]


def log_of(directory: Path) -> Path:
    return min((directory / "log").iterdir())


@pytest.fixture
def written(tmp_path: Path) -> bytes:
    """The log of four records, one sample each, at 0 … 3 ms."""
    with History(tmp_path / "original") as history:
        for at_ms in range(N_RECORDS):
            history.append(Samples.from_rows([("order", "requests", at_ms, 1.0)]))
    return log_of(tmp_path / "original").read_bytes()


def directory_with(tmp_path: Path, log: bytes) -> Path:
    """Return a directory whose only log has the given bytes."""
    directory = tmp_path / f"copy-{len(list(tmp_path.iterdir()))}"
    (directory / "log").mkdir(parents=True)
    (directory / "log" / f"{1:020d}.log").write_bytes(log)
    return directory


def test_a_tail_torn_at_any_byte_is_cut_off_and_reported(tmp_path: Path, written: bytes) -> None:
    size = len(written) // N_RECORDS
    for length in range(len(written) - size, len(written)):
        directory = directory_with(tmp_path, written[:length])
        with History(directory, sync=lambda _: None) as history:
            history.append(Samples.from_rows([("order", "requests", 9, 1.0)]))
            assert times(history) == [0, 1, 2, 9]
            assert history.position >= N_RECORDS
            torn = length - (len(written) - size)
            assert [(each.start, each.end) for each in history.damage] == [(length - torn, length)] * bool(
                torn
            )
            for damage in history.damage:
                assert (directory / damage.quarantined_in).read_bytes() == written[length - torn : length]
                assert "cut off" in str(damage)
        with History(directory) as history:
            assert times(history) == [0, 1, 2, 9]
            assert not history.damage, "damage is reported once"


def test_any_flipped_byte_costs_its_own_record_only_and_is_reported(tmp_path: Path, written: bytes) -> None:
    size = len(written) // N_RECORDS
    for at in range(len(written)):
        flipped = written[:at] + bytes([written[at] ^ 0x20]) + written[at + 1 :]
        directory = directory_with(tmp_path, flipped)
        reader = HistoryReader(directory)
        hit = at // size
        expected = [each for each in range(N_RECORDS) if each != hit]
        assert times(reader) == expected
        with History(directory, sync=lambda _: None) as history:
            assert times(history) == expected
            (damage,) = history.damage
            assert (damage.start, damage.end) == (hit * size, hit * size + size)
            assert (directory / damage.quarantined_in).read_bytes() == flipped[damage.start : damage.end]
            history.seal()
            assert times(history) == expected


def test_damage_that_precedes_sealing_is_set_aside_by_it(tmp_path: Path, written: bytes) -> None:
    directory = directory_with(tmp_path, written)
    with History(directory) as history:
        with log_of(directory).open("r+b") as log:
            log.seek(30)
            log.write(b"\xff\xff\xff")
        assert times(history) == [1, 2, 3]
        assert not history.damage[0].quarantined_in
        history.seal()
        assert times(history) == [1, 2, 3]
        assert len(list((directory / "quarantine").iterdir())) == 1


def test_a_record_inside_a_batch_is_not_mistaken_for_a_record(tmp_path: Path, written: bytes) -> None:
    name = written[: len(written) // N_RECORDS].decode("latin-1")
    with History(tmp_path / "fresh") as history:
        history.append(Samples.from_rows([(name, "requests", 7, 1.0)]))
        history.append(Samples.from_rows([("order", "requests", 8, 1.0)]))
    log = log_of(tmp_path / "fresh")
    damaged = bytearray(log.read_bytes())
    damaged[30] ^= 1
    assert times(HistoryReader(directory_with(tmp_path, bytes(damaged)))) == [8]


def test_a_crash_while_sealing_duplicates_nothing(tmp_path: Path, written: bytes) -> None:
    directory = directory_with(tmp_path, written)
    with History(directory) as history:
        history.seal()
    (directory / "log" / f"{1:020d}.log").write_bytes(written)  # as if it had not been removed yet
    (directory / "segments" / "00000000000000000009.parquet.tmp").write_bytes(b"half a segment")
    assert times(HistoryReader(directory)) == [0, 1, 2, 3]
    with History(directory) as history:
        assert times(history) == [0, 1, 2, 3]
        history.seal()
        assert times(history) == [0, 1, 2, 3]
    assert [path.suffix for path in (directory / "segments").iterdir()] == [".parquet"]


def test_a_log_left_by_a_crash_before_sealing_is_sealed_later(tmp_path: Path, written: bytes) -> None:
    directory = directory_with(tmp_path, written)
    (directory / "log" / f"{5:020d}.log").touch()
    with History(directory) as history:
        assert history.append(Samples.from_rows([("order", "requests", 4, 1.0)])) == 5
        history.seal()
        assert times(history) == [0, 1, 2, 3, 4]
    assert len(list((directory / "segments").iterdir())) == 2


def test_a_broken_segment_is_set_aside_and_the_rest_is_read(tmp_path: Path) -> None:
    with History(tmp_path) as history:
        for at_ms in range(2):
            history.append(Samples.from_rows([("order", "requests", at_ms, 1.0)]))
            history.seal()
    first = min((tmp_path / "segments").iterdir())
    first.write_bytes(first.read_bytes()[:-20])
    reader = HistoryReader(tmp_path)
    assert times(reader) == [1]
    assert "footer" in reader.damage[0].reason
    with History(tmp_path) as history:
        assert times(history) == [1]
        assert history.retain(0, now_ms=0) == 0
        (damage,) = history.damage
    assert (tmp_path / damage.quarantined_in).exists()


def test_no_flipped_byte_of_a_segment_changes_a_sample_silently(tmp_path: Path) -> None:
    rows = [("order", "requests", at, at / 7) for at in range(50)]
    with History(tmp_path) as history:
        history.append(Samples.from_rows(rows))
        history.seal()
        segment = next((tmp_path / "segments").iterdir())
        sound = segment.read_bytes()
        silent = []
        for at in range(len(sound)):
            segment.write_bytes(sound[:at] + bytes([sound[at] ^ 0x04]) + sound[at + 1 :])
            reader = HistoryReader(tmp_path)
            samples = reader.read()
            found = [
                (*samples.keys[series], at_ms, value)
                for series, at_ms, value in zip(samples.series, samples.time_ms, samples.values, strict=True)
            ]
            if not reader.damage and found != rows:
                silent.append(at)
    assert not silent


def test_a_segment_that_cannot_be_written_stays_a_log(tmp_path: Path, written: bytes) -> None:
    directory = directory_with(tmp_path, written)
    with History(directory) as history:
        (directory / "segments").rmdir()
        (directory / "segments").touch()
        history.seal()
        assert "could not be sealed" in history.sealing_failure
        assert times(history) == [0, 1, 2, 3]
        (directory / "segments").unlink()
        (directory / "segments").mkdir()
        history.seal()
        assert not history.sealing_failure
        assert times(history) == [0, 1, 2, 3]


WRITER = """
import sys
from pathlib import Path
from telemetry.batches import Samples
from telemetry.history import History

history = History(Path(sys.argv[1]), seal_bytes=int(sys.argv[2]))
for at_ms in range(1_000_000):
    rows = [("order", "requests", at_ms, 1.0), ("db", "cpu_ratio", at_ms, 0.5)]
    position = history.append(Samples.from_rows(rows))
    print(position, at_ms, flush=True)
"""


@pytest.mark.parametrize("seal_bytes", [64 * 2**20, 5_000], ids=["log only", "while sealing"])
def test_kill_9_loses_nothing_acknowledged(tmp_path: Path, seal_bytes: int) -> None:
    acknowledged: list[int] = []
    for _ in range(3):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path), str(seal_bytes)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        for _ in range(150):
            process.stdout.readline()
        process.send_signal(signal.SIGKILL)
        rest = process.stdout.read().splitlines()
        process.wait()
        process.stdout.close()
        acknowledged.append(int(rest[-1].split()[1]) if rest and len(rest[-1].split()) == 2 else 149)
        with suppress(FileNotFoundError), History(tmp_path) as history:
            found = times(history)
        runs = [index for index, at in enumerate(found) if at == 0][::2]
        assert len(runs) == len(acknowledged)
        for start, end, last in zip(runs, [*runs[1:], len(found)], acknowledged, strict=True):
            run = found[start:end]
            assert run == [at for at in range(len(run) // 2) for _ in range(2)]
            assert len(run) // 2 > last


FILLER = """
import resource, sys
from pathlib import Path
from telemetry.batches import Samples
from telemetry.errors import HistoryWriteError
from telemetry.history import History

history = History(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, resource.RLIM_INFINITY))
n_stored = 0
try:
    for at_ms in range(1_000):
        history.append(Samples.from_rows([("order", "requests", at_ms, 1.0)]))
        n_stored += 1
except HistoryWriteError as error:
    print(n_stored, error)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
history.append(Samples.from_rows([("order", "requests", 5_000, 1.0)]))
history.close()
"""


def test_a_full_disk_is_a_clear_error_and_loses_nothing_acknowledged(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FILLER, str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
    )
    n_stored, message = done.stdout.split(" ", 1)
    assert f"cannot write to {tmp_path}: File too large; the batch was not stored" in message
    with History(tmp_path) as history:
        assert times(history) == [*range(int(n_stored)), 5_000]
        assert not history.damage


def test_a_log_that_cannot_be_written_or_truncated_is_abandoned(tmp_path: Path) -> None:
    log = LogFile.create(tmp_path, 1)
    log.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        log.add([b"payload"])
    assert not log.is_sound


def test_a_log_that_cannot_be_replaced_stays_in_use(tmp_path: Path) -> None:
    with History(tmp_path, seal_bytes=1) as history:
        obstacle = tmp_path / "log" / f"{2:020d}.log"
        obstacle.mkdir()
        assert history.append(Samples.from_rows([("order", "requests", 0, 1.0)])) == 1
        assert "Is a directory" in history.sealing_failure
        obstacle.rmdir()
        assert history.append(Samples.from_rows([("order", "requests", 1, 1.0)])) == 2
        assert times(history) == [0, 1]


def test_a_history_that_cannot_be_opened_is_not_left_locked(tmp_path: Path) -> None:
    obstacle = tmp_path / "log" / f"{1:020d}.log"
    obstacle.mkdir(parents=True)
    with pytest.raises(IsADirectoryError):
        History(tmp_path)
    obstacle.rmdir()
    History(tmp_path).close()


def test_retention_never_removes_a_damaged_segment(tmp_path: Path, written: bytes) -> None:
    directory = directory_with(tmp_path, written)
    with History(directory) as history:
        history.seal()
        segment = next((directory / "segments").iterdir())
        segment.write_bytes(segment.read_bytes()[:-9])
        assert history.retain(0, now_ms=2**60) == 0
        assert "footer" in history.damage[0].reason


def test_a_log_that_vanishes_while_being_read_is_left_out(tmp_path: Path) -> None:
    class Late(HistoryReader):
        def numbers(self) -> list[int]:
            return [7]

    assert not len(Late(tmp_path).read())


def test_a_batch_too_big_for_a_record_is_rejected(tmp_path: Path) -> None:
    n_samples = 4_000_000
    zeros = np.zeros(n_samples)
    huge = Samples((SeriesKey("a", "b"),), zeros.astype(np.int32), zeros.astype(np.int64), zeros)
    with History(tmp_path) as history, pytest.raises(BadBatchError, match="split it"):
        history.append(huge)
