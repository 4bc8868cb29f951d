"""Two trainings on a new data directory at once."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

A_RUN = """
import sys
from models.artifacts.model_kinds import DETECTORS_MODEL
from training.tracking import MlflowTracker

tracker = MlflowTracker("sqlite:///" + sys.argv[1], DETECTORS_MODEL)
with tracker.run("first", {}) as run:
    run.log({}, {"one": 1.0})
print(tracker.experiment_id)
"""


def test_two_first_uses_at_once_end_well(tmp_path: Path) -> None:
    store = tmp_path / "new" / "mlflow.db"
    both = [
        subprocess.Popen(
            [sys.executable, "-c", A_RUN, str(store)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    answers = [each.communicate(timeout=180) for each in both]
    assert [each.returncode for each in both] == [0, 0], answers
    assert len({out.strip() for out, _ in answers}) == 1, "both are in one experiment"
