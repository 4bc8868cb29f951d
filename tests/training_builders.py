"""Bundles, and a tracker that keeps everything in memory."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Generic

import numpy as np
from builders import a_frame

from features.calendar import CLOCKS
from features.service_rows import FEATURES
from models.artifacts.bundle import make_bundle
from models.artifacts.model_kinds import AnyBundle
from models.detectors import DETECTORS
from models.detectors.first_stage import fit_baseline

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from features.frame import Frame
    from models.artifacts.bundle import Bundle
    from models.detectors import RowDetector
    from training.tracker import DataSet, Run


def feature_rows(n_rows: int = 400, *, seed: int = 0) -> NDArray[np.float64]:
    """Build normal feature rows."""
    return np.random.default_rng(seed).normal(size=(n_rows, len(FEATURES)))


def a_detector(name: str) -> RowDetector:
    """Build a fitted detector, a small forest if it is one."""
    make = DETECTORS[name]
    return make(n_trees=3).fit(feature_rows()) if name == "isolation_forest" else make().fit(feature_rows())  # type: ignore[call-arg]


def a_bundle(
    items: Sequence[str] = ("order", "quotes"),
    *,
    detectors: Sequence[str] = ("mad",),
    threshold: float = 6.0,
    frame: Frame | None = None,
    note: str = "",
) -> Bundle:
    """Build a bundle fitted on a normal frame."""
    frame = a_frame(items) if frame is None else frame
    return make_bundle(
        clock="always",
        normal=frame,
        baseline=fit_baseline(frame, CLOCKS["always"]),
        threshold=threshold,
        detectors={name: a_detector(name) for name in detectors},
        row_thresholds=dict.fromkeys(detectors, 3.0),
        metadata={"note": note},
    )


@dataclass
class MemoryRun:
    """A run that remembers what was logged to it."""

    id: str
    children: dict[str, MemoryRun] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    params: dict[str, object] = field(default_factory=dict)
    figures: dict[str, float] = field(default_factory=dict)
    data: list[DataSet] = field(default_factory=list)
    plots: list[str] = field(default_factory=list)

    @contextmanager
    def child(self, name: str) -> Iterator[MemoryRun]:
        self.children[name] = MemoryRun(f"{self.id}/{name}")
        yield self.children[name]

    def log(self, params: Mapping[str, object], figures: Mapping[str, float]) -> None:
        self.params.update(params)
        self.figures.update(figures)

    def log_data(self, data: DataSet) -> None:
        self.data.append(data)

    def log_plot(self, name: str, plot: Figure) -> None:
        self.plots.append(name)


class MemoryTracker(Generic[AnyBundle]):
    """A tracker without MLflow."""

    def __init__(self, champion: AnyBundle | None = None) -> None:
        self.runs: list[MemoryRun] = []
        self.versions: list[AnyBundle] = []
        self._champion = champion
        self._champion_version = ""
        self.withdrawal = ""

    @contextmanager
    def run(self, name: str, tags: Mapping[str, str]) -> Iterator[MemoryRun]:
        self.runs.append(MemoryRun(name, tags=dict(tags)))
        yield self.runs[-1]

    def register(self, run: Run, bundle: AnyBundle) -> str:
        self.versions.append(bundle)
        return str(len(self.versions))

    def champion(self) -> AnyBundle | None:
        return self._champion

    def champion_version(self) -> str:
        return self._champion_version

    def withdrawal_of(self, bundle: AnyBundle) -> str:
        return self.withdrawal

    def promote(self, version: str) -> None:
        self._champion, self._champion_version = self.versions[int(version) - 1], version


def deaf(bundle: Bundle) -> Bundle:
    """Return the bundle with a threshold that nothing ever passes."""
    return replace(bundle, threshold=1e9)
