"""How many log lines per second one core processes, and whether memory stays flat.

Data: lines of a real system if given, otherwise synthetic lines of the same length; and random words, which
never fit a template. ``sunspot`` mines; ``sunspot_features`` also sums windows and waits, learns a reference
and computes every feature, in batches.
"""

from __future__ import annotations

import resource
import string
import sys
import time
from typing import TYPE_CHECKING

import numpy as np

from features.logs.sums import sum_logs
from features.logs.templates import TemplateMiner
from features.logs.windows import log_features, log_reference
from telemetry.logs import LogRecord, Logs

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Row = dict[str, float | int | str]
    Grouper = Callable[[Sequence[str]], tuple[Sequence[str | int], float]]

BATCH = 5_000
STEP_MS = 60_000
N_LINES = 100_000
N_RANDOM = 50_000
N_PEER_RANDOM = 10_000
"""A peer that compares each line with every template gets fewer lines of random words."""


def bench_speed(
    part: str,
    records: Sequence[LogRecord],
    peer: Grouper | None = None,
    *,
    seed: int = 0,
    n_random: int = N_RANDOM,
    on_progress: Callable[[str], None] = lambda _: None,
) -> list[Row]:
    """Rates on the records and on random words; one row per text and method."""
    rows: list[Row] = []
    words = random_words(n_random, seed=seed)
    for name, lines in ((part, records), ("random_words", words)):
        rows.append(_row(name, "sunspot", lines, _mine))
        on_progress(name)
        rows.append(_row(name, "sunspot_features", lines, _mine_and_sum))
        on_progress(name)
        if peer is not None:
            some = lines if name == part else lines[:N_PEER_RANDOM]
            _, rate = peer([record.body for record in some])
            rows.append({"part": name, "method": "drain3", "n": len(some), "lines_per_s": rate})
            on_progress(name)
    return rows


def synthetic_lines(n_lines: int, *, seed: int = 0) -> list[LogRecord]:
    """Lines of two hundred templates of ten services: 57 words, of which ten vary.

    Eight of the ten are drawn from five thousand ids, two are always new: harder than the lines of Train
    Ticket, where one line in ten has a new word.
    """
    rng = np.random.default_rng(seed)
    texts = []
    for _ in range(200):
        words = [_word(rng) for _ in range(57)]
        for number, place in enumerate(rng.choice(57, size=10, replace=False)):
            words[place] = f"{{{number}}}"
        texts.append(" ".join(words))
    chosen = rng.integers(len(texts), size=n_lines)
    known = rng.integers(2**40, size=5_000)[rng.integers(5_000, size=(n_lines, 8))]
    fresh = rng.integers(2**40, size=(n_lines, 2))
    ids = np.hstack([known, fresh])
    return [
        LogRecord(
            f"service-{template % 10}",
            "INFO",
            "",
            line * 10,
            texts[template].format(*ids[line].tolist()),
            f"{line // 8:016x}",
        )
        for line, template in enumerate(chosen.tolist())
    ]


def random_words(n_lines: int, *, seed: int = 0) -> list[LogRecord]:
    """Lines of five to twenty-five meaningless words, all of one service."""
    rng = np.random.default_rng(seed)
    words = [_word(rng) for _ in range(60_000)]
    lengths = rng.integers(5, 26, size=n_lines)
    return [
        LogRecord(
            "noise", "INFO", "", line, " ".join(words[each] for each in rng.integers(60_000, size=length))
        )
        for line, length in enumerate(lengths.tolist())
    ]


def _word(rng: np.random.Generator) -> str:
    return "".join(rng.choice(list(string.ascii_lowercase), size=int(rng.integers(3, 10))))


def _row(
    part: str, method: str, records: Sequence[LogRecord], run: Callable[[Logs, TemplateMiner], None]
) -> Row:
    batches = [Logs.from_records(records[start : start + BATCH]) for start in range(0, len(records), BATCH)]
    miner = TemplateMiner()
    began = time.perf_counter()
    half_way = 0.0
    for number, batch in enumerate(batches):
        if number == len(batches) // 2:
            half_way = peak_mb()
        run(batch, miner)
    seconds = time.perf_counter() - began
    return {
        "part": part,
        "method": method,
        "n": len(records),
        "lines_per_s": len(records) / seconds,
        "characters": float(np.mean([len(record.body) for record in records])),
        "templates": sum(len(tree.templates) for tree in miner.trees.values()),
        "grown_mb": peak_mb() - half_way,
        "rss_mb": peak_mb(),
    }


def _mine(logs: Logs, miner: TemplateMiner) -> None:
    miner.mine(logs)


def _mine_and_sum(logs: Logs, miner: TemplateMiner) -> None:
    sums = sum_logs(logs, miner.mine(logs), step_ms=STEP_MS, n_examples=0)
    log_features(sums.counts, log_reference(sums.counts))


def peak_mb() -> float:
    """Peak memory of this process, in MiB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)
