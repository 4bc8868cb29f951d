"""What is learned to tell an anomaly from normal.

Two kinds: the first stage scores every series at every tick (`models.detectors.first_stage`); the
detectors listed here score a service's feature row, and never change while they do.
"""

from __future__ import annotations

from models.detectors.isolation_forest import IsolationForestDetector
from models.detectors.mad import MadDetector
from models.detectors.rows import RowDetector

DETECTORS: dict[str, type[RowDetector]] = {
    "mad": MadDetector,
    "isolation_forest": IsolationForestDetector,
}
"""Every detector of feature rows, by the name a bundle knows it by."""

__all__ = ["DETECTORS", "RowDetector"]
