"""Where each alias's bundle comes from: by default MLflow's registry."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from models.artifacts.mlflow_names import CHALLENGER
from models.artifacts.model_kinds import DETECTORS_MODEL, LOGS_MODEL, RANKER_MODEL
from service.data_directory import BUNDLES, LOG_BUNDLES, RANKERS
from service.model_registry.refresher import NoSource
from service.shadow.record import SHADOW

if TYPE_CHECKING:
    from collections.abc import Callable

    from models.artifacts.bundle import Bundle
    from models.artifacts.log_bundle import LogBundle
    from models.artifacts.ranker_bundle import RankerBundle
    from service.model_registry.refresher import BundleSource
    from service.outgoing import Outgoing
    from service.settings import Settings


@dataclass(frozen=True)
class Sources:
    """Factories of the sources of each champion and of the challenger; called in the background."""

    detectors: Callable[[], BundleSource[Bundle]]
    ranker: Callable[[], BundleSource[RankerBundle]] = NoSource
    logs: Callable[[], BundleSource[LogBundle]] = NoSource
    challenger: Callable[[], BundleSource[Bundle]] = NoSource


def registry_sources(settings: Settings, outgoing: Outgoing) -> Sources:
    """Return sources that read MLflow's registry.

    MLflow is imported only when a source is made, because that takes a second.

    Parameters
    ----------
    outgoing
        Checks where the registry says that bundles are.
    """

    def detectors() -> BundleSource[Bundle]:
        from service.model_registry.mlflow_source import ModelSource  # noqa: PLC0415

        model = replace(DETECTORS_MODEL, name=settings.model_name)
        return ModelSource(settings.mlflow_uri, model, settings.data_dir / BUNDLES, check=outgoing.check)

    def ranker() -> BundleSource[RankerBundle]:
        from service.model_registry.mlflow_source import ModelSource  # noqa: PLC0415

        return ModelSource(
            settings.mlflow_uri, RANKER_MODEL, settings.data_dir / RANKERS, check=outgoing.check
        )

    def logs() -> BundleSource[LogBundle]:
        from service.model_registry.mlflow_source import ModelSource  # noqa: PLC0415

        return ModelSource(
            settings.mlflow_uri, LOGS_MODEL, settings.data_dir / LOG_BUNDLES, check=outgoing.check
        )

    def challenger() -> BundleSource[Bundle]:
        from service.model_registry.mlflow_source import ModelSource  # noqa: PLC0415

        model = replace(DETECTORS_MODEL, name=settings.model_name)
        cache = settings.data_dir / SHADOW / BUNDLES
        return ModelSource(settings.mlflow_uri, model, cache, alias=CHALLENGER, check=outgoing.check)

    return Sources(detectors, ranker, logs, challenger)
