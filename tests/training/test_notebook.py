"""The example notebook runs from top to bottom on a fresh training."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import mlflow
from builders import a_frame

from models.artifacts.model_kinds import DETECTORS_MODEL
from training.fit_detectors import FitConfig, fit_detectors
from training.tracking import MlflowTracker, tracking_uri_for

NOTEBOOK = Path(__file__).parents[2] / "docs" / "champion.ipynb"


def test_every_cell_runs_and_the_fault_is_found(tmp_path: Path) -> None:
    uri = tracking_uri_for(tmp_path)
    frame = a_frame(("order", "quotes"), n_ticks=1500)
    fit_detectors(FitConfig(clock="always", data_name="normal"), frame, MlflowTracker(uri, DETECTORS_MODEL))
    cells = json.loads(NOTEBOOK.read_text())["cells"]
    names: dict[str, Any] = {}
    previous = mlflow.get_tracking_uri(), mlflow.get_registry_uri()
    try:
        for cell in cells:
            if cell["cell_type"] == "code":
                exec("".join(cell["source"]), names)
            if "parameters" in cell["metadata"].get("tags", ()):
                names["uri"] = uri
    finally:
        mlflow.set_tracking_uri(previous[0])
        mlflow.set_registry_uri(previous[1])
    first, found = names["first"], names["found"]
    assert set(zip(found["item"], found["metric"], strict=True)) == {(first["item"], first["metric"])}
    assert len(found)
    assert names["runs"]["tags.mlflow.runName"].tolist() == ["fit-detectors-normal"]
