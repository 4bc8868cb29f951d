"""The tracking interface: where a training records its run and registers its bundle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from models.artifacts.model_kinds import AnyBundle

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager

    from matplotlib.figure import Figure


@dataclass(frozen=True)
class DataSet:
    """The data of a run: its name, where it was read, and the digest of its content."""

    name: str
    source: str
    digest: str
    profile: Mapping[str, float | str]


class Run(Protocol):
    """One tracked run."""

    @property
    def id(self) -> str:
        """The run's id."""
        ...

    def child(self, name: str) -> AbstractContextManager[Run]:
        """Open a run below this one."""
        ...

    def log(self, params: Mapping[str, object], figures: Mapping[str, float]) -> None:
        """Record parameters and figures in one call; a figure that is not finite is left out."""
        ...

    def log_data(self, data: DataSet) -> None:
        """Record what the run learns from."""
        ...

    def log_plot(self, name: str, plot: Figure) -> None:
        """Record a plot."""
        ...


class Tracker(Protocol[AnyBundle]):
    """Storage of runs and bundles."""

    def run(self, name: str, tags: Mapping[str, str]) -> AbstractContextManager[Run]:
        """Open a run; it counts as failed if the block raises."""
        ...

    def register(self, run: Run, bundle: AnyBundle) -> str:
        """Register a bundle as a new version of the registered model, and return that version."""
        ...

    def champion(self) -> AnyBundle | None:
        """Return the bundle in use, or ``None`` if there is none that can be loaded."""
        ...

    def champion_version(self) -> str:
        """Return the version in use; empty if there is none."""
        ...

    def promote(self, version: str) -> None:
        """Make a version the champion."""
        ...

    def withdrawal_of(self, bundle: AnyBundle) -> str:
        """Say who withdrew this bundle, or one that learned from the same data; empty if nobody did."""
        ...
