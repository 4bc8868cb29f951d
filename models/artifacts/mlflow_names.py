"""Names and settings of the model registry that training and service share, without importing MLflow."""

from __future__ import annotations

import logging
import os
import warnings
from pathlib import Path

MODEL_NAME = "sunspot-detectors"
LOG_MODEL_NAME = "sunspot-logs"
RANKER_MODEL_NAME = "sunspot-ranker"
CHAMPION, CHALLENGER = "champion", "challenger"
"""The aliases of the bundle in use, and of the one that scores in shadow to replace it."""

BUNDLE_DIRECTORY = "bundle"
BUNDLE_VERSION_TAG = "sunspot.bundle_version"
NO_SUCH_ALIAS = frozenset({"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"})
"""MLflow's error codes for a model that is not registered and for a model without the alias."""

SQLITE = "sqlite:///"

_DEFAULTS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_LOGGING_LEVEL": "ERROR",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "15",
    "MLFLOW_ALLOW_HTTP_REDIRECTS": "false",
    "GIT_PYTHON_REFRESH": "quiet",
}

_ITS_OWN_WARNINGS: tuple[tuple[str, type[Warning]], ...] = (
    ("The ``noload`` loader strategy", DeprecationWarning),
    (".*Any type hint is inferred as AnyType", UserWarning),
)


def prepare_mlflow() -> None:
    """Reduce MLflow's logging and retries, and turn off redirects and telemetry; call it before the import.

    Environment variables that an operator has set take precedence.
    """
    for name, value in _DEFAULTS.items():
        os.environ.setdefault(name, value)
    logging.getLogger("alembic").setLevel(logging.ERROR)
    for message, category in _ITS_OWN_WARNINGS:
        warnings.filterwarnings("ignore", message=message, category=category)


def tracking_uri_for(data: Path) -> str:
    """Tracking address of a store that holds everything in one directory.

    >>> tracking_uri_for(Path("/var/lib/sunspot"))
    'sqlite:////var/lib/sunspot/mlflow.db'
    """
    return f"{SQLITE}{data.absolute() / 'mlflow.db'}"


def store_path(uri: str) -> Path | None:
    """Return the file of a store on this machine, or ``None`` for a server's address.

    >>> store_path("https://mlflow.example") is None
    True
    """
    return Path(uri.removeprefix(SQLITE)) if uri.startswith(SQLITE) else None


def logged_model_of(source: str | None) -> str:
    """Return the id of the logged model that a registered version was made from.

    >>> logged_model_of("models:/m-70d9987c0e2a")
    'm-70d9987c0e2a'
    """
    return (source or "").removeprefix("models:/")


def bundle_directory(download: Path) -> Path:
    """Find the bundle's directory within a downloaded model."""
    return next((each.parent for each in sorted(download.rglob("bundle.json"))), download)
