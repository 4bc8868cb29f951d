"""A bundle as an MLflow model: a table of samples in, a table of scores out.

MLflow finds this module by its name in the model's own file. The service does not use it: it reads the
bundle itself, type by type.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from features.alignment import aligned
from features.frame import frame_of
from models.artifacts.bundle import load_bundle
from models.detectors.first_stage import Status
from models.detectors.three_scores import score
from telemetry.batches import Samples

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from models.artifacts.bundle import Bundle


class BundleModel:
    """Scores a table of samples with a bundle, as the service does."""

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle

    def predict(self, model_input: pd.DataFrame) -> pd.DataFrame:
        """Score samples.

        Parameters
        ----------
        model_input
            Columns item, metric, time_ms and value; rows in any order.

        Returns
        -------
        Columns item, metric, time_ms (start of the tick), score, status, is_anomalous, severity and novelty
        (see `models.detectors.three_scores.ThreeScores`); one row for every tick of every series of the
        bundle. Each table is scored independently, so novelty begins after its first day. What is not known
        is ``None``, never NaN: that is no JSON, and strict clients refuse the answer.
        """
        import pandas as pd  # noqa: PLC0415  MLflow installs it, the service does not need it

        bundle = self.bundle
        columns = (model_input[name] for name in ("item", "metric", "time_ms", "value"))
        samples = Samples.from_rows(zip(*columns, strict=True))
        step_ms = bundle.step_ms
        start_ms = int(samples.time_ms.min()) // step_ms * step_ms if len(samples) else 0
        end_ms = int(samples.time_ms.max()) + 1 if len(samples) else 0
        frame = frame_of(samples, step_ms=step_ms, start_ms=start_ms, end_ms=end_ms)
        frame = aligned(frame, bundle.baseline.keys)
        _, scores = score(frame, bundle.baseline, bundle.clock_used)
        names = np.array([status.name.lower() for status in Status])
        onset = scores.onset
        n_ticks, n_series = onset.values.shape
        return pd.DataFrame(
            {
                "item": [key.item for key in frame.keys] * n_ticks,
                "metric": [key.metric for key in frame.keys] * n_ticks,
                "time_ms": np.repeat(frame.times_ms, n_series),
                "score": _without_nan(onset.values.ravel()),
                "status": names[onset.status.ravel()],
                "is_anomalous": onset.values.ravel() > bundle.threshold,
                "severity": _without_nan(scores.severity.ravel()),
                "novelty": _without_nan(scores.novelty.ravel()),
            }
        )


def _without_nan(values: NDArray[np.floating[Any]]) -> NDArray[np.object_]:
    """The values with ``None`` in place of what is not finite."""
    without = values.astype(object)
    without[~np.isfinite(values)] = None
    return without


def _load_pyfunc(data_path: str) -> BundleModel:
    """Load a bundle for MLflow, which calls this function by its name."""
    return BundleModel(load_bundle(Path(data_path)))
