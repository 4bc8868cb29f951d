"""Small services that write logs, for the tests of log features and evidence."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from builders import ONSET, a_frame, a_graph

from features.logs.rows import LogPast, log_rows
from features.logs.sessions import Vocabulary
from features.logs.sums import LogSums, sum_logs
from features.logs.templates import TemplateMiner
from features.logs.traces import trace_vectors, usual_signatures
from features.logs.waits import wait_reference
from features.logs.windows import log_reference
from models.artifacts.log_bundle import make_log_bundle
from models.cases.case import Alert, Case, build_case
from models.detectors import SESSION_DETECTORS
from models.detectors.log_windows import LogWindowDetector
from models.session_model import SessionModel
from telemetry.logs import LogRecord, Logs

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from models.artifacts.log_bundle import LogBundle

ONSET_MS = int(ONSET.timestamp() * 1000)
SERVICES = ("gateway", "order", "stock")
NORMAL_MS = (ONSET_MS - 3_600_000, ONSET_MS)
FAULT_MS = (ONSET_MS, ONSET_MS + 180_000)


def requests(
    start_ms: int,
    end_ms: int,
    *,
    seed: int = 0,
    broken: str = "",
    slow: str = "",
    services: Sequence[str] = SERVICES,
) -> list[LogRecord]:
    """Lines of requests that each pass all services: received, and done; ``broken`` fails instead of done."""
    rng = np.random.default_rng(seed)
    records = []
    for number, start in enumerate(
        np.sort(rng.integers(start_ms, end_ms, size=(end_ms - start_ms) // 2_000))
    ):
        at, trace = int(start), f"{seed}-{number}"
        for service in services:
            wait = int(rng.integers(20, 40)) * (8 if service == slow else 1)
            arrived = LogRecord(service, "INFO", "", at, f"request {number} received", trace)
            at += wait
            logged = ("ERROR", "request failed badly") if service == broken else ("INFO", "request is done")
            records += [arrived, LogRecord(service, logged[0], "", at, f"{logged[1]} after {wait}", trace)]
            at += int(rng.integers(1, 4))
    return records


def sums_of(records: Iterable[LogRecord], *, step_ms: int = 60_000) -> LogSums:
    """Sums of some records, mined together in order of time."""
    logs = Logs.from_records(sorted(records, key=lambda each: each.time_ms))
    return sum_logs(logs, TemplateMiner().mine(logs), step_ms=step_ms)


def a_logged_case(
    *,
    broken: str = "",
    slow: str = "",
    seed: int = 0,
    services: Sequence[str] = SERVICES,
) -> Case:
    """A case of three minutes in which one service is broken or slow, after an hour of normal operation."""
    sums = sums_of(
        [
            *requests(*NORMAL_MS, seed=seed, services=services),
            *requests(*FAULT_MS, seed=seed + 1, broken=broken, slow=slow, services=services),
        ]
    )
    frame = a_frame(services, n_ticks=60)
    graph = a_graph(*pairwise(services))
    case = build_case(Alert(services[0], "SlowRequests", ONSET), ONSET, graph, frame, normal=frame)
    return replace(case, window_logs=sums.between(*FAULT_MS), normal_logs=sums.outside(*FAULT_MS))


def a_log_bundle(*, seed: int = 0, sessions: str = "") -> LogBundle:
    """A bundle of an hour of normal requests, whose windows stray as those of another hour do."""
    logs = Logs.from_records(sorted(requests(*NORMAL_MS, seed=seed), key=lambda each: each.time_ms))
    miner = TemplateMiner()
    ids = miner.mine(logs)
    normal, traces = sum_logs(logs, ids, step_ms=60_000), trace_vectors(logs, ids)
    past = LogPast(log_reference(normal.counts), wait_reference(normal.gaps), usual_signatures(traces))
    strays = log_rows(sums_of(requests(*NORMAL_MS, seed=seed + 7)), past)
    return make_log_bundle(
        miner_state=miner.state(),
        normal=normal,
        signatures=past.signatures,
        detector=LogWindowDetector().fit(strays),
        threshold=6.0,
        sessions=a_session_model(sessions) if sessions else None,
        metadata={"note": ""},
    )


def a_session_model(name: str) -> SessionModel:
    """A model of sessions that read twice to four times."""
    sessions = [("open", *["read"] * (2 + number % 3), "close") for number in range(40)]
    vocabulary = Vocabulary.of(sessions)
    detector = SESSION_DETECTORS[name]().fit(vocabulary.counts(sessions))
    return SessionModel(name, detector, 0.5, vocabulary)
