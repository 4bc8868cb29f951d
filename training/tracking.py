"""Tracking in MLflow; the only training module that imports it."""

from __future__ import annotations

import json
import tempfile
import time
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version as installed_version
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic

from models.artifacts.mlflow_names import (
    BUNDLE_DIRECTORY,
    BUNDLE_VERSION_TAG,
    CHALLENGER,
    CHAMPION,
    NO_SUCH_ALIAS,
    bundle_directory,
    logged_model_of,
    prepare_mlflow,
    store_path,
    tracking_uri_for,
)
from models.artifacts.model_kinds import DETECTORS_MODEL, AnyBundle
from models.errors import BadBundleError
from training.champions import DATA_DIGEST_TAG, Champions, withdrawal_in
from training.first_use import one_at_a_time
from training.provenance import PARENT_CHAMPION
from training.tracker import DataSet

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from matplotlib.figure import Figure

    from models.artifacts.model_kinds import RegisteredModel
    from training.tracker import Run

__all__ = ["MlflowTracker", "RegisteredBundle", "log_bench", "tracking_uri_for"]

EXPERIMENT = "sunspot-training"
BENCH_EXPERIMENT = "sunspot-bench"
DELETED = "deleted"
AS_TRAINING = {"mlflow.experimentKind": "custom_model_development"}
"""Tags of an experiment, so that MLflow opens it as model training."""

MAX_BATCH = 1000
MAX_PARAM_LENGTH = 6000


@dataclass(frozen=True)
class RegisteredBundle:
    """One version of the registered model."""

    version: str
    created_ms: int
    run_id: str
    bundle_version: str
    is_champion: bool
    is_challenger: bool
    withdrawal: str
    figures: Mapping[str, float]
    rival: str = ""
    """The version that was champion when this one was trained: it was judged on the same ticks."""


class MlflowRun:
    """A run in MLflow; every call sends one batch."""

    def __init__(self, client: Any, run_id: str, experiment_id: str) -> None:
        self._client = client
        self._experiment_id = experiment_id
        self.id = run_id

    @contextmanager
    def child(self, name: str) -> Iterator[MlflowRun]:
        """Open a run below this one."""
        with _opened(self._client, self._experiment_id, name, {"mlflow.parentRunId": self.id}) as run:
            yield run

    def log(self, params: Mapping[str, object], figures: Mapping[str, float]) -> None:
        """Record parameters and figures."""
        from mlflow.entities import Metric, Param  # noqa: PLC0415

        now_ms = _now_ms()
        metrics = [
            Metric(name, float(value), now_ms, 0) for name, value in figures.items() if isfinite(value)
        ]
        limited = [Param(name, str(value)[:MAX_PARAM_LENGTH]) for name, value in params.items()]
        self._client.log_batch(self.id, metrics=metrics[:MAX_BATCH], params=limited)

    def log_data(self, data: DataSet) -> None:
        """Record what the run learns from."""
        from mlflow.entities import Dataset, DatasetInput, InputTag  # noqa: PLC0415

        entity = Dataset(
            name=data.name,
            digest=data.digest.removeprefix("sha256:")[:36],
            source_type="local",
            source=json.dumps({"uri": data.source}),
            profile=json.dumps({**data.profile, "digest": data.digest}),
        )
        self._client.log_inputs(
            self.id, [DatasetInput(entity, [InputTag("mlflow.data.context", "training")])]
        )

    def log_plot(self, name: str, plot: Figure) -> None:
        """Record a plot as PNG."""
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory) / f"{name}.png"
            plot.savefig(path, dpi=80)
            self._client.log_artifact(self.id, str(path), "plots")

    def log_json(self, name: str, document: Mapping[str, object]) -> None:
        """Record a document."""
        self._client.log_text(self.id, json.dumps(document, indent=1), name)


class MlflowTracker(Generic[AnyBundle]):
    """Runs and a registered model in one MLflow.

    Parameters
    ----------
    uri
        MLflow's address; a local store has its artifacts beside its database.
    model
        The registered model whose versions the bundles become.
    experiment
        Name of the experiment of the runs; created if missing.
    """

    def __init__(self, uri: str, model: RegisteredModel[AnyBundle], *, experiment: str = EXPERIMENT) -> None:
        prepare_mlflow()
        from mlflow import MlflowClient  # noqa: PLC0415  takes seconds; needed only where runs are tracked

        self.uri = uri
        self._model = model
        path = store_path(uri)
        artifacts = None
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            artifacts = (path.absolute().parent / "artifacts").as_uri()
        with one_at_a_time(path):
            self._client = MlflowClient(uri, uri)
            if path is not None:
                self._client.search_experiments(max_results=1)  # makes the tables
        self._champions = Champions(self._client, model.name)
        self._experiment, self._artifacts = experiment, artifacts

    @cached_property
    def experiment_id(self) -> str:
        """The experiment's id; it is created by the first run, and restored if it was deleted."""
        from mlflow.exceptions import MlflowException  # noqa: PLC0415

        known = self._client.get_experiment_by_name(self._experiment)
        if known is None:
            try:
                return str(self._client.create_experiment(self._experiment, self._artifacts, AS_TRAINING))
            except MlflowException as reason:
                known = self._client.get_experiment_by_name(self._experiment)  # another was quicker
                if known is None:
                    raise reason from None
        if known.lifecycle_stage == DELETED:
            self._client.restore_experiment(known.experiment_id)
        return str(known.experiment_id)

    @contextmanager
    def run(self, name: str, tags: Mapping[str, str]) -> Iterator[MlflowRun]:
        """Open a run; it counts as failed if the block raises."""
        with _opened(self._client, self.experiment_id, name, tags) as run:
            yield run

    def register(self, run: Run, bundle: AnyBundle) -> str:
        """Log a bundle as a pyfunc model of the run, and register it as a new version."""
        self._make_model()
        with tempfile.TemporaryDirectory() as parent, self._addressed() as mlflow:
            directory = Path(parent) / BUNDLE_DIRECTORY
            self._model.save(bundle, directory)
            with mlflow.start_run(run_id=run.id), warnings.catch_warnings():
                # we provide the signature: MLflow would run the model on an example to infer it
                warnings.filterwarnings("ignore", message=".*An input example", category=UserWarning)
                logged = mlflow.pyfunc.log_model(
                    name=BUNDLE_DIRECTORY,
                    loader_module=self._model.loader_module,
                    data_path=str(directory),
                    pip_requirements=[f"sunspot=={installed_version('sunspot')}"],
                    metadata=dict(bundle.metadata),
                    signature=_signature(self._model.inputs),
                    input_example=self._example(bundle),
                )
            made = self._client.create_model_version(
                self._model.name,
                source=logged.model_uri,
                run_id=run.id,
                tags={
                    BUNDLE_VERSION_TAG: bundle.version,
                    DATA_DIGEST_TAG: str(bundle.metadata.get("data_digest", "")),
                },
                model_id=logged.model_id,
            )
        return str(made.version)

    def champion(self) -> AnyBundle | None:
        """Return the bundle in use, or ``None`` if there is none that can be loaded."""
        version = self.champion_version()
        return self.load(version) if version else None

    def load(self, version: str) -> AnyBundle | None:
        """Return the bundle of a registered version, or ``None`` if it cannot be loaded."""
        from mlflow.artifacts import download_artifacts  # noqa: PLC0415

        source = self._client.get_model_version(self._model.name, version).source
        # by its location: "models:/..." would be looked up in the process-wide store, not in ours
        artifacts = self._client.get_logged_model(logged_model_of(source)).artifact_location
        with tempfile.TemporaryDirectory() as directory:
            download_artifacts(artifact_uri=artifacts, dst_path=directory, tracking_uri=self.uri)
            try:
                return self._model.load(bundle_directory(Path(directory)))
            except BadBundleError:
                return None

    def promote(self, version: str) -> None:
        """Move the alias ``champion`` to a version, and remember the one it had."""
        self._champions.promote(version)

    def challenge(self, version: str) -> None:
        """Move the alias ``challenger`` to a version: the service scores with it in shadow."""
        self._client.set_registered_model_alias(self._model.name, CHALLENGER, version)

    def withdraw(self) -> None:
        """Remove the alias ``challenger``."""
        self._client.delete_registered_model_alias(self._model.name, CHALLENGER)

    def champion_version(self) -> str:
        """Return the version in use; empty if there is none."""
        from mlflow.exceptions import MlflowException  # noqa: PLC0415

        try:
            return str(self._client.get_model_version_by_alias(self._model.name, CHAMPION).version)
        except MlflowException as reason:
            if reason.error_code in NO_SUCH_ALIAS:
                return ""
            raise

    def roll_back(self, *, who: str, why: str = "") -> str:
        """Withdraw the champion for the one before it, and return that version; empty if there is none."""
        return self._champions.roll_back(who=who, at_ms=_now_ms(), why=why)

    def withdrawal_of(self, bundle: AnyBundle) -> str:
        """Say who withdrew this bundle, or one that learned from the same data; empty if nobody did."""
        digest = str(bundle.metadata.get("data_digest", ""))
        return str(self._champions.withdrawal_of(bundle.version, digest) or "")

    def registered(self, *, with_figures: bool = True) -> list[RegisteredBundle]:
        """Every version of the registered model, newest first.

        A version whose run was removed has no figures. Without figures no run is read.
        """
        versions = self._client.search_model_versions(f"name = '{self._model.name}'")
        if not versions:
            return []
        aliases = self._client.get_registered_model(self._model.name).aliases
        return [
            RegisteredBundle(
                version=str(each.version),
                created_ms=int(each.creation_timestamp),
                run_id=str(each.run_id),
                bundle_version=each.tags.get(BUNDLE_VERSION_TAG, ""),
                is_champion=str(aliases.get(CHAMPION)) == str(each.version),
                is_challenger=str(aliases.get(CHALLENGER)) == str(each.version),
                withdrawal=str(withdrawal_in(str(each.version), each.tags) or ""),
                **(self._judged(str(each.run_id)) if with_figures else {"figures": {}}),
            )
            for each in sorted(versions, key=lambda each: int(each.version), reverse=True)
        ]

    def _judged(self, run_id: str) -> dict[str, Any]:
        """A run's figures and the champion of its time; neither if the run was removed."""
        from mlflow.exceptions import MlflowException  # noqa: PLC0415

        try:
            data = self._client.get_run(run_id).data
        except MlflowException as reason:
            if reason.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            return {"figures": {}}
        return {"figures": dict(data.metrics), "rival": data.tags.get(PARENT_CHAMPION, "")}

    @contextmanager
    def _addressed(self) -> Iterator[Any]:
        """MLflow with its process-wide addresses set to ours, for calls that take no address."""
        import mlflow  # noqa: PLC0415

        previous = mlflow.get_tracking_uri(), mlflow.get_registry_uri()
        mlflow.set_tracking_uri(self.uri)
        mlflow.set_registry_uri(self.uri)
        try:
            yield mlflow
        finally:
            mlflow.set_tracking_uri(previous[0])
            mlflow.set_registry_uri(previous[1])

    def _example(self, bundle: AnyBundle) -> Any:
        """An input example for trying out the bundle; ``None`` if it has none."""
        import pandas as pd  # noqa: PLC0415  installed with MLflow

        if self._model.example is None:
            return None
        table = pd.DataFrame(self._model.example(bundle))
        if table.empty:  # MLflow would find no types in it
            return None
        return table.set_axis(table.columns.astype(object), axis=1)  # as MLflow compares them

    def _make_model(self) -> None:
        from mlflow.exceptions import MlflowException  # noqa: PLC0415

        try:
            self._client.create_registered_model(self._model.name, description=self._model.about)
        except MlflowException as reason:
            if reason.error_code != "RESOURCE_ALREADY_EXISTS":
                raise


def _signature(inputs: Mapping[str, str]) -> Any:
    from mlflow.models import ModelSignature  # noqa: PLC0415
    from mlflow.types import ColSpec, Schema  # noqa: PLC0415

    return ModelSignature(inputs=Schema([ColSpec(kind, name) for name, kind in inputs.items()]))


def log_bench(uri: str, report: Mapping[str, Any], *, plots: Mapping[str, Figure] | None = None) -> str:
    """Record one benchmark as one run, with a child run for each part and method; return the run's id.

    Parameters
    ----------
    uri
        MLflow's address.
    report
        Has kind, dataset, data_digest, version, and rows of part, method and figures.
    plots
        Plots to log with it, by name.
    """
    tracker = MlflowTracker(uri, DETECTORS_MODEL, experiment=BENCH_EXPERIMENT)
    kind, name = str(report["kind"]), str(report["dataset"])
    tags = {"kind": kind, "dataset": name, "version": str(report.get("version", ""))}
    with tracker.run(f"{kind}-{name}", tags) as run:
        run.log({"kind": kind, "dataset": name}, {})
        run.log_data(DataSet(name, name, str(report.get("data_digest", "")), {}))
        run.log_json("report.json", report)
        for row in report["rows"]:
            labels = {"part": str(row["part"]), "method": str(row["method"])}
            with run.child(f"{labels['part']}/{labels['method']}") as child:
                child.log(labels, {key: value for key, value in row.items() if key not in labels})
        for plot_name, plot in (plots or {}).items():
            run.log_plot(plot_name, plot)
        return run.id


@contextmanager
def _opened(client: Any, experiment_id: str, name: str, tags: Mapping[str, str]) -> Iterator[MlflowRun]:
    made = client.create_run(experiment_id, run_name=name, tags=dict(tags))
    run = MlflowRun(client, made.info.run_id, experiment_id)
    try:
        yield run
    except BaseException:
        client.set_terminated(run.id, "FAILED")
        raise
    client.set_terminated(run.id)


def _now_ms() -> int:
    return int(time.time() * 1000)
