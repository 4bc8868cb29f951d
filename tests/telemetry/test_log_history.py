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


def three_files(directory: Path) -> list[Path]:
    """Store a line in each of three files, and close them."""
    with LogHistory(directory, file_bytes=1) as history:
        for number in range(3):
            history.append(a_batch(number))
    return sorted(directory.glob("*.log"))[:3]


def test_damage_of_an_older_file_is_found_without_reading_it_for_a_replay(tmp_path: Path) -> None:
    data = bytearray((damaged := three_files(tmp_path)[0]).read_bytes())
    data[-3] ^= 0xFF
    damaged.write_bytes(bytes(data))
    with LogHistory(tmp_path) as history:
        assert bodies(history, after=2) == ["line 2"]
        assert not history.damage
        history.check(n_bytes=1)
        assert not history.damage, "a round reads only so much, the newest first"
        for _ in range(4):
            history.check(n_bytes=1)
        assert [each.file for each in history.damage] == [damaged.name]
        damaged.write_bytes(b"other bytes")
        history.check()
        assert len(history.damage) == 1, "a file is read once"


def test_an_older_file_that_was_cut_between_records_or_removed_is_missed_once(tmp_path: Path) -> None:
    cut, removed, _ = three_files(tmp_path)
    cut.write_bytes(b"")
    removed.unlink()
    with LogHistory(tmp_path) as history:
        assert [(each.file, each.reason) for each in history.damage] == [
            (cut.name, "the end of the file is gone"),
            (removed.name, "the file is gone"),
        ]
        assert bodies(history) == ["line 2"]
    with LogHistory(tmp_path) as again:
        assert not again.damage


@pytest.mark.parametrize("emptied", ["truncated", "removed"])
def test_an_emptied_journal_is_reported_and_uses_no_position_again(tmp_path: Path, emptied: str) -> None:
    with LogHistory(tmp_path) as history:
        for number in range(3):
            history.append(a_batch(number))
    (path,) = tmp_path.glob("*.log")
    if emptied == "truncated":
        os.truncate(path, 0)
    else:
        path.unlink()
    with LogHistory(tmp_path) as again:
        assert [each.file for each in again.damage] == [path.name]
        assert again.position == 3
        assert again.append(a_batch(9)) == 4
        assert bodies(again) == ["line 9"]


@pytest.mark.parametrize("emptied", ["truncated", "removed", "replaced"])
def test_a_journal_that_is_emptied_while_it_is_written_is_reported_and_replaced(
    tmp_path: Path, emptied: str
) -> None:
    with LogHistory(tmp_path) as history:
        history.append(a_batch(1))
        history.check()
        assert not history.damage
        (path,) = tmp_path.glob("*.log")
        if emptied == "truncated":
            os.truncate(path, 0)
        else:
            path.unlink()
        if emptied == "replaced":
            path.write_bytes(bytes(10_000))
        history.check()
        reason = "the file was cut or removed while it was written"
        assert [(each.file, each.reason) for each in history.damage[:1]] == [(path.name, reason)]
        history.append(a_batch(2))
        history.check()
        assert len(history.damage) == 1 + (emptied == "replaced"), "what is in its place is damaged, too"
    history.check()
    with LogHistory(tmp_path) as again:
        assert "line 2" in bodies(again)
        assert again.position == 2


def test_an_empty_file_that_is_removed_is_made_again(tmp_path: Path) -> None:
    with LogHistory(tmp_path) as history:
        (path,) = tmp_path.glob("*.log")
        path.unlink()
        history.check()
        history.append(a_batch(1))
        assert not history.damage
    with LogHistory(tmp_path) as again:
        assert bodies(again) == ["line 1"]


def test_removal_by_age_is_not_missed(tmp_path: Path) -> None:
    for path in three_files(tmp_path)[:2]:
        os.utime(path, (1_000.0, 1_000.0))
    with LogHistory(tmp_path) as history:
        assert history.retain(7) == 2
    with LogHistory(tmp_path) as again:
        assert not again.damage


@pytest.mark.parametrize("notes", [b"", b"{", b'{"n_bytes": 7}', b"\xff"])
def test_notes_that_cannot_be_read_prevent_nothing(tmp_path: Path, notes: bytes) -> None:
    three_files(tmp_path)
    (tmp_path / "lengths.json").write_bytes(notes)
    (tmp_path / "somebody-elses.log").write_bytes(b"text")
    with LogHistory(tmp_path) as history:
        assert len(bodies(history)) == 3
        assert not history.damage


def test_a_file_that_cannot_be_read_is_reported_and_left_out(tmp_path: Path) -> None:
    unreadable = three_files(tmp_path)[0]
    unreadable.unlink()
    unreadable.mkdir()
    with LogHistory(tmp_path) as history:
        assert bodies(history) == ["line 1", "line 2"]
        assert any("the file cannot be read: Is a directory" in str(each) for each in history.damage)


def test_the_last_file_with_lines_stays_however_old_it_is(tmp_path: Path) -> None:
    for number, path in enumerate(three_files(tmp_path)):
        os.utime(path, (1_000.0 + number * 86_400 * 100,) * 2)
    with LogHistory(tmp_path) as history:
        for _ in range(3):
            history.retain(7)
        assert bodies(history) == ["line 2"]
