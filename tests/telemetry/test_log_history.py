"""Log lines on disk: nothing acknowledged is lost, and damage is reported."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.errors import BadBatchError, HistoryClosedError, HistoryLockedError, HistoryWriteError
from telemetry.log_history import LogHistory
from telemetry.log_records import decode_logs, encode_logs
from telemetry.logs import LogRecord, Logs

if TYPE_CHECKING:
    from pathlib import Path

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


def a_batch(number: int) -> Logs:
    return Logs.from_records([LogRecord("order", "INFO", "", number, f"line {number}", "t", "")])


def bodies(history: LogHistory, *, after: int = 0, since_s: float = 0.0) -> list[str]:
    return [body for _, logs in history.replay(after=after, since_s=since_s) for body in logs.bodies]


@given(st.lists(st.builds(LogRecord, TEXTS, TEXTS, TEXTS, st.integers(0, 2**42), TEXTS, TEXTS, TEXTS)))
def test_a_batch_comes_back_as_it_was(records: list[LogRecord]) -> None:
    logs = Logs.from_records(records)
    found = decode_logs(encode_logs(logs))
    assert found.streams == logs.streams
    assert (found.bodies, found.trace_ids, found.templates) == (logs.bodies, logs.trace_ids, logs.templates)
    assert found.time_ms.tolist() == logs.time_ms.tolist()
    assert found.stream.tolist() == logs.stream.tolist()


def test_acknowledged_batches_survive_a_restart(tmp_path: Path) -> None:
    with LogHistory(tmp_path, file_bytes=200) as history:
        with ThreadPoolExecutor(4) as threads:
            positions = sorted(threads.map(lambda number: history.append(a_batch(number)), range(20)))
        assert positions == list(range(1, 21))
        assert history.append(a_batch(0).where(a_batch(0).time_ms > 0)) == 20
        with pytest.raises(HistoryLockedError):
            LogHistory(tmp_path)
    assert len(list(tmp_path.glob("*.log"))) > 3
    with LogHistory(tmp_path) as again:
        assert sorted(bodies(again)) == sorted(f"line {number}" for number in range(20))
        assert len(bodies(again, after=15)) == 5
        assert again.append(a_batch(99)) == 21
        assert bodies(again, after=20) == ["line 99"]
        assert not again.damage
    again.close()
    with pytest.raises(HistoryClosedError):
        again.append(a_batch(1))


def test_a_tail_torn_at_any_byte_is_cut_off_and_reported(tmp_path: Path) -> None:
    with LogHistory(tmp_path / "complete") as history:
        for number in range(3):
            history.append(a_batch(number))
    [path] = (tmp_path / "complete").glob("*.log")
    complete = path.read_bytes()
    for n_lost in (1, 20, 40):
        torn = tmp_path / f"torn-{n_lost}"
        torn.mkdir()
        (torn / path.name).write_bytes(complete[:-n_lost])
        with LogHistory(torn) as history:
            assert history.append(a_batch(9)) > 2
            assert bodies(history) == ["line 0", "line 1", "line 9"]
            assert history.damage


def test_damage_in_the_middle_costs_only_its_own_batch(tmp_path: Path) -> None:
    with LogHistory(tmp_path) as history:
        for number in range(3):
            history.append(a_batch(number))
    [path] = tmp_path.glob("*.log")
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(bytes(data))
    with LogHistory(tmp_path) as again:
        assert bodies(again) == ["line 0", "line 2"]
        assert again.damage[0].quarantined_in.startswith("quarantine/")


def test_old_files_are_skipped_and_removed(tmp_path: Path) -> None:
    with LogHistory(tmp_path) as history:
        history.append(a_batch(1))
        assert history.retain(7) == 0
        history.append(a_batch(2))
        old = min(tmp_path.glob("*.log"))
        os.utime(old, (1_000.0, 1_000.0))
        assert bodies(history, since_s=2_000.0) == ["line 2"]
        assert history.retain(7) == 1
        assert bodies(history) == ["line 2"]
    assert history.retain(7) == 0


def test_a_clock_that_is_ahead_removes_no_recent_line(tmp_path: Path) -> None:
    with LogHistory(tmp_path) as history:
        for number in range(3):
            history.append(a_batch(number))
            assert history.retain(30, now_s=time.time() + 401 * 86_400) == 0
        assert bodies(history) == ["line 0", "line 1", "line 2"]


def test_a_failed_write_is_reported_and_the_next_batch_is_stored(tmp_path: Path) -> None:
    failures = [True, False]

    def sync(_: int) -> None:
        if failures and failures.pop(0):
            raise OSError(28, "No space left on device")

    with LogHistory(tmp_path, sync=sync) as history:
        with pytest.raises(HistoryWriteError, match="No space"):
            history.append(a_batch(1))
        history.append(a_batch(2))
        assert bodies(history) == ["line 2"]


def test_invalid_text_is_rejected(tmp_path: Path) -> None:
    with LogHistory(tmp_path) as history, pytest.raises(BadBatchError, match="not valid"):
        history.append(Logs.from_records([LogRecord("a", "", "", 0, "\ud800")]))
