"""The commands that measure the cost of large systems."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

from experiments.performance.series_flood import flood
from experiments.performance.train_speed import synthetic_series
from experiments.performance.webhook_speed import StillClock
from service.app import create_app
from service.model_registry.refresher import NoSource
from service.model_registry.sources import Sources
from service.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 3, 5, 12, tzinfo=UTC)


def test_samples_over_the_limit_are_counted_in_every_minute(tmp_path: Path) -> None:
    settings = Settings.model_validate({"data_dir": tmp_path, "max_series": 5})
    app = create_app(settings, sources=Sources(NoSource), clock=StillClock(NOW))
    now_ms = int(NOW.timestamp() * 1000)
    rounds = asyncio.run(flood(app, 20, [now_ms - 60_000, now_ms]))
    assert [(each.n_accepted, each.n_over_limit) for each in rounds] == [(20, 15), (20, 15)]


def test_synthetic_series_are_normal_and_complete() -> None:
    frame = synthetic_series(6, 1)
    assert frame.values.shape == (1440, 6)
    assert (frame.values > 0).all()
    means = frame.values.mean(axis=0)
    np.testing.assert_allclose(means[[0, 1, 4, 5]], [200.0, 0.1, 200.0, 0.1], rtol=0.02)
