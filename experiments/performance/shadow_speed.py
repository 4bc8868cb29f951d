"""The cost of a challenger in shadow, compared with the champion.

Question: how much processor time and memory does scoring in shadow add to every tick?
Data: synthetic, the normal series of `experiments.performance.train_speed`, four signals per item, no graph;
the challenger is the champion under another name, so both do the same work; seed 0. Metric: nanoseconds of
processor time per point for the champion's scoring and paging, and for everything the shadow adds, median of
sixty ticks; memory traced when the shadow starts.
Result: docs/training.md, "The challenger in shadow".
Run: ``python -m experiments.performance.shadow_speed``.
"""

from __future__ import annotations

import time
import tracemalloc
from dataclasses import replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click
import numpy as np

from cmdb.graph import DependencyGraph
from experiments.performance.train_speed import MINUTE_MS, synthetic_series
from features.calendar import CLOCKS
from models.artifacts.bundle import make_bundle, normal_part
from models.detectors.baseline import fit_baseline
from models.detectors.three_scores import initial_memory, step
from models.paging.normal_period_scores import normal_period_scores
from models.paging.page_record import GRID, PageRecord
from service.clock import SystemClock
from service.paging.pager import Paging
from service.scoring.tick import ScoredTick
from service.settings import Present, Settings
from service.shadow.runner import Shadow
from service.signals.room import signals_room
from telemetry.batches import Samples
from telemetry.history import History

if TYPE_CHECKING:
    from models.artifacts.bundle import Bundle

N_TICKS = 60


def a_bundle(n_series: int) -> Bundle:
    """Fit a bundle on a synthetic day, with thresholds that normal ticks hardly ever pass."""
    frame, clock = synthetic_series(n_series, 1), CLOCKS["always"]
    pages = np.repeat(np.arange(len(GRID), 0, -1, dtype=np.int32)[:, None], n_series, axis=1)
    nothing = normal_period_scores(frame, np.full(n_series, np.inf))
    normal = replace(nothing, weeks=np.full(n_series, 52.0))
    return make_bundle(
        clock="always",
        normal=normal_part(frame.between(frame.start_ms, frame.start_ms + 60 * MINUTE_MS)),
        baseline=fit_baseline(frame, clock),
        threshold=6.0,
        detectors={},
        row_thresholds={},
        metadata={},
        pages=PageRecord(GRID, pages, normal, normal),
    )


def measured(n_series: int, directory: Path) -> tuple[float, float, float]:
    """Nanoseconds per point of the champion and of the shadow, and bytes per series of the shadow."""
    bundle, clock = a_bundle(n_series), CLOCKS["always"]
    settings = Settings.model_validate({"data_dir": directory, "present": Present.SIGNALS})
    with History(directory / "history") as history:
        signals = signals_room(settings, history, SystemClock())
        signals.holder.adopt(bundle)
        frame = synthetic_series(n_series, 1, seed=1)
        window = signals.in_use.window
        for tick in range(N_TICKS + 1):
            times_ms = np.full(n_series, frame.times_ms[tick])
            window.add(Samples(frame.keys, np.arange(n_series, dtype=np.int32), times_ms, frame.values[tick]))
        graph = DependencyGraph()
        paging = Paging(
            settings,
            signals,
            graph=lambda: graph,
            maintenance=lambda _: (),
            notify=lambda _: None,
            path=directory / "paging.state",
        )
        shadow = Shadow(
            settings,
            signals,
            paging,
            graph=lambda: graph,
            maintenance=lambda _: (),
            directory=directory / "shadow",
        )
        shadow.adopt(replace(bundle, version="another"))
        memory, grown = initial_memory(bundle.baseline, clock), 0
        champion_ns, shadow_ns = list[int](), list[int]()
        for tick in range(N_TICKS + 1):
            tick_ms = int(frame.times_ms[tick])
            begun = time.process_time_ns()
            values = window.row(tick_ms // MINUTE_MS, bundle.baseline.keys)
            memory, scores = step(memory, tick_ms, values, bundle.baseline, clock)
            closed = ScoredTick(bundle, clock, window, tick_ms, values, memory, scores)
            paging.process(closed)
            between = time.process_time_ns()
            if not tick:
                tracemalloc.start()
            shadow.process(closed)
            if not tick:
                grown = tracemalloc.get_traced_memory()[0]
                tracemalloc.stop()
                continue
            champion_ns.append(between - begun)
            shadow_ns.append(time.process_time_ns() - between)
    if shadow.record is None or shadow.record.n_ticks != N_TICKS:
        raise RuntimeError(f"the shadow did not process every tick: {shadow.reason}")
    return median(champion_ns) / n_series, median(shadow_ns) / n_series, grown / n_series


@click.command()
@click.option("--series", multiple=True, type=click.IntRange(4), default=(1_000, 10_000, 100_000))
def main(series: tuple[int, ...]) -> None:
    """Print one row for each number of series."""
    click.echo("| series | champion, ns per point | shadow, ns per point | shadow, bytes per series |")
    click.echo("| --- | --- | --- | --- |")
    for n_series in series:
        with TemporaryDirectory() as directory:
            champion_ns, shadow_ns, size = measured(n_series, Path(directory))
        click.echo(f"| {n_series} | {champion_ns:.0f} | {shadow_ns:.0f} | {size:.0f} |")


if __name__ == "__main__":
    main()
