"""The cost of a training on many series, step by step.

Question: does a training of 10,000 series of seven days at a minute end within 5 minutes and 6 GB on 2 cores?
Data: synthetic, four signals per item with a daily wave and 5 % noise, first written to a service's history
by another process; seed 0. Metric: wall-clock and processor seconds since reading started, and peak memory,
separately for the worker processes. Result: docs/training.md, "Cost".
Run: ``python -m experiments.performance.train_speed`` (10,000 series), with ``--series`` for others.
"""

from __future__ import annotations

import resource
import time
from multiprocessing import active_children, get_context
from pathlib import Path
from tempfile import TemporaryDirectory

import click
import numpy as np

from features.frame import Frame
from models.artifacts.model_kinds import DETECTORS_MODEL
from telemetry.batches import Samples, SeriesKey
from telemetry.history import History
from training.datasets import frame_from_history
from training.fit_detectors import FitConfig, fit_detectors
from training.tracking import MlflowTracker, tracking_uri_for

MINUTE_MS, DAY_MINUTES = 60_000, 1440
SAMPLES_A_BATCH = 1_000_000
START_MS = 1_772_668_800_000  # 2026-03-05T00:00Z
LEVELS = {"requests": 200.0, "latency_s": 0.1, "error_ratio": 0.01, "cpu_ratio": 0.4}


def synthetic_series(n_series: int, n_days: int, *, seed: int = 0) -> Frame:
    """Normal series at one minute, each with a daily wave at its own phase."""
    rng = np.random.default_rng(seed)
    metrics = list(LEVELS)
    keys = tuple(
        SeriesKey(f"service-{index // len(metrics):05d}", metrics[index % len(metrics)])
        for index in range(n_series)
    )
    turn = 2 * np.pi * np.arange(n_days * DAY_MINUTES) / DAY_MINUTES
    values = np.empty((len(turn), n_series))
    for column, key in enumerate(keys):
        wave = 1 + 0.3 * np.sin(turn + rng.uniform(0, 2 * np.pi))
        values[:, column] = LEVELS[key.metric] * wave * (1 + 0.05 * rng.standard_normal(len(turn)))
    return Frame(START_MS, MINUTE_MS, keys, values)


def write_history(directory: Path, n_series: int, n_days: int) -> None:
    """Store synthetic series as the service would have stored them, minute by minute."""
    frame = synthetic_series(n_series, n_days)
    n_ticks = max(1, SAMPLES_A_BATCH // n_series)
    with History(directory) as history:
        for first in range(0, frame.n_ticks, n_ticks):
            values = frame.values[first : first + n_ticks].ravel().astype(np.float64, copy=False)
            times_ms = frame.times_ms[first : first + n_ticks]
            series = np.tile(np.arange(n_series, dtype=np.int32), len(times_ms))
            history.append(Samples(frame.keys, series, np.repeat(times_ms, n_series), values))
        history.seal()


class StepTimes:
    """Progress that prints the cost of each step when the next one starts."""

    def __init__(self) -> None:
        self._doing = ""
        self._beside_gb = 0.0
        self._started = time.monotonic()
        self._started_cpu_s = _cpu_s()

    def __call__(self, doing: str, _share: float | None = None, /) -> None:
        """Record a step."""
        self._beside_gb = max(self._beside_gb, sum(_high_water_gb(each.pid) for each in active_children()))
        if doing == self._doing:
            return
        if self._doing:
            wall_s, cpu_s = time.monotonic() - self._started, _cpu_s() - self._started_cpu_s
            peak_gb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
            click.echo(
                f"| {self._doing} | {wall_s:.0f} | {cpu_s:.0f} | {peak_gb:.1f} | {self._beside_gb:.1f} |"
            )
            self._beside_gb = 0.0
        self._doing = doing


def _cpu_s() -> float:
    """Processor time of this process and its finished children."""
    used = [resource.getrusage(each) for each in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def _high_water_gb(process: int | None) -> float:
    """Peak memory of another process; its ``ru_maxrss`` would include its parent's memory at its start."""
    status = Path(f"/proc/{process}/status")
    lines = status.read_text().splitlines() if status.is_file() else []
    return sum(float(line.split()[1]) * 1024 / 1e9 for line in lines if line.startswith("VmHWM:"))


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--series", "n_series", type=click.IntRange(1), default=10_000, show_default=True)
@click.option("--days", "n_days", type=click.IntRange(1), default=7, show_default=True)
def command(n_series: int, n_days: int) -> None:
    """Train on synthetic series, and print seconds and memory at the end of each step."""
    with TemporaryDirectory() as folder:
        history = Path(folder) / "history"
        writer = get_context("spawn").Process(target=write_history, args=(history, n_series, n_days))
        writer.start()
        writer.join()
        size_gb = sum(each.stat().st_size for each in history.rglob("*") if each.is_file()) / 1e9
        n_points = n_series * n_days * DAY_MINUTES
        click.echo(f"{n_points / 1e6:.1f} million points, {size_gb:.1f} GB on disk\n")
        click.echo("| step | wall s | processor s | peak GB | beside it |\n| --- | --- | --- | --- | --- |")
        progress = StepTimes()
        progress("reading history")
        frame = frame_from_history(history, step_ms=MINUTE_MS)
        tracker = MlflowTracker(tracking_uri_for(Path(folder)), DETECTORS_MODEL)
        config = FitConfig(data_name="made-up", clock="always")
        outcome = fit_detectors(
            config, frame, tracker, checkpoints=Path(folder) / "checkpoints", progress=progress
        )
        progress("the end")
    click.echo(f"\nversion {outcome.version or 'none'}, champion: {outcome.reason}")


if __name__ == "__main__":
    command()
