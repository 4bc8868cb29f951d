"""History read from a real Prometheus is what that Prometheus sends: the same series and values."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import numpy as np
import pytest
from e2e.test_prometheus import STEP_MS, a_service_fed_by_prometheus

from sunspot.prometheus_source import PrometheusOptions, frame_from_prometheus
from training.datasets import frame_from_history
from training.progress import silent

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from features.frame import Frame
    from telemetry.batches import SeriesKey

N_SCRAPES = 35

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(180),
    pytest.mark.skipif(not shutil.which("prometheus"), reason="needs Debian's prometheus"),
]


def test_what_is_read_is_what_was_pushed(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with a_service_fed_by_prometheus(tmp_path, data, n_scrapes=N_SCRAPES) as address:
        options = PrometheusOptions(url=address, days=0.005)
        read, notes = frame_from_prometheus(options, data, step_ms=STEP_MS, progress=silent)
    pushed = frame_from_history(data / "history", step_ms=STEP_MS)
    assert not any("left out" in each or "warns" in each for each in notes)
    assert {key.item for key in read.keys} == {"prometheus"}
    start_ms = max(read.start_ms, pushed.start_ms) + 2 * STEP_MS  # the first tick may be a part
    end_ms = min(read.end_ms, pushed.end_ms) - STEP_MS
    found, sent = (values_of(frame.between(start_ms, end_ms)) for frame in (read, pushed))
    assert all(key.metric.startswith("go_") for key in found.keys() - sent.keys()), "the snippet drops these"
    assert not sent.keys() - found.keys()
    assert len(sent) > 150
    differ = {
        key: (found[key], values)
        for key, values in sent.items()
        if not np.allclose(found[key], values, rtol=1e-9, equal_nan=True)
    }
    assert not differ


def values_of(frame: Frame) -> dict[SeriesKey, NDArray[np.floating]]:
    """Values by series, of those that have any."""
    columns = zip(frame.keys, frame.values.T, strict=True)
    return {key: values for key, values in columns if np.isfinite(values).any()}
