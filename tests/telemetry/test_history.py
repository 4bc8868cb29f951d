"""The history returns everything that it acknowledged, in order, under all circumstances."""

from __future__ import annotations

import errno
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry.batches import Samples, SeriesKey
from telemetry.errors import BadBatchError, HistoryClosedError, HistoryLockedError, HistoryWriteError
from telemetry.history import DAY_MS, MAX_REMOVED, History
from telemetry.history_reader import HistoryReader

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

Row = tuple[str, str, int, float]
ROWS: list[Row] = [("order", "latency_s", 0, 0.2), ("quotes", "requests", 60_000, 31.0)]


def rows_of(batches: Iterable[Samples]) -> list[tuple[str, str, int, str]]:
    """Rows in order; values as text, so that nan equals nan and -0.0 differs from 0.0."""
    return [
        (*batch.keys[series], at, repr(value))
        for batch in batches
        for series, at, value in zip(
            batch.series.tolist(), batch.time_ms.tolist(), batch.values.tolist(), strict=True
        )
    ]


def batch(*rows: Row) -> Samples:
    return Samples.from_rows(rows)


names = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
rows = st.tuples(names, names, st.integers(-(2**63), 2**63 - 1), st.floats())
batches = st.lists(st.lists(rows, max_size=6), max_size=6)


@settings(max_examples=20, deadline=None)
@given(batches, st.integers(0, 6), st.booleans())
def test_appended_samples_are_read_in_order_sealed_or_not(
    tmp_path_factory: pytest.TempPathFactory,
    given_rows: list[list[Row]],
    sealed_after: int,
    is_reopened: bool,
) -> None:
    directory = tmp_path_factory.mktemp("history")
    history = History(directory, sync=lambda _: None)
    for index, each in enumerate(given_rows):
        if index == sealed_after:
            history.seal()
        history.append(Samples.from_rows(each))
    if is_reopened:
        history.close()
        history = History(directory)
    with history:
        expected = rows_of(Samples.from_rows(each) for each in given_rows)
        assert rows_of(history.replay(-(2**63))) == expected
        read = history.read()
        for key in set(read.keys):
            own = [row for row in rows_of([read]) if row[:2] == key]
            assert own == [row for row in expected if row[:2] == key]
        assert not history.damage


def test_positions_rise_by_one_and_continue_after_reopening(tmp_path: Path) -> None:
    with History(tmp_path) as history:
        assert [history.append(batch(*ROWS)) for _ in range(3)] == [1, 2, 3]
        history.seal()
        assert history.append(batch(*ROWS)) == 4
        history.seal()
    with History(tmp_path) as history:
        assert history.position == 4
        assert history.append(batch(*ROWS)) == 5


def test_reading_and_replaying_can_be_narrowed(tmp_path: Path) -> None:
    with History(tmp_path) as history:
        for at_ms in range(0, 5_000, 1_000):
            history.append(batch(("order", "requests", at_ms, float(at_ms))))
            if at_ms == 2_000:
                history.seal()
        assert history.read(1_000, 4_000).time_ms.tolist() == [1_000, 2_000, 3_000]
        assert history.read(end_ms=1_000).time_ms.tolist() == [0]
        assert [row[2] for row in rows_of(history.replay(2_000))] == [2_000, 3_000, 4_000]
        assert [row[2] for row in rows_of(history.replay(after=2))] == [2_000, 3_000, 4_000]
        assert not len(history.read(9_000))


def test_the_latest_sample_sent_is_still_last_after_sealing(tmp_path: Path) -> None:
    late = [("order", "requests", at_ms, value) for at_ms, value in ((500, 1.0), (100, 2.0), (500, 3.0))]
    with History(tmp_path) as history:
        history.append(batch(*late))
        history.seal()
        assert history.read().values.tolist() == [1.0, 2.0, 3.0]


def test_many_threads_share_the_log_and_their_fsyncs(tmp_path: Path) -> None:
    synced: list[int] = []

    def sync(descriptor: int) -> None:
        synced.append(descriptor)
        os.fsync(descriptor)

    barrier = threading.Barrier(8)

    def send(thread: int) -> list[int]:
        barrier.wait()
        return [history.append(batch((f"item-{thread}", "requests", at, 1.0))) for at in range(50)]

    with History(tmp_path, seal_bytes=4_000, sync=sync) as history, ThreadPoolExecutor(8) as pool:
        positions = list(pool.map(send, range(8)))
    assert sorted(position for each in positions for position in each) == list(range(1, 401))
    assert all(each == sorted(each) for each in positions)
    assert len(synced) < 400
    found = rows_of(HistoryReader(tmp_path).replay())
    assert len(found) == 400
    for thread in range(8):
        assert [row[2] for row in found if row[0] == f"item-{thread}"] == list(range(50))


def test_a_long_log_becomes_a_segment_by_itself(tmp_path: Path) -> None:
    with History(tmp_path, seal_bytes=500) as history:
        for at_ms in range(100):
            history.append(batch(("order", "requests", at_ms, 1.0)))
    assert len(list((tmp_path / "segments").glob("*.parquet"))) > 3
    assert len(list((tmp_path / "log").glob("*.log"))) == 1
    assert [row[2] for row in rows_of(HistoryReader(tmp_path).replay())] == list(range(100))


def test_a_second_writer_gets_an_error_that_names_the_first(tmp_path: Path) -> None:
    with History(tmp_path), pytest.raises(HistoryLockedError, match=str(os.getpid())):
        History(tmp_path)
    History(tmp_path).close()


def test_a_reader_reads_while_another_writes(tmp_path: Path) -> None:
    with History(tmp_path) as history:
        history.append(batch(*ROWS))
        with next((tmp_path / "log").iterdir()).open("ab") as log:
            log.write(b"\xc5SN1 an unfinished record")
        reader = HistoryReader(tmp_path)
        assert len(reader.read()) == 2
        assert not reader.damage


def test_a_closed_history_accepts_nothing_and_can_be_closed_twice(tmp_path: Path) -> None:
    history = History(tmp_path)
    history.close()
    history.close()
    with pytest.raises(HistoryClosedError, match="not open"):
        history.append(batch(*ROWS))


@pytest.mark.parametrize(
    "bad",
    [
        Samples((), np.array([0], np.int32), np.array([0]), np.array([1.0])),
        Samples((SeriesKey("a", "b"),), np.array([-1], np.int32), np.array([0]), np.array([1.0])),
        Samples((SeriesKey("a", "b"),), np.array([0], np.int32), np.array([0, 1]), np.array([1.0])),
        batch(("\ud800", "requests", 0, 1.0)),
    ],
    ids=["no key", "negative series", "columns differ", "lone surrogate"],
)
def test_an_inconsistent_batch_is_rejected(tmp_path: Path, bad: Samples) -> None:
    with History(tmp_path) as history:
        with pytest.raises(BadBatchError, match="was rejected"):
            history.append(bad)
        assert history.append(batch(*ROWS)) == 1


def test_an_empty_batch_is_not_stored(tmp_path: Path) -> None:
    with History(tmp_path) as history:
        assert history.append(batch()) == 0
        assert not list(history.replay())


def test_a_failed_fsync_is_not_acknowledged_and_the_next_batch_is(tmp_path: Path) -> None:
    failures = [OSError(errno.EIO, "Input/output error")]

    def sync(descriptor: int) -> None:
        if history.position == 1 and failures:
            raise failures.pop()
        os.fsync(descriptor)

    with History(tmp_path, sync=sync) as history:
        history.append(batch(("order", "requests", 1, 1.0)))
        with pytest.raises(HistoryWriteError, match="Input/output error; the batch was not stored"):
            history.append(batch(("order", "requests", 2, 1.0)))
        assert history.append(batch(("order", "requests", 3, 1.0))) == 3, "a lost position is not reused"
        assert history.read().time_ms.tolist() == [1, 3]
    with History(tmp_path) as history:
        assert history.read().time_ms.tolist() == [1, 3]
        assert not history.damage


def test_retention_removes_only_segments_that_are_entirely_old(tmp_path: Path) -> None:
    now_ms = 100 * DAY_MS
    with History(tmp_path) as history:
        for day in (1, 50, 99):
            history.append(batch(("order", "requests", day * DAY_MS, float(day))))
            history.seal()
        assert history.retain(30, now_ms=now_ms) == 2
        assert history.read().values.tolist() == [99.0]
        assert history.position == 3


def test_concurrent_retentions_remove_each_segment_once(tmp_path: Path) -> None:
    with History(tmp_path) as history, ThreadPoolExecutor(4) as pool:
        for day in range(20):
            history.append(batch(("order", "requests", day * DAY_MS, float(day))))
            history.seal()
        history.append(batch(("order", "requests", 100 * DAY_MS, 1.0)))
        history.seal()
        removed = [pool.submit(history.retain, 30, now_ms=100 * DAY_MS) for _ in range(4)]
        assert sum(each.result() for each in removed) == 20


def test_a_sample_from_the_future_does_not_preserve_its_segment_for_ever(tmp_path: Path) -> None:
    with History(tmp_path) as history:
        history.append(batch(("order", "requests", 2**60, 1.0)))
        history.seal()
        segment = next((tmp_path / "segments").iterdir())
        os.utime(segment, (0, 0))
        history.append(batch(("order", "requests", 40 * DAY_MS, 1.0)))
        history.seal()
        assert history.retain(30, now_ms=31 * DAY_MS) == 1


def test_a_clock_that_is_ahead_removes_nothing_recent_and_never_the_last_segment(tmp_path: Path) -> None:
    with History(tmp_path) as history:
        for day in (1, 20, 40):
            history.append(batch(("order", "requests", day * DAY_MS, float(day))))
            history.seal()
        assert history.retain(400, now_ms=441 * DAY_MS) == 0
        assert history.retain(1, now_ms=441 * DAY_MS) == 2
        assert history.retain(1, now_ms=10**6 * DAY_MS) == 0
        assert history.read().values.tolist() == [40.0]


def test_a_round_of_retention_removes_only_so_much_the_oldest_first(tmp_path: Path) -> None:
    with History(tmp_path) as history:
        for day in range(30):
            history.append(batch(("order", "requests", day * DAY_MS, float(day))))
            history.seal()
        assert [history.retain(1, now_ms=100 * DAY_MS) for _ in range(3)] == [MAX_REMOVED, 4, 0]
        assert history.read().values.tolist() == [28.0, 29.0]


@pytest.mark.parametrize("emptied", ["truncated", "removed"])
@pytest.mark.parametrize("folder", ["log", "segments"])
def test_a_file_that_is_emptied_or_removed_from_outside_is_missed(
    tmp_path: Path, folder: str, emptied: str
) -> None:
    with History(tmp_path) as history:
        history.append(batch(*ROWS))
        if folder == "segments":
            history.seal()
    path = next(each for each in (tmp_path / folder).iterdir() if each.stat().st_size)
    if emptied == "truncated":
        os.truncate(path, 0)
    else:
        path.unlink()
    with History(tmp_path) as again:
        assert [each.file for each in again.damage] == [path.name]
        assert again.append(batch(*ROWS)) == 2, "no position is used again"
        assert len(again.read()) == len(ROWS)
    with History(tmp_path) as once_more:
        assert not once_more.damage


def test_sealing_and_removal_by_age_are_not_missed(tmp_path: Path) -> None:
    with History(tmp_path) as history:
        for day in range(3):
            history.append(batch(("order", "latency_s", day * DAY_MS, 0.2)))
            history.seal()
        history.check()
        assert history.retain(1, now_ms=3 * DAY_MS) == 1
    with History(tmp_path) as again:
        assert not again.damage
        assert again.position == 3
