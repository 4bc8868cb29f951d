"""The registered models: their names, and how their bundles are written and read."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import isfinite
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

import numpy as np

from models.artifacts.bundle import Bundle, load_bundle, save_bundle
from models.artifacts.log_bundle import LogBundle, load_log_bundle, save_log_bundle
from models.artifacts.mlflow_names import LOG_MODEL_NAME, MODEL_NAME, RANKER_MODEL_NAME
from models.artifacts.ranker_bundle import RankerBundle, load_ranker_bundle, save_ranker_bundle

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path


class Versioned(Protocol):
    """The attributes that every bundle has."""

    @property
    def version(self) -> str:
        """Digest of its content."""
        ...

    @property
    def metadata(self) -> Mapping[str, str]:
        """When, from which data and by which code it was made."""
        ...


AnyBundle = TypeVar("AnyBundle", bound=Versioned)


@dataclass(frozen=True)
class RegisteredModel(Generic[AnyBundle]):
    """A registered model.

    Attributes
    ----------
    name
        Its name in the registry.
    about
        One line for people who browse the registry.
    save, load
        Functions that write a bundle's files into a directory and read them.
    loader_module
        Module with which MLflow loads it outside Sunspot's service.
    inputs
        Columns of its input table there, with MLflow's names of their types.
    example
        Such a table, by column, of data that a bundle learned from; ``None`` if bundles store no data.
    """

    name: str
    about: str
    save: Callable[[AnyBundle, Path], None]
    load: Callable[[Path], AnyBundle]
    loader_module: str
    inputs: Mapping[str, str]
    example: Callable[[AnyBundle], Mapping[str, Sequence[object]]] | None = None


DETECTOR_INPUTS = {"item": "string", "metric": "string", "time_ms": "long", "value": "double"}
EXAMPLE_TICKS, EXAMPLE_SERIES = 120, 4


def latest_samples(bundle: Bundle) -> dict[str, list[object]]:
    """Return the latest samples of a few series that a bundle learned from, as a table."""
    normal = bundle.normal
    first = max(0, normal.n_ticks - EXAMPLE_TICKS)
    rows = [
        (key.item, key.metric, normal.start_ms + tick * normal.step_ms, float(normal.values[tick, column]))
        for tick in range(first, normal.n_ticks)
        for column, key in enumerate(normal.keys[:EXAMPLE_SERIES])
    ]
    seen = [row for row in rows if isfinite(row[3])]
    return {name: [row[place] for row in seen] for place, name in enumerate(DETECTOR_INPUTS)}


DETECTORS_MODEL: RegisteredModel[Bundle] = RegisteredModel(
    MODEL_NAME,
    "Sunspot's detectors, as bundles",
    save_bundle,
    load_bundle,
    "models.artifacts.detector_pyfunc",
    DETECTOR_INPUTS,
    latest_samples,
)

LOG_INPUTS = {
    "service": "string",
    "severity": "string",
    "logger": "string",
    "time_ms": "long",
    "body": "string",
    "trace_id": "string",
}
EXAMPLE_WINDOWS, EXAMPLE_LINES = 3, 100


def usual_lines(bundle: LogBundle) -> dict[str, list[object]]:
    """Return a line of each template in the latest windows that a bundle learned from, as a table."""
    counts = bundle.normal.counts
    trees = bundle.miner().trees
    rows: list[tuple[object, ...]] = []
    for window in range(max(0, len(counts.starts_ms) - EXAMPLE_WINDOWS), len(counts.starts_ms)):
        time_ms = int(counts.starts_ms[window])
        for column in np.flatnonzero(counts.counts[window]).tolist():
            kind = counts.kinds[column]
            tree = trees.get(kind.service)
            template = None if tree is None else tree.templates.get(kind.template)
            if template is not None:
                rows.append((kind.service, kind.severity, template.logger, time_ms, template.text, ""))
    return {name: [row[place] for row in rows[-EXAMPLE_LINES:]] for place, name in enumerate(LOG_INPUTS)}


LOGS_MODEL: RegisteredModel[LogBundle] = RegisteredModel(
    LOG_MODEL_NAME,
    "What services usually log, and what is unusual, as bundles",
    save_log_bundle,
    load_log_bundle,
    "models.artifacts.log_pyfunc",
    LOG_INPUTS,
    usual_lines,
)

RANKER_MODEL: RegisteredModel[RankerBundle] = RegisteredModel(
    RANKER_MODEL_NAME,
    "How evidence for a cause is weighed, as bundles",
    save_ranker_bundle,
    load_ranker_bundle,
    "models.artifacts.ranker_pyfunc",
    {"case": "string", "item": "string", "meaning": "string", "surprise": "double"},
)

REGISTERED_MODELS: dict[str, RegisteredModel[Any]] = {
    each.name: each for each in (DETECTORS_MODEL, LOGS_MODEL, RANKER_MODEL)
}


def registered_model(name: str) -> RegisteredModel[Any]:
    """Return the registered model of a name; detectors of one scope are called ``sunspot-detectors-SCOPE``.

    Raises
    ------
    KeyError
        If no registered model has that name.

    Examples
    --------
    >>> registered_model("sunspot-detectors-trading").loader_module
    'models.artifacts.detector_pyfunc'
    """
    if name.startswith(f"{MODEL_NAME}-"):
        return replace(DETECTORS_MODEL, name=name)
    return REGISTERED_MODELS[name]
