"""The source of a bundle: an alias in the registry, or the bundle cached last."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Generic

from models.artifacts.mlflow_names import (
    BUNDLE_VERSION_TAG,
    CHALLENGER,
    CHAMPION,
    NO_SUCH_ALIAS,
    bundle_directory,
    logged_model_of,
    prepare_mlflow,
    store_path,
)
from models.artifacts.model_kinds import AnyBundle
from models.errors import BadBundleError
from telemetry.addresses import shown_address

if TYPE_CHECKING:
    from collections.abc import Callable

    from models.artifacts.model_kinds import RegisteredModel

POINTER = "current.json"
HOSTED = ("http://", "https://", "mlflow-artifacts://", "ftp://", "sftp://", "hdfs://")
"""Places of bundles that name a host; object stores have clients and credentials of their own."""


class ModelSource(Generic[AnyBundle]):
    """The bundle of an alias, cached in memory and in a directory that outlives the process.

    A registry out of reach, or a bundle that cannot be loaded, leaves the last one in use and is
    reported in `problem`. A champion serves on if its alias is gone; a challenger is dropped. Safe to use
    from several threads: a bundle is swapped completely, or not at all.

    Parameters
    ----------
    tracking_uri
        MLflow's address.
    model
        The registered model whose bundles serve.
    cache_dir
        Directory for the last bundle; made if it is missing.
    alias
        Which of its versions.
    check
        Raises if a bundle may not be fetched from an address.
    """

    def __init__(
        self,
        tracking_uri: str,
        model: RegisteredModel[AnyBundle],
        cache_dir: Path,
        *,
        alias: str = CHAMPION,
        check: Callable[[str], object] = lambda _address: None,
    ) -> None:
        self._uri = tracking_uri
        self._model = model
        self._cache = cache_dir
        self._alias = alias
        self._check = check
        self._refreshing = Lock()
        self._client: Any = None
        self._fetched = ""
        self.problem = ""
        self._bundle = self._cached()

    def current(self) -> AnyBundle | None:
        """Return the bundle in use, or ``None`` while there is none."""
        return self._bundle

    def refresh(self) -> bool:
        """Ask the registry, and return whether another bundle was swapped in."""
        with self._refreshing:
            before = self._bundle
            try:
                self._fetch()
                self.problem = ""
            except Exception as reason:  # noqa: BLE001  the last bundle serves on, whatever the registry does
                self._client = None
                self.problem = f"the model registry could not be used: {_first_line(reason)}"
            return self._bundle is not before

    def _fetch(self) -> None:
        version = self._aliased_version()
        if version is None:
            if self._alias == CHALLENGER:
                self._forget()
            return
        if version.version == self._fetched:
            return
        wanted = str(version.tags.get(BUNDLE_VERSION_TAG, ""))
        if self._bundle is None or self._bundle.version != wanted:
            self._bundle = self._downloaded(version, wanted)
        self._fetched = version.version

    def _aliased_version(self) -> Any:
        path = store_path(self._uri)
        if path is not None and not path.is_file():  # MLflow would make an empty store of it
            raise FileNotFoundError(f"there is no tracking store at {path} yet: run sunspot train detectors")
        if self._client is None:
            prepare_mlflow()
            from mlflow import MlflowClient  # noqa: PLC0415  seconds, and only where it is used

            self._client = MlflowClient(self._uri, self._uri)
        from mlflow.exceptions import MlflowException  # noqa: PLC0415

        try:
            return self._client.get_model_version_by_alias(self._model.name, self._alias)
        except MlflowException as reason:
            if reason.error_code in NO_SUCH_ALIAS:
                return None
            raise

    def _downloaded(self, version: Any, wanted: str) -> AnyBundle:
        """Download the bundle beside the cached ones, check it, and only then move the pointer."""
        from mlflow.artifacts import download_artifacts  # noqa: PLC0415

        self._cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._cache, prefix="download-") as download:
            # by its address: "models:/..." would be looked up in the process-wide store, not in ours
            artifacts = self._client.get_logged_model(logged_model_of(version.source)).artifact_location
            if artifacts.lower().startswith(HOSTED):  # the registry may name any machine
                self._check(artifacts)
            download_artifacts(artifact_uri=artifacts, dst_path=download, tracking_uri=self._uri)
            directory = bundle_directory(Path(download))
            bundle = self._model.load(directory)
            if wanted != bundle.version:
                raise BadBundleError(
                    artifacts, f"its content is {bundle.version}, the registry says {wanted!r}"
                )
            cached = self._cache / bundle.version.replace(":", "-")
            shutil.rmtree(cached, ignore_errors=True)
            directory.replace(cached)
        self._point_at(cached)
        return bundle

    def _point_at(self, cached: Path) -> None:
        """Make a directory the one to start from next time, and drop the others."""
        temporary = self._cache / f"{POINTER}.new"
        temporary.write_text(json.dumps({"directory": cached.name}))
        os.replace(temporary, self._cache / POINTER)  # noqa: PTH105  atomic, and says so
        for other in self._cache.glob("sha256-*"):
            if other != cached:
                shutil.rmtree(other, ignore_errors=True)

    def _forget(self) -> None:
        """Drop the bundle, in memory and in the cache."""
        self._bundle, self._fetched = None, ""
        (self._cache / POINTER).unlink(missing_ok=True)
        for cached in self._cache.glob("sha256-*"):
            shutil.rmtree(cached, ignore_errors=True)

    def _cached(self) -> AnyBundle | None:
        pointer = self._cache / POINTER
        if not pointer.is_file():
            return None
        try:
            name = str(json.loads(pointer.read_text())["directory"])
            bundle = self._model.load(self._cache / Path(name).name)
            if bundle.version.replace(":", "-") != name:
                raise BadBundleError(name, "it is not the bundle that was cached")
        except (OSError, ValueError, KeyError, TypeError) as reason:
            self.problem = f"the last bundle could not be used: {_first_line(reason)}"
            return None
        return bundle


def _first_line(reason: Exception) -> str:
    return shown_address((str(reason) or type(reason).__name__).splitlines()[0])
