"""A log bundle as an MLflow model: a table of log lines in, a table of scores out.

MLflow finds this module by its name in the model's own file. The service reads the bundle itself.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from features.logs.sums import sum_logs
from features.logs.traces import trace_vectors
from features.masking.log_lines import mask_logs
from features.masking.masker import Masker
from models.artifacts.log_bundle import load_log_bundle
from telemetry.logs import LogRecord, Logs

if TYPE_CHECKING:
    import pandas as pd

    from models.artifacts.log_bundle import LogBundle

COLUMNS = ("service", "severity", "logger", "time_ms", "body", "trace_id")


class LogBundleModel:
    """Scores tables of log lines with a log bundle; each table is scored independently."""

    def __init__(self, bundle: LogBundle) -> None:
        self.bundle = bundle

    def predict(self, model_input: pd.DataFrame) -> pd.DataFrame:
        """Score the windows of some log lines.

        Parameters
        ----------
        model_input
            Columns service, severity, logger, time_ms, body and trace_id; rows in any order.

        Returns
        -------
        Columns service, time_ms (start of the window), score and is_anomalous; one row for every window with
        lines and every service scored in it.
        """
        import pandas as pd  # noqa: PLC0415  MLflow installs it, the service does not need it

        rows = zip(*(model_input[name] for name in COLUMNS), strict=True)
        records = [
            LogRecord(str(service), str(severity), str(logger), int(time_ms), str(body), str(trace_id))
            for service, severity, logger, time_ms, body, trace_id in rows
        ]
        logs = mask_logs(Logs.from_records(sorted(records, key=lambda each: each.time_ms)), Masker())
        ids = self.bundle.miner().mine(logs)
        sums = sum_logs(logs, ids, step_ms=self.bundle.step_ms, n_examples=0)
        services, scores = self.bundle.scores(sums, traces=trace_vectors(logs, ids))
        window, service = np.nonzero(np.isfinite(scores))
        found = scores[window, service]
        return pd.DataFrame(
            {
                "service": [services[each] for each in service.tolist()],
                "time_ms": sums.counts.starts_ms[window],
                "score": found,
                "is_anomalous": found > self.bundle.threshold,
            }
        )


def _load_pyfunc(data_path: str) -> LogBundleModel:
    """Load a log bundle for MLflow, which calls this function by its name."""
    return LogBundleModel(load_log_bundle(Path(data_path)))
