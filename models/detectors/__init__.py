"""Detectors, which learn what is normal and score anomalies.

There are three kinds. The first stage scores every series at every tick (`models.detectors.first_stage`). The
detectors listed here score a service's feature row or a session's count vector and never change while
scoring. Windows of log lines have their own detector (`models.detectors.log_windows`).
"""

from __future__ import annotations

from models.detectors.histograms import HistogramDetector
from models.detectors.isolation_forest import IsolationForestDetector
from models.detectors.mad import MadDetector
from models.detectors.nearest_rows import NearestRowsDetector
from models.detectors.pca import PcaDetector
from models.detectors.rows import RowDetector
from models.detectors.sessions import SessionDetector
from models.detectors.top_scores import TopScoresDetector

DETECTORS: dict[str, type[RowDetector]] = {
    "top_scores": TopScoresDetector,
    "mad": MadDetector,
    "pca": PcaDetector,
    "isolation_forest": IsolationForestDetector,
    "nearest_rows": NearestRowsDetector,
    "histograms": HistogramDetector,
}
"""Every detector of feature rows, by its name in a bundle."""

SESSION_DETECTORS: dict[str, type[RowDetector]] = {
    "nearest_session": SessionDetector,
    "isolation_forest": IsolationForestDetector,
    "pca": PcaDetector,
}
"""Every detector of sessions' count vectors, by its name in a log bundle."""

__all__ = ["DETECTORS", "SESSION_DETECTORS", "RowDetector"]
