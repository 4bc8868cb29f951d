"""The training job for log lines: what it learns, promotes and refuses."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from log_builders import NORMAL_MS, a_log_bundle, requests, sums_of
from training_builders import MemoryTracker

from features.logs.traces import usual_signatures
from models.artifacts.log_bundle import LogBundle, log_bundle_files
from models.artifacts.log_pyfunc import LogBundleModel
from models.artifacts.model_kinds import LOG_INPUTS, usual_lines
from telemetry.logs import LogRecord, Logs
from training.errors import BadHistoryError, NoHistoryError, ShortHistoryError
from training.fit_logs import LogFitConfig, fit_logs
from training.log_files import logs_from_files
from training.log_injection import FAULTS, inject_log_faults
from training.mined_logs import mine_logs
from training.session_trial import best_of, broken_sessions, try_session_detectors

if TYPE_CHECKING:
    from pathlib import Path

    from training.outcome import Outcome

START_MS = NORMAL_MS[0]
HOURS = 5


def batches(
    *, hours: int = HOURS, services: tuple[str, ...] = ("gateway", "order", "stock"), with_traces: bool = True
) -> list[Logs]:
    """Hours of normal requests, one batch per hour."""
    made = []
    for hour in range(hours):
        start = START_MS + hour * 3_600_000
        records = sorted(
            requests(start, start + 3_600_000, seed=hour, services=services), key=lambda each: each.time_ms
        )
        made.append(
            Logs.from_records(each if with_traces else each._replace(trace_id="") for each in records)
        )
    return made


LINES = batches()


def trained(
    tracker: MemoryTracker[LogBundle], lines: list[Logs] = LINES, **options: object
) -> Outcome[LogBundle]:
    return fit_logs(LogFitConfig(**options), lambda: lines, tracker)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def reported() -> list[tuple[str, float | None]]:
    """Progress reported by the training of `first`."""
    return []


@pytest.fixture(scope="module")
def first(reported: list[tuple[str, float | None]]) -> tuple[MemoryTracker[LogBundle], Outcome[LogBundle]]:
    def progress(doing: str, share: float | None = None, /) -> None:
        reported.append((doing, share))

    tracker: MemoryTracker[LogBundle] = MemoryTracker()
    return tracker, fit_logs(LogFitConfig(), lambda: LINES, tracker, progress=progress)


@pytest.mark.usefixtures("first")
def test_the_progress_over_session_detectors_is_reported(reported: list[tuple[str, float | None]]) -> None:
    shares = [share for doing, share in reported if doing == "fitting detectors of sessions"]
    assert shares == [None, pytest.approx(1 / 3), pytest.approx(2 / 3), 1.0]


def test_a_training_is_one_run_with_a_child_for_each_candidate(
    first: tuple[MemoryTracker[LogBundle], Outcome[LogBundle]],
) -> None:
    tracker, result = first
    run = tracker.runs[0]
    assert set(run.children) == {
        "windows",
        "windows/random",
        "sessions/random",
        "sessions/nearest_session",
        "sessions/isolation_forest",
        "sessions/pca",
    }
    assert run.data[0].digest == result.bundle.metadata["data_digest"]
    assert len(run.plots) == 3
    assert run.figures["lines_per_s"] > 0
    assert run.figures["budget_per_week"] == 1.0
    assert run.tags["sunspot.parent_champion"] == "none"
    assert result.promoted


def test_it_stays_within_the_budget_and_finds_faults(
    first: tuple[MemoryTracker[LogBundle], Outcome[LogBundle]],
) -> None:
    figures = first[1].figures
    assert figures["false_pages_per_week_low"] <= 1.0
    assert figures["recall_events"] > 0.6
    assert first[1].bundle.sessions is not None
    assert figures["session_recall"] > 0.6
    assert figures["session_false_positive_rate"] < 0.02


def test_random_guesses_find_less_at_the_same_cost(
    first: tuple[MemoryTracker[LogBundle], Outcome[LogBundle]],
) -> None:
    tracker, result = first
    children = tracker.runs[0].children
    windows, sessions = children["windows/random"].figures, children["sessions/random"].figures
    assert windows["recall_events"] < result.figures["recall_events"] / 2
    assert sessions["session_recall"] < result.figures["session_recall"] / 10


def test_the_same_lines_give_the_same_bundle(
    first: tuple[MemoryTracker[LogBundle], Outcome[LogBundle]],
) -> None:
    tracker, result = first
    again = trained(tracker)
    assert again.bundle.version == result.bundle.version
    assert log_bundle_files(again.bundle) == log_bundle_files(result.bundle)
    assert again.promoted, "no worse than itself"
    assert tracker.runs[-1].figures["champion_recall_events"] == result.figures["recall_events"]


def test_the_models_input_example_scores_as_usual(
    first: tuple[MemoryTracker[LogBundle], Outcome[LogBundle]],
) -> None:
    bundle = first[1].bundle
    example = pd.DataFrame(usual_lines(bundle))
    assert list(example) == list(LOG_INPUTS)
    assert set(example["service"]) == set(bundle.past.reference.services)
    records = [LogRecord(*map(str, row[:3]), int(row[3]), str(row[4])) for row in example.to_numpy()]
    known = {kind.template for kind in bundle.normal.counts.kinds}
    assert set(bundle.miner().mine(Logs.from_records(records))) <= known
    assert list(LogBundleModel(bundle).predict(example)) == ["service", "time_ms", "score", "is_anomalous"]


def test_a_champion_that_cannot_be_compared_stays_unless_replacement_is_allowed() -> None:
    other = batches(services=("elsewhere",), with_traces=False)
    tracker: MemoryTracker[LogBundle] = MemoryTracker(a_log_bundle())
    refused = trained(tracker, other)
    assert not refused.promoted
    assert "it knows 0 of the champion's 3 services; use --replace-champion" in refused.reason
    assert refused.bundle.sessions is None
    longer = trained(tracker, other, step_s=30)
    assert "a window every 30 s, the champion every 60 s" in longer.reason
    assert trained(tracker, other, replaces_champion=True).promoted


def test_too_few_lines_and_bad_settings_are_refused() -> None:
    with pytest.raises(ShortHistoryError, match="200"):
        trained(MemoryTracker(), LINES[:1])
    with pytest.raises(NoHistoryError):
        trained(MemoryTracker(), [Logs.from_records([])])
    with pytest.raises(ValueError, match="budget"):
        LogFitConfig(budget_per_week=0.0)
    with pytest.raises(ValueError, match="empty"):
        LogFitConfig(fit_share=0.9)


def test_more_kinds_and_windows_than_fit_in_memory_are_refused() -> None:
    with pytest.raises(BadHistoryError, match="longer step"):
        mine_logs(LINES[:1], step_ms=60_000, source="here", max_counts=100)


def test_injected_faults_leave_the_rest_unchanged() -> None:
    sums = sums_of(requests(START_MS, START_MS + 2 * 3_600_000))
    faulty, labels = inject_log_faults(sums, seed=0)
    assert set(labels) == set(FAULTS)
    assert all(labels.values())
    touched = np.zeros(len(sums.counts.starts_ms), dtype=bool)
    for fault in labels.values():
        for each in fault:
            touched |= (sums.counts.starts_ms >= each.start_ms) & (sums.counts.starts_ms < each.end_ms)
    changed = (faulty.counts.of_kinds(sums.counts.kinds).counts != sums.counts.counts).any(axis=1)
    assert not changed[~touched].any()
    assert changed.any()
    assert (faulty.gaps.total >= sums.gaps.total).all()
    assert faulty.gaps.total.sum() > sums.gaps.total.sum()
    assert inject_log_faults(sums, seed=0)[1] == labels


def test_too_short_and_too_quiet_sums_get_no_fault() -> None:
    sums = sums_of(requests(START_MS, START_MS + 60_000))
    assert not any(inject_log_faults(sums, seed=0)[1].values())
    quiet = sums_of(LogRecord("order", "INFO", "", START_MS + each * 60_000, "alive") for each in range(120))
    assert not any(inject_log_faults(quiet, seed=0)[1].values())


def test_broken_sessions_are_broken() -> None:
    sessions = [("open", "read", "close")] * 40
    broken = broken_sessions(sessions, seed=0)
    assert len(broken) == 40
    assert not set(broken) & set(sessions)


def test_too_few_sessions_give_no_session_model() -> None:
    assert try_session_detectors([("open",)], [("open",)], [("open",)], seed=0) == {}
    assert best_of({}) is None


def lines_of(records: list[LogRecord]) -> bytes:
    keys = {"body": "message", "severity": "level"}
    rows = ({keys.get(name, name): value for name, value in each._asdict().items()} for each in records)
    return b"\n".join(json.dumps(row).encode() for row in rows)


def test_files_are_read_by_name_plain_or_compressed(tmp_path: Path) -> None:
    records = requests(START_MS, START_MS + 60_000)
    (tmp_path / "b.jsonl").write_bytes(lines_of(records[10:]) + b"\nnot json\n")
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(lines_of(records[:10])))
    (tmp_path / "readme.txt").write_text("no lines")
    read = list(logs_from_files(tmp_path))
    assert [body for logs in read for body in logs.bodies] == [each.body for each in records]
    assert read[0].trace_ids[0] == records[0].trace_id


def test_files_without_a_line_and_damaged_ones_are_refused(tmp_path: Path) -> None:
    with pytest.raises(NoHistoryError):
        list(logs_from_files(tmp_path))
    (tmp_path / "a.jsonl").write_bytes(b"\xff\xfe\n" * 3)
    with pytest.raises(BadHistoryError, match="not JSON"):
        list(logs_from_files(tmp_path))
    (tmp_path / "a.jsonl").write_bytes(b"")
    with pytest.raises(BadHistoryError, match="empty"):
        list(logs_from_files(tmp_path))
    (tmp_path / "a.jsonl").rename(tmp_path / "a.jsonl.gz")
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(b"{}")[:-9])
    with pytest.raises(BadHistoryError):
        list(logs_from_files(tmp_path))


def test_a_trace_is_learned_completely_however_its_lines_are_batched() -> None:
    records = sorted(requests(*NORMAL_MS), key=lambda each: each.time_ms)
    complete = mine_logs([Logs.from_records(records)], step_ms=60_000, source="here")
    cut = mine_logs(
        [Logs.from_records(records[start : start + 7]) for start in range(0, len(records), 7)],
        step_ms=60_000,
        source="here",
    )
    assert usual_signatures(cut.traces) == usual_signatures(complete.traces)
    assert sorted(cut.traces.end_ms.tolist()) == sorted(complete.traces.end_ms.tolist())
