"""The cost of a point, by the number of series scored on one clock.

Data: synthetic, a level with noise, without repeated values in a series, because repeats cost novelty less.
Every series has two days of history. A tick is one call of the service's scan; slots of five minutes end
every fifth tick, and the learning at their end is part of the mean. pyod's isolation forest scores row by
row, as a detector without a vectorised scan must; river's half-space trees see one series.
"""

from __future__ import annotations

import resource
import time
from typing import TYPE_CHECKING

import numpy as np

from features.calendar import CLOCKS
from features.frame import Frame
from models.detectors.baseline import fit_baseline
from models.detectors.first_stage import initial_state, scan
from models.detectors.novelty import initial_novelty, novelty_step
from models.detectors.severity import initial_severity, severity_step
from models.paging.thresholds import initial_pages, page_step
from telemetry.batches import SeriesKey

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from experiments.benchmarks.detect_rows import Row
    from experiments.peers.river import StreamScorer

STEP_MS = 60_000
N_PATTERNS = 32
MAX_TICKS, POINTS = 1_500, 10_000_000
PEER_ROWS, STREAM_ROWS = 40, 5_000
THRESHOLD = 6.5
N_FIRST = N_PATTERNS


def bench_speed(
    sizes: Sequence[int],
    *,
    river: StreamScorer | None = None,
    on_progress: Callable[[str], None] = lambda _: None,
) -> list[Row]:
    """Time onset, and all scores with paging, at each size; also pyod row by row, and river if given."""
    rows: list[Row] = []
    on_progress("the peers")
    peers = {"pyod_iforest_by_row": (PEER_ROWS, _forest_ns())}
    if river is not None:
        stream = np.random.default_rng(0).normal(size=(STREAM_ROWS, 1))
        peers["river_half_space_trees"] = (STREAM_ROWS, river([stream])[1])
    for n_series in sizes:
        on_progress(f"{n_series} series")
        part = f"series_{n_series}"
        for method, with_all in (("sunspot", False), ("sunspot_all_scores", True)):
            seconds, cpu_s = _tick_seconds(n_series, with_all=with_all)
            row: Row = {"part": part, "method": method, "n": len(seconds)}
            row["ns_per_point"] = cpu_s / n_series * 1e9
            row["p50_ms"], row["p95_ms"] = (float(each) for each in np.quantile(seconds, [0.5, 0.95]) * 1000)
            row["samples_per_s"] = n_series / cpu_s
            row["rss_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            rows.append(row)
        rows += [
            {"part": part, "method": name, "n": n_rows, "ns_per_point": ns}
            for name, (n_rows, ns) in peers.items()
        ]
    return rows


def _tick_seconds(n_series: int, *, with_all: bool) -> tuple[NDArray[np.float64], float]:
    """Wall-clock seconds of each tick, and the mean processor seconds of a tick."""
    rng = np.random.default_rng(0)
    patterns = (100 + rng.normal(size=(N_PATTERNS, n_series))).astype(np.float32)
    n_ticks = min(MAX_TICKS, max(60, POINTS // n_series))
    keys = tuple(SeriesKey(f"item-{index}", "value") for index in range(n_series))
    clock = CLOCKS["always"]
    baseline = fit_baseline(Frame(0, STEP_MS, keys, patterns[:0]), clock)
    fresh = initial_state(baseline, clock)
    typical, noise = (np.full(n_series, each, dtype=np.float32) for each in (100.0, 0.8))
    state = fresh._replace(
        n_seen=np.full(n_series, 10_000),
        deviation=noise,
        mean=typical,
        spread=noise,
        season=tuple(typical for _ in fresh.season),
        volatility=tuple(noise for _ in fresh.volatility),
    )
    severity, paging = initial_severity(n_series), initial_pages(n_series)
    novelty = initial_novelty(n_series)
    sparse = np.zeros(n_series, dtype=bool)
    seconds: list[float] = []
    cpu_s = 0.0
    for start in range(-N_PATTERNS, n_ticks, N_PATTERNS):
        if start == 0:  # the first round allocates
            seconds, cpu_s = [], time.process_time()
        patterns = np.roll(patterns, 1, axis=1)
        frame = Frame((start + N_PATTERNS) * STEP_MS, STEP_MS, keys, patterns)
        started = time.perf_counter()
        for tick, (after, scores) in enumerate(scan(frame, baseline, clock, state)):
            if with_all:
                severity = severity_step(severity, patterns[tick], scores, after, elapsed_ms=STEP_MS)
                novelty, _ = novelty_step(novelty, patterns[tick], n_first=N_FIRST)
                tick_ms = frame.start_ms + tick * STEP_MS
                paging, _ = page_step(paging, tick_ms, scores.values, threshold=THRESHOLD, is_sparse=sparse)
            state = after
            now = time.perf_counter()
            seconds.append(now - started)
            started = now
    return np.array(seconds), (time.process_time() - cpu_s) / len(seconds)


def _forest_ns() -> float:
    from pyod.models.iforest import IForest  # noqa: PLC0415  seconds, and only where it is used

    rows = np.random.default_rng(0).normal(size=(1_000, 4))
    forest = IForest(n_estimators=50, random_state=0, n_jobs=1).fit(rows)
    forest.decision_function(rows[:1])
    started = time.perf_counter()
    for index in range(PEER_ROWS):
        forest.decision_function(rows[index : index + 1])
    return (time.perf_counter() - started) / PEER_ROWS * 1e9
