"""Log features that are compared with a service's own past: waits, traces, and the damping of novelty."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from log_builders import FAULT_MS, NORMAL_MS, requests, sums_of

from features.logs.damping import HALF_LIFE_MS, novelty_weight
from features.logs.rows import ROW_FEATURES, LogPast, LogRows, log_rows
from features.logs.templates import TemplateMiner
from features.logs.traces import (
    MAX_SIGNATURES,
    TraceSignature,
    TraceVectors,
    joined_traces,
    session_events,
    trace_vectors,
    unseen_traces,
    usual_signatures,
)
from features.logs.waits import wait_changes, wait_reference
from features.logs.windows import log_reference
from telemetry.logs import LogRecord, Logs

NORMAL = sums_of(requests(*NORMAL_MS))
TIMES = st.lists(st.integers(0, 10**9), max_size=5)


def logs_of(records: list[LogRecord]) -> Logs:
    return Logs.from_records(sorted(records, key=lambda each: each.time_ms))


def traces_of(records: list[LogRecord]) -> TraceVectors:
    logs = logs_of(records)
    return trace_vectors(logs, TemplateMiner().mine(logs))


def rows_of(*, changes_ms: dict[str, list[int]] | None = None, **fault: str) -> LogRows:
    signatures = usual_signatures(traces_of(requests(*NORMAL_MS)))
    past = LogPast(log_reference(NORMAL.counts), wait_reference(NORMAL.gaps), signatures)
    records = requests(*FAULT_MS, seed=1, **fault)  # type: ignore[arg-type]
    return log_rows(sums_of(records), past, traces=traces_of(records), changes_ms=changes_ms)


def feature(rows: LogRows, name: str, service: str) -> float:
    values: float = rows.values[:, rows.services.index(service), ROW_FEATURES.index(name)].max()
    return values


@given(TIMES, TIMES)
def test_novelty_counts_least_just_after_a_change(times: list[int], changes: list[int]) -> None:
    weight = novelty_weight(np.array(times, dtype=np.int64), changes)
    assert ((weight >= 0) & (weight <= 1)).all()
    for at, own in zip(times, weight, strict=True):
        before = [at - change for change in changes if change <= at]
        naive = 1 - 0.5 ** (min(before) / HALF_LIFE_MS) if before else 1.0
        np.testing.assert_allclose(own, naive)


def test_a_broken_service_lacks_lines_and_logs_new_ones() -> None:
    rows = rows_of(broken="order")
    for name in ("log_new", "log_missing", "log_unseen"):
        assert feature(rows, name, "order") > 5, name
        assert feature(rows, name, "stock") < 5, name


def test_a_slow_service_waits() -> None:
    rows = rows_of(slow="order")
    assert feature(rows, "log_waits", "order") > 5 > feature(rows, "log_waits", "stock")


def test_a_change_dampens_the_novelty_of_its_own_service_only() -> None:
    damped = rows_of(broken="order", changes_ms={"order": [FAULT_MS[0]], "stock": [FAULT_MS[0]]})
    plain = rows_of(broken="order", changes_ms={"gateway": [FAULT_MS[0]]})
    for name in ("log_new", "log_unseen"):
        assert feature(damped, name, "order") < 0.1 * feature(plain, name, "order")
    assert feature(damped, "log_missing", "order") == feature(plain, "log_missing", "order")


def test_in_warm_up_nothing_is_compared() -> None:
    few = NORMAL.between(NORMAL_MS[0], NORMAL_MS[0] + 120_000)
    past = LogPast(log_reference(few.counts), wait_reference(few.gaps))
    rows = log_rows(sums_of(requests(*FAULT_MS, seed=1, broken="order")), past)
    assert np.isnan(rows.values).all()


def test_waits_of_rare_kinds_are_not_compared() -> None:
    few = sums_of(requests(NORMAL_MS[0], NORMAL_MS[0] + 20_000)).gaps
    assert wait_reference(few).kinds == ()
    assert np.isnan(wait_changes(NORMAL.gaps, wait_reference(few))).all()
    usual = wait_changes(NORMAL.gaps, wait_reference(NORMAL.gaps))
    assert np.nanmax(np.abs(usual)) < 6


def test_without_lines_there_are_no_waits_and_no_traces() -> None:
    none = NORMAL.between(0, 1)
    assert len(wait_changes(none.gaps, wait_reference(NORMAL.gaps))) == 0
    traces = traces_of([])
    assert unseen_traces(traces, set(), np.array([0]), ["order"], step_ms=1).tolist() == [[0.0]]


def test_one_more_round_of_a_loop_is_not_news_but_another_line_is() -> None:
    def trace(number: int, *bodies: str) -> list[LogRecord]:
        return [LogRecord("order", "INFO", "", number, body, f"trace {number}") for body in bodies]

    traces = traces_of([*trace(1, *["tick"] * 7), *trace(2, *["tick"] * 8), *trace(3, "tick", "boom")])
    assert len(traces.kinds) == 2
    assert traces.kind.tolist() == [0, 0, 1]
    known = usual_signatures(traces.between(0, 3))
    counts = unseen_traces(traces, known, np.array([0, 2], dtype=np.int64), ["order"], step_ms=2)
    assert counts.tolist() == [[0.0], [1.0]]


def test_a_service_whose_signatures_never_repeat_is_not_news() -> None:
    none = np.zeros(0, dtype=np.int64)
    kinds = tuple(TraceSignature("order", str(number)) for number in range(MAX_SIGNATURES + 1))
    assert not usual_signatures(TraceVectors(kinds, none, none))


def test_joined_traces_of_batches_equal_those_of_all_lines() -> None:
    first, second = requests(*NORMAL_MS)[:600], requests(*FAULT_MS, seed=1)
    both = joined_traces([traces_of(first), traces_of(second)])
    expected = traces_of([*first, *second])
    assert sorted(
        (both.kinds[kind], end) for kind, end in zip(both.kind, both.end_ms, strict=True)
    ) == sorted((expected.kinds[kind], end) for kind, end in zip(expected.kind, expected.end_ms, strict=True))


def test_a_session_is_the_lines_of_a_trace_in_order() -> None:
    logs = logs_of(
        [
            LogRecord("stock", "INFO", "", 2, "checked", "a"),
            LogRecord("order", "INFO", "", 1, "placed", "a"),
            LogRecord("order", "INFO", "", 3, "idle"),
        ]
    )
    sessions, ends = session_events(logs, ["placed", "checked", "idle"])
    assert sessions == [("order/placed", "stock/checked")]
    assert ends.tolist() == [2]
