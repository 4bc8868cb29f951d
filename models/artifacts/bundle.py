"""The bundle: all that the service needs from a training, as data.

A directory of files in the format of `models.artifacts.bundle_files`, with library estimators that
`models.detectors.estimators` reads type by type.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from features.calendar import CLOCKS
from features.frame import Frame
from features.service_rows import FEATURES
from models.artifacts.bundle_files import (
    MANIFEST,
    arrays_from_bytes,
    arrays_to_bytes,
    digest_of_bytes,
    read_files,
    typed,
    with_manifest,
    write_files,
)
from models.detectors import DETECTORS
from models.detectors.baseline import Baseline
from models.detectors.estimators import dump_estimator, load_estimator
from models.detectors.rows import Parts
from models.paging.page_record import record_arrays, record_from_arrays
from telemetry.batches import SeriesKey

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from features.calendar import Clock
    from models.detectors import RowDetector
    from models.paging.page_record import PageRecord

SCHEMA_VERSION = 1
PAGES = "calm.npz"
"""File of the page record; its name is part of the format."""

SECOND_STAGE = "second_stage"
"""Key of a bundle's metadata for the detector of service rows that training chose."""

MAX_NORMAL_VALUES = 2**26
BASELINE_TYPES: dict[str, type[np.generic]] = {
    "profile": np.float32,
    "scale": np.float32,
    "deviation": np.float64,
    "mean": np.float64,
    "spread": np.float64,
    "n_seen": np.int64,
    "is_sparse": np.bool_,
}


@dataclass(frozen=True)
class Bundle:
    """What training saves and the service loads.

    Attributes
    ----------
    version
        Digest of the content: ``sha256:`` and 64 digits.
    step_ms
        Spacing of the ticks.
    clock
        Name of the clock in `features.calendar.CLOCKS`.
    normal
        Normal operation, bit for bit as observed: what a ranker compares an incident with.
    baseline
        What the first stage scores against.
    threshold
        First-stage score above which a series is anomalous.
    detectors
        Fitted detectors of service rows, by their name in `DETECTORS`.
    row_thresholds
        Score above which a service's row is anomalous, by detector.
    metadata
        When, from which data and by which code it was made, as text.
    pages
        False pages of a normal period, which turn page budgets into thresholds; ``None`` in a bundle saved
        before page counts existed.
    """

    version: str
    step_ms: int
    clock: str
    normal: Frame
    baseline: Baseline
    threshold: float
    detectors: Mapping[str, RowDetector]
    row_thresholds: Mapping[str, float]
    metadata: Mapping[str, str]
    pages: PageRecord | None = None

    @property
    def clock_used(self) -> Clock:
        """The clock named by ``clock``."""
        return CLOCKS[self.clock]


def normal_part(frame: Frame) -> Frame:
    """Return what a frame's roles are read from; only the latest ticks if it is very large."""
    columns = np.flatnonzero(frame.role_columns.is_read).tolist()
    n_ticks = min(frame.n_ticks, MAX_NORMAL_VALUES // max(1, len(columns)))
    first = frame.n_ticks - n_ticks
    values = frame.values[first:, columns].astype(np.float64)
    keys = tuple(frame.keys[column] for column in columns)
    return Frame(frame.start_ms + first * frame.step_ms, frame.step_ms, keys, values)


def make_bundle(
    *,
    clock: str,
    normal: Frame,
    baseline: Baseline,
    threshold: float,
    detectors: Mapping[str, RowDetector],
    row_thresholds: Mapping[str, float],
    metadata: Mapping[str, str],
    pages: PageRecord | None = None,
) -> Bundle:
    """Assemble a bundle and derive its version from its content."""
    exact = Frame(normal.start_ms, normal.step_ms, normal.keys, normal.values.astype(np.float64, copy=False))
    bundle = Bundle(
        "", baseline.step_ms, clock, exact, baseline, threshold, detectors, row_thresholds, metadata, pages
    )
    return replace(bundle, version=digest_of_bytes(bundle_files(bundle)[MANIFEST]))


def bundle_files(bundle: Bundle) -> dict[str, bytes]:
    """Return the files of a bundle by name; equal bundles give equal bytes."""
    baseline = {name: getattr(bundle.baseline, name) for name in BASELINE_TYPES}
    files = {
        "normal.npz": arrays_to_bytes({"values": bundle.normal.values}),
        "baseline.npz": arrays_to_bytes(baseline),
    }
    if bundle.pages is not None:
        files[PAGES] = arrays_to_bytes(record_arrays(bundle.pages))
    parts = {name: detector.parts() for name, detector in sorted(bundle.detectors.items())}
    for name, part in parts.items():
        files[f"{name}.npz"] = arrays_to_bytes(part.arrays)
        if part.estimator is not None:
            files[f"{name}.skops"] = dump_estimator(part.estimator)
    manifest = {
        "schema_version": SCHEMA_VERSION,
        "step_ms": bundle.step_ms,
        "clock": bundle.clock,
        "threshold": bundle.threshold,
        "row_thresholds": dict(bundle.row_thresholds),
        "metadata": dict(bundle.metadata),
        "normal": {"start_ms": bundle.normal.start_ms, "keys": bundle.normal.keys},
        "baseline": {"keys": bundle.baseline.keys},
        "detectors": {name: dict(part.params) for name, part in parts.items()},
    }
    return with_manifest(files, manifest)


def save_bundle(bundle: Bundle, directory: Path) -> None:
    """Write a bundle's files into a directory, which is created if necessary."""
    write_files(bundle_files(bundle), directory)


def load_bundle(directory: Path) -> Bundle:
    """Read a bundle; every file must match its digest in the manifest.

    Raises
    ------
    BadBundleError
        If it is damaged, has an unknown layout, or contains more than data.
    """
    return read_files(
        directory, lambda manifest, files, version: _decode(manifest, files, version, str(directory))
    )


def _decode(manifest: dict[str, Any], files: Mapping[str, bytes], version: str, source: str) -> Bundle:
    if manifest["schema_version"] != SCHEMA_VERSION:
        raise ValueError(f"its layout {manifest['schema_version']!r} is unknown")
    step_ms = int(manifest["step_ms"])
    clock = str(manifest["clock"])
    if clock not in CLOCKS:
        raise ValueError(f"its clock {clock!r} is unknown")
    normal = Frame(
        int(manifest["normal"]["start_ms"]),
        step_ms,
        _keys(manifest["normal"]["keys"]),
        typed(arrays_from_bytes(files["normal.npz"])["values"], np.float64),
    )
    stored = arrays_from_bytes(files["baseline.npz"])
    arrays: dict[str, Any] = {name: typed(stored[name], kind) for name, kind in BASELINE_TYPES.items()}
    baseline = Baseline(keys=_keys(manifest["baseline"]["keys"]), step_ms=step_ms, **arrays)
    _check_shapes(baseline, CLOCKS[clock].n_slots)
    thresholds = {str(name): float(each) for name, each in manifest["row_thresholds"].items()}
    threshold = float(manifest["threshold"])
    if not np.isfinite([threshold, *thresholds.values()]).all():
        raise ValueError("a threshold is not finite")
    detectors = {}
    for name, params in manifest["detectors"].items():
        if name not in DETECTORS:
            raise ValueError(f"its detector {name!r} is unknown")
        estimator = files.get(f"{name}.skops")
        fitted = None if estimator is None else load_estimator(estimator, source)
        detectors[name] = DETECTORS[name].from_parts(
            Parts(params, arrays_from_bytes(files[f"{name}.npz"]), fitted)
        )
        detectors[name].score(
            np.zeros((1, len(FEATURES)))
        )  # a detector of other rows fails here, not in the service
    metadata = {str(name): str(text) for name, text in manifest["metadata"].items()}
    pages = (
        record_from_arrays(arrays_from_bytes(files[PAGES]), len(baseline.keys)) if PAGES in files else None
    )
    return Bundle(
        version, step_ms, clock, normal, baseline, threshold, detectors, thresholds, metadata, pages
    )


def _check_shapes(baseline: Baseline, n_slots: int) -> None:
    n_series = len(baseline.keys)
    for each in fields(baseline):
        if each.name in BASELINE_TYPES:
            array = getattr(baseline, each.name)
            wanted = (n_slots, n_series) if each.name in {"profile", "scale"} else (n_series,)
            if array.shape != wanted:
                raise ValueError(f"{each.name} has shape {array.shape}, not {wanted}")
            if not np.isfinite(array).all():
                raise ValueError(f"{each.name} is not finite throughout")


def _keys(pairs: Sequence[Sequence[str]]) -> tuple[SeriesKey, ...]:
    return tuple(SeriesKey(str(item), str(metric)) for item, metric in pairs)
