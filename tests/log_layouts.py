"""Small copies of the public layouts of log data sets."""

from __future__ import annotations

import csv
import gzip
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from log_builders import requests

if TYPE_CHECKING:
    from pathlib import Path

DAY = "2023-01-29"
INJECTED = datetime(2023, 1, 29, 9, 0, 0, tzinfo=UTC)


def a_loghub_set(folder: Path, name: str = "OpenSSH") -> Path:
    """Write one set of four lines and two templates."""
    path = folder / name / f"{name}_2k.log_structured.csv"
    path.parent.mkdir(parents=True)
    rows = [("open file 1", "E1"), ("open file 2", "E1"), ("closed for good", "E2"), ("open file 3", "E1")]
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["LineId", "Content", "EventId"])
        writer.writerows([(number, *row) for number, row in enumerate(rows)])
    return path


def an_hdfs(folder: Path) -> None:
    """Write forty normal sessions of two kinds, and four abnormal ones."""
    normal = [f"blk_{n},5 5 22{' 4' * (n % 2)}" for n in range(40)]
    (folder / "sessions_normal.csv").write_text("\n".join(normal) + "\n")
    (folder / "sessions_abnormal.csv").write_text("".join(f"blk_{n},5 7 7 7 7 7\n" for n in range(4)))


def an_hdfs100k(folder: Path) -> Path:
    """Write a hundred training sessions, three of them abnormal, and ten to test on, one abnormal."""
    rows = [{"split": "train", "y": int(n < 3), "e": [0, 6] if n < 3 else [0, 1, 1]} for n in range(100)]
    rows += [{"split": "test", "y": int(n < 1), "e": [0, 6] if n < 1 else [0, 1, 1]} for n in range(10)]
    path = folder / "hdfs100k_sessions.jsonl.gz"
    path.write_bytes(gzip.compress("\n".join(map(json.dumps, rows)).encode()))
    return path


def a_nezha(folder: Path, *, cause: str = "ts-order-service") -> None:
    """Write one day with one fault: a service that fails instead of being done."""
    root = folder / "rca_data" / DAY
    (root / "log").mkdir(parents=True)
    pod = f"{cause}-5dc8d4f9fd-46997"
    listed = {"09": [{"inject_time": "2023-01-29 09:00:00", "inject_pod": pod, "inject_type": "return"}]}
    (root / f"{DAY}-fault_list.json").write_text(json.dumps(listed))
    start = int(INJECTED.timestamp() * 1000)
    services = ("ts-gate-service", "ts-order-service", "ts-seat-service")
    normal = requests(start - 600_000, start, services=services)
    fault = requests(start, start + 180_000, seed=1, broken=cause, services=services)
    for name, records in (("08_59", normal), ("09_02", [*normal[-4:], *fault])):
        with (root / "log" / f"{name}_log.csv").open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["TimeUnixNano", "PodName", "TraceID", "Log"])
            for each in records:
                line = json.dumps({"log": f"09:00:00.000 {each.severity} a.B#7 {each.body}\n"})
                writer.writerow([each.time_ms * 1_000_000, f"{each.service}-abc-def", each.trace_id, line])
