"""A tiny Nezha in its public layout: one day, two faults, two services."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

DAY = datetime(2022, 8, 22, 3, 0, tzinfo=UTC)
PODS = ("frontend-579b9bff58-t2dbm", "cartservice-579f59597d-wc2lz")
N_MINUTES = 60
FAULTS = ((30, PODS[1], "cpu_contention"), (45, PODS[0], "exception"))
METRIC_HEADER = (
    "Time,TimeStamp,PodName,CpuUsageRate(%),MemoryUsageRate(%),PodServerLatencyP90(s),PodWorkload(Ops)"
)
TRACE_HEADER = "TraceID,SpanID,ParentID,PodName,OperationName,StartTimeUnixNano,EndTimeUnixNano,Duration"


def a_day(root: Path, *, traces: bool = True) -> Path:
    """Write the day and return its folder."""
    folder = root / "rca_data" / "2022-08-22"
    (folder / "metric").mkdir(parents=True)
    listed = [
        {
            "inject_time": f"{DAY + timedelta(minutes=minute):%Y-%m-%d %H:%M:%S}",
            "inject_timestamp": "17",
            "inject_pod": pod,
            "inject_type": kind,
        }
        for minute, pod, kind in FAULTS
    ]
    (folder / "2022-08-22-fault_list.json").write_text(json.dumps({"03": listed}))
    for pod in PODS:
        (folder / "metric" / f"{pod}_metric.csv").write_text(_metrics(pod))
    (folder / "metric" / "dependency.csv").write_text(
        "Source,Target,Weight\nfrontend,cartservice,1\nfrontend,33.3.3.3,1\n"
    )
    for name, seconds in (("source_50", "0.005"), ("destination_50", "0.003")):
        rows = [f"{_text(minute)},17,{seconds}" for minute in range(N_MINUTES)]
        text = "time,timestamp,frontend_cartservice\n" + "\n".join(rows) + "\n"
        (folder / "metric" / f"{name}.csv").write_text(text)
    if traces:
        (folder / "trace").mkdir()
        (folder / "trace" / "03_30_trace.csv").write_text(_traces(range(26, 34)))
    return folder


def _text(minute: int) -> str:
    return f"{DAY + timedelta(minutes=minute):%Y-%m-%d %H:%M:%S}.123456789 +0000 UTC m=+0.3"


def _metrics(pod: str) -> str:
    rows = [METRIC_HEADER]
    for minute in range(N_MINUTES):
        is_hit = pod == PODS[1] and 30 <= minute < 33
        cpu = 90 if is_hit else 20 + minute % 3
        rows.append(f"{_text(minute)},17,{pod},{cpu},30,0.0{5 + minute % 2},100")
    return "\n".join(rows) + "\n"


def _traces(minutes: range) -> str:
    rows = [TRACE_HEADER]
    for minute in minutes:
        for number in range(20):
            start = int((DAY + timedelta(minutes=minute)).timestamp() * 1e9) + number * 3_000_000_000
            slow = 8 if minute >= 30 else 1
            times = [(0, 20_000 * slow + 9_000), (2_000, 20_000 * slow), (3_000, 15_000 * slow + number)]
            trace = f"t{minute}-{number}"
            names = [
                ("a", "root", PODS[0], "GET /"),
                ("b", "a", PODS[0], "call"),
                ("c", "b", PODS[1], "serve"),
            ]
            for (span, parent, pod, operation), (after, long) in zip(names, times, strict=True):
                begin = start + after * 1000
                rows.append(f"{trace},{span},{parent},{pod},{operation},{begin},{begin + long * 1000},{long}")
    return "\n".join(rows) + "\n"
