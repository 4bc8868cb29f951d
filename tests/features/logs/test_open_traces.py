from __future__ import annotations

from typing import TYPE_CHECKING
from zlib import crc32

from features.logs.open_traces import MAX_LINES_OF_TRACE, MOST_LEFT_OUT, OpenTraces
from telemetry.logs import LogRecord, Logs

if TYPE_CHECKING:
    from collections.abc import Iterable

    from features.logs.traces import TraceLine

EARLY = ("begin", 0)


def add(traces: OpenTraces, lines: Iterable[tuple[str, int]]) -> None:
    logs = Logs.from_records([LogRecord("order", "INFO", "", at, "done", trace) for trace, at in lines])
    traces.add(logs, ["t"] * len(logs))


def times(traces: Iterable[tuple[TraceLine, ...]]) -> list[list[int]]:
    return [[line.time_ms for line in lines] for lines in traces]


def test_a_trace_stays_complete_until_it_ends() -> None:
    traces = OpenTraces()
    add(traces, [EARLY, ("a", 70_000), ("", 70_001), ("b", 71_000)])
    add(traces, [("a", 130_000)])
    assert times(traces.ended_before(100_000)) == [[71_000]]
    assert times(traces.unended()) == [[70_000, 130_000]]
    assert times(traces.ended_before(100_000)) == []


def test_traces_that_may_have_started_earlier_are_ignored() -> None:
    traces = OpenTraces()
    add(traces, [("a", 1_000), ("b", 60_999), ("c", 61_000)])
    assert times(traces.unended()) == [[61_000]]


def test_complete_traces_are_left_out_when_there_are_too_many_lines() -> None:
    traces = OpenTraces(max_lines=100)
    add(traces, [EARLY, *((f"t{number}", 60_000 + number) for number in range(60))])
    assert traces.health_problems() == []
    add(traces, [(f"t{number}", 70_000 + number) for number in range(60)])
    unended = times(traces.unended())
    assert 10 < len(unended) < 50
    assert all(len(lines) == 2 for lines in unended)
    assert "one trace in 2 is followed" in traces.health_problems()[0]


def test_an_endless_trace_is_ignored() -> None:
    traces = OpenTraces()
    add(traces, [EARLY, *(("job", 70_000 + number) for number in range(2 * MAX_LINES_OF_TRACE))])
    add(traces, [("a", 80_000)])
    assert times(traces.unended()) == [[80_000]]


def test_traces_with_ids_that_are_always_followed_are_discarded_in_the_end() -> None:
    made_up = "4989115"  # chosen by a sender that knows how traces are left out
    assert crc32(made_up.encode()) % (2 * MOST_LEFT_OUT) == 0
    traces = OpenTraces(max_lines=5)
    add(traces, [EARLY, *[(made_up, 70_000)] * 9])
    assert times(traces.unended()) == []
    assert traces.health_problems()
