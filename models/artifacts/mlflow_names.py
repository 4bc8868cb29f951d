"""What training and service agree on about the model registry, without importing it."""

from __future__ import annotations

import logging
import os
import warnings
from pathlib import Path

MODEL_NAME = "sunspot-detectors"
LOG_MODEL_NAME = "sunspot-logs"
RANKER_MODEL_NAME = "sunspot-ranker"
CHAMPION, CHALLENGER = "champion", "challenger"
"""The aliases: what is in use, and what scores in shadow to replace it."""

BUNDLE_DIRECTORY = "bundle"
BUNDLE_VERSION_TAG = "sunspot.bundle_version"
NO_SUCH_ALIAS = frozenset({"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"})
"""What MLflow answers for a model that is not registered, and for one without the alias."""

SQLITE = "sqlite:///"

_DEFAULTS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_LOGGING_LEVEL": "ERROR",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "15",
    "GIT_PYTHON_REFRESH": "quiet",
}

_ITS_OWN_WARNINGS: tuple[tuple[str, type[Warning]], ...] = (
    ("The ``noload`` loader strategy", DeprecationWarning),
    (".*Any type hint is inferred as AnyType", UserWarning),
)


def prepare_mlflow() -> None:
    """Make MLflow quiet, quick to give up, and silent towards its makers; call before importing it.

    An operator's own environment variables win over these.
    """
    for name, value in _DEFAULTS.items():
        os.environ.setdefault(name, value)
    logging.getLogger("alembic").setLevel(logging.ERROR)
    for message, category in _ITS_OWN_WARNINGS:
        warnings.filterwarnings("ignore", message=message, category=category)


def tracking_uri_for(data: Path) -> str:
    """Tracking address of a store that keeps everything in one directory.

    >>> tracking_uri_for(Path("/var/lib/sunspot"))
    'sqlite:////var/lib/sunspot/mlflow.db'
    """
    return f"{SQLITE}{data.absolute() / 'mlflow.db'}"


def store_path(uri: str) -> Path | None:
    """File of a store on this machine, or ``None`` for a server's address.

    >>> store_path("https://mlflow.example") is None
    True
    """
    return Path(uri.removeprefix(SQLITE)) if uri.startswith(SQLITE) else None


def logged_model_of(source: str | None) -> str:
    """Id of the logged model that a registered version was made from.

    >>> logged_model_of("models:/m-70d9987c0e2a")
    'm-70d9987c0e2a'
    """
    return (source or "").removeprefix("models:/")


def bundle_directory(download: Path) -> Path:
    """Where the bundle is within a downloaded model."""
    return next((each.parent for each in sorted(download.rglob("bundle.json"))), download)
