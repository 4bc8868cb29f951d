"""The log bundle: all that the service needs from a training on log lines, as data."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from features.logs.rows import LogPast, log_rows
from features.logs.sessions import Vocabulary
from features.logs.templates import TemplateMiner
from features.logs.traces import TraceSignature
from features.logs.waits import wait_reference
from features.logs.windows import log_reference
from models.artifacts.bundle_files import (
    MANIFEST,
    arrays_from_bytes,
    arrays_to_bytes,
    digest_of_bytes,
    read_files,
    with_manifest,
    write_files,
)
from models.artifacts.log_sums_files import sums_from_parts, sums_parts
from models.detectors import SESSION_DETECTORS
from models.detectors.estimators import dump_estimator, load_estimator
from models.detectors.log_windows import LogWindowDetector, persistent
from models.detectors.rows import Parts
from models.session_model import SessionModel

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from features.logs.sums import LogSums
    from features.logs.traces import TraceVectors

SCHEMA_VERSION = 1
KIND = "logs"


@dataclass(frozen=True)
class LogBundle:
    """What training on log lines saves and the service loads.

    Attributes
    ----------
    version
        Digest of the content: ``sha256:`` and 64 digits.
    miner_state
        The result of `features.logs.templates.TemplateMiner.state`.
    normal
        Sums of normal operation, thinned to a few megabytes, for comparison with live windows and cases.
    signatures
        The signature of every trace and service of normal operation.
    detector
        How surprising a window is, in its service's own past.
    threshold
        A service is anomalous when two of three consecutive windows score above it.
    sessions
        The model that finds abnormal traces; ``None`` where lines have no trace id.
    metadata
        When, from which data and by which code it was made, as text.
    """

    version: str
    miner_state: Mapping[str, Any]
    normal: LogSums
    signatures: Collection[TraceSignature]
    detector: LogWindowDetector
    threshold: float
    sessions: SessionModel | None
    metadata: Mapping[str, str]

    @property
    def step_ms(self) -> int:
        """Length of its windows."""
        return self.normal.counts.step_ms

    @cached_property
    def past(self) -> LogPast:
        """All that windows are compared with; its ``reference`` is what services usually log."""
        return LogPast(
            log_reference(self.normal.counts), wait_reference(self.normal.gaps), frozenset(self.signatures)
        )

    def miner(self) -> TemplateMiner:
        """Return a new miner that continues where training stopped."""
        return TemplateMiner.from_state(self.miner_state)

    def scores(
        self,
        sums: LogSums,
        *,
        traces: TraceVectors | None = None,
        changes_ms: Mapping[str, Sequence[int]] | None = None,
    ) -> tuple[tuple[str, ...], NDArray[np.float64]]:
        """Scores of some windows, to be compared with ``threshold``.

        Parameters
        ----------
        sums, traces, changes_ms
            As for `features.logs.rows.log_rows`.

        Returns
        -------
        The services, and shape ``(n_windows, n_services)``: the second largest surprise of the last three
        windows; ``nan`` where a service was not scored in two of the three.
        """
        rows = log_rows(sums, self.past, traces=traces, changes_ms=changes_ms)
        return rows.services, persistent(self.detector.score(rows), rows.starts_ms, step_ms=self.step_ms)


def make_log_bundle(
    *,
    miner_state: Mapping[str, Any],
    normal: LogSums,
    signatures: Collection[TraceSignature],
    detector: LogWindowDetector,
    threshold: float,
    sessions: SessionModel | None,
    metadata: Mapping[str, str],
) -> LogBundle:
    """Assemble a log bundle and derive its version from its content."""
    bundle = LogBundle("", miner_state, normal, signatures, detector, threshold, sessions, metadata)
    return replace(bundle, version=digest_of_bytes(log_bundle_files(bundle)[MANIFEST]))


def log_bundle_files(bundle: LogBundle) -> dict[str, bytes]:
    """Return the files of a log bundle by name; equal bundles give equal bytes."""
    names, numbers = sums_parts(bundle.normal)
    windows = bundle.detector.parts()
    files = {
        "normal.npz": arrays_to_bytes(numbers),
        "miner.json": json.dumps(bundle.miner_state).encode(),
        "windows.npz": arrays_to_bytes(windows.arrays),
    }
    manifest = {
        "schema_version": SCHEMA_VERSION,
        "kind": KIND,
        "normal": names,
        "said": sorted(bundle.signatures),
        "windows": {"params": dict(windows.params), "services": bundle.detector.services_},
        "threshold": bundle.threshold,
        "metadata": dict(bundle.metadata),
    }
    if bundle.sessions is not None:
        parts = bundle.sessions.detector.parts()
        files["sessions.npz"] = arrays_to_bytes(parts.arrays)
        if parts.estimator is not None:
            files["sessions.skops"] = dump_estimator(parts.estimator)
        manifest["sessions"] = {
            "detector": bundle.sessions.name,
            "params": dict(parts.params),
            "threshold": bundle.sessions.threshold,
            "kinds": bundle.sessions.vocabulary.kinds,
        }
    return with_manifest(files, manifest)


def save_log_bundle(bundle: LogBundle, directory: Path) -> None:
    """Write a log bundle's files into a directory, which is created if necessary."""
    write_files(log_bundle_files(bundle), directory)


def load_log_bundle(directory: Path) -> LogBundle:
    """Read a log bundle; every file must match its digest in the manifest.

    Raises
    ------
    BadBundleError
        If it is damaged, has an unknown layout, or contains more than data.
    """
    return read_files(
        directory, lambda manifest, files, version: _decode(manifest, files, version, str(directory))
    )


def _decode(manifest: dict[str, Any], files: dict[str, bytes], version: str, source: str) -> LogBundle:
    if (manifest["schema_version"], manifest.get("kind")) != (SCHEMA_VERSION, KIND):
        raise ValueError(f"it is not a log bundle of layout {SCHEMA_VERSION}")
    state = json.loads(files["miner.json"])
    TemplateMiner.from_state(state)  # a damaged state fails here, not in the service
    windows = manifest["windows"]
    detector = LogWindowDetector.from_parts(
        Parts(windows["params"], arrays_from_bytes(files["windows.npz"])), list(map(str, windows["services"]))
    )
    return LogBundle(
        version,
        state,
        sums_from_parts(manifest["normal"], arrays_from_bytes(files["normal.npz"])),
        frozenset(TraceSignature(str(service), str(vector)) for service, vector in manifest["said"]),
        detector,
        _finite(manifest["threshold"]),
        _session_model(manifest["sessions"], files, source) if "sessions" in manifest else None,
        {str(name): str(text) for name, text in manifest["metadata"].items()},
    )


def _session_model(document: dict[str, Any], files: dict[str, bytes], source: str) -> SessionModel:
    name = str(document["detector"])
    if name not in SESSION_DETECTORS:
        raise ValueError(f"its detector {name!r} is unknown")
    estimator = files.get("sessions.skops")
    fitted = None if estimator is None else load_estimator(estimator, source)
    parts = Parts(document["params"], arrays_from_bytes(files["sessions.npz"]), fitted)
    vocabulary = Vocabulary(tuple(map(str, document["kinds"])))
    detector = SESSION_DETECTORS[name].from_parts(parts)
    model = SessionModel(name, detector, _finite(document["threshold"]), vocabulary)
    model.score([()])  # arrays of wrong shapes fail here, not in the service
    return model


def _finite(value: object) -> float:
    number = float(str(value))
    if not np.isfinite(number):
        raise ValueError(f"a threshold is {number}, which is not finite")
    return number
