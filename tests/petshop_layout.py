"""A tiny PetShop in its public layout."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

HEADER = (
    "microservice,app,app,app,db,db,db\nmetric,latency,requests,availability,latency,requests,availability\n"
)
HEADER += "statistic,Average,Sum,Average,Average,Sum,Average\nunix_timestamp,,,,,,\n"


def metrics(*rows: str) -> str:
    return HEADER + "\n".join(rows) + "\n"


def a_scenario(root: Path, *, normal: bool = True, name: str = "low_traffic") -> Path:
    scenario = root / name
    issue = scenario / "test" / "issue_0"
    issue.mkdir(parents=True)
    (scenario / "graph.csv").write_text(",app,db\napp,0,1\ndb,0,0\n")
    if normal:
        (scenario / "noissue").mkdir()
        normal = [f"{1_692_608_400 + 300 * n}.0,0.1{n % 7},100,100,0.05{n % 5},100,100" for n in range(60)]
        (scenario / "noissue" / "metrics.csv").write_text(metrics(*normal))
    slow = [
        f"{1_681_849_920 + 300 * n}.0,{0.1 + 0.2 * (n > 1)},100,100,{0.05 + 0.2 * (n > 1)},100,100"
        for n in range(5)
    ]
    (issue / "metrics.csv").write_text(metrics(*slow))
    target = {"node": "app", "metric": "latency", "agg": "Average", "timestamp": 1681850394}
    (issue / "target.json").write_text(
        json.dumps({"target": target, "root_cause": {"node": "db", "metric": None}})
    )
    return scenario
