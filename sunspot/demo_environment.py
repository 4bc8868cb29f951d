"""The environment of the demo: a folder with its MLflow store, and the servers that use it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.artifacts.mlflow_names import tracking_uri_for
from models.artifacts.model_kinds import DETECTORS_MODEL
from sunspot.processes import python_server
from training.progress import silent

if TYPE_CHECKING:
    import subprocess
    from contextlib import AbstractContextManager
    from pathlib import Path

    from experiments.demo_scenario import DemoScenario
    from models.artifacts.bundle import Bundle
    from training.outcome import Outcome
    from training.progress import Progress


def train(
    scenario: DemoScenario, folder: Path, *, progress: Progress = silent
) -> tuple[Outcome[Bundle], str]:
    """Fit detectors on the scenario's history and register them in the folder's MLflow store.

    Returns
    -------
    The outcome of the training, and the path of its run in MLflow's UI.
    """
    from training.fit_detectors import FitConfig, fit_detectors
    from training.tracking import MlflowTracker

    config = FitConfig(data_name=scenario.title, data_source="demo", clock=scenario.clock)
    tracker = MlflowTracker(tracking_uri_for(folder), DETECTORS_MODEL)
    result = fit_detectors(config, scenario.history, tracker, progress=progress)
    return result, f"/#/experiments/{tracker.experiment_id}/runs/{result.run_id}"


def service(folder: Path, port: int, *, step_ms: int) -> AbstractContextManager[subprocess.Popen[bytes]]:
    """Run the service on loopback; its present is the newest signal it receives."""
    environment = {
        "SUNSPOT_TRACKING_URI": tracking_uri_for(folder),
        "SUNSPOT_PRESENT": "signals",
        "SUNSPOT_STEP": f"PT{step_ms // 1000}S",
        "SUNSPOT_REFRESH_S": "1",
    }
    arguments = ["sunspot", "serve", "--host", "127.0.0.1", "--port", str(port), "--data", str(folder)]
    return python_server(arguments, log=folder / "service.log", environment=environment)


def mlflow_server(folder: Path, port: int) -> AbstractContextManager[subprocess.Popen[bytes]]:
    """Run MLflow's UI on loopback, on the folder's store."""
    arguments = ["mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    arguments += ["--backend-store-uri", tracking_uri_for(folder)]
    arguments += ["--default-artifact-root", (folder.absolute() / "artifacts").as_uri()]
    environment = {
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # saves two processes and a fifth of the memory
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "true",
    }
    return python_server(arguments, log=folder / "mlflow.log", environment=environment)
