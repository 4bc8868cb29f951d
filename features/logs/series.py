"""Log features as ordinary series, which the metric detectors learn and score."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from features.logs.windows import log_features, log_reference
from telemetry.batches import Samples

if TYPE_CHECKING:
    from features.logs.counts import LogCounts
    from features.logs.windows import LogReference

SERIES: Final = ("log_rate", "log_warn_share", "log_error_share", "log_shift")
"""Metrics of a service, as `features.logs.windows.log_features` defines them."""


def log_series(windows: LogCounts, reference: LogReference | None = None) -> Samples:
    """The series of some windows, a sample at the start of each.

    A service of the reference that logged nothing has a rate of 0. Shares are left out where nothing was
    logged; the shift also where there is too little to compare with.
    """
    services, features = log_features(windows, reference or log_reference(windows.of_kinds(())))
    rows = [
        (service, name, start, float(features[name][window, column]))
        for window, start in enumerate(windows.starts_ms.tolist())
        for column, service in enumerate(services)
        for name in SERIES
        if np.isfinite(features[name][window, column])
    ]
    return Samples.from_rows(rows)
