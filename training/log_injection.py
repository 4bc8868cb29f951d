"""Artificial faults in the sums of normal log lines, the same for champion and challenger.

They are a check on training, not a measure of real incidents: a threshold that nothing passes stays
within every page budget, and this shows what its silence costs.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from features.logs.counts import LogCounts, LogKind
from training.splits import LabelledAnomaly

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from features.logs.sums import LogSums

N_FAULTS: Final = 200
FAULT_WINDOWS: Final = 10
APART_WINDOWS: Final = 20
MIN_LINES: Final = 5.0
"""Mean lines per window below which a template cannot go missing or come too often."""

NEW_SHARE: Final = 0.2
EXCESS: Final = 3.0
SLOWER: Final = 4.0

FAULTS: Final = ("missing", "new", "excess", "slow")


def inject_log_faults(sums: LogSums, *, seed: int) -> tuple[LogSums, dict[str, tuple[LabelledAnomaly, ...]]]:
    """Inject at most 200 faults of ten windows into some sums, at most one per service and 20 windows.

    Each fault is one of four kinds: the service's most frequent template goes missing; a new template adds a
    fifth to its lines; its second template comes four times as often; waits that begin at it grow fourfold.
    Templates too rare for a fault to show are left unchanged.

    Returns
    -------
    The sums with the faults, and where they are, by kind of fault.
    """
    rng = np.random.default_rng(seed)
    counts, services = sums.counts, sums.counts.services
    n_windows = len(counts.starts_ms)
    owner = counts.service_of_kind(services)
    added = np.zeros((n_windows, len(services)))
    changed, total = counts.counts.copy(), sums.gaps.total.copy()
    labels: dict[str, list[LabelledAnomaly]] = {fault: [] for fault in FAULTS}
    used: set[tuple[int, int]] = set()
    places = np.arange(0, n_windows - APART_WINDOWS, APART_WINDOWS)
    draws = N_FAULTS if len(places) and services else 0
    for number in range(draws):
        service, first = int(rng.integers(len(services))), int(rng.choice(places))
        fault, last = FAULTS[number % len(FAULTS)], first + FAULT_WINDOWS
        if (service, first) in used:
            continue
        own = np.flatnonzero(owner == service)
        window = slice(first, last)
        if fault == "slow":
            is_done = _slow_down(sums, total, services[service], counts.starts_ms[[first, last]])
        else:
            is_done = _change_mix(fault, counts.counts[window], changed[window], own, added[window, service])
        if is_done:
            used.add((service, first))
            start_ms, end_ms = counts.starts_ms[[first, last]].tolist()
            labels[fault].append(LabelledAnomaly(services[service], start_ms, end_ms))
    new = tuple(LogKind(service, "ERROR", "injected") for service in services)
    mixed = LogCounts(counts.step_ms, counts.starts_ms, (*counts.kinds, *new), np.hstack([changed, added]))
    faulty = replace(sums, counts=mixed, gaps=replace(sums.gaps, total=total))
    return faulty, {fault: tuple(each) for fault, each in labels.items()}


def _change_mix(
    fault: str,
    normal: NDArray[np.float64],
    changed: NDArray[np.float64],
    own: NDArray[np.int64],
    added: NDArray[np.float64],
) -> bool:
    """Change the lines of one service in some windows, in place; return whether it had enough lines."""
    lines = normal[:, own].sum(axis=1)
    mean = normal[:, own].mean(axis=0)
    most = np.argsort(-mean, kind="stable")[:2]  # a single template has no mix to change
    if fault == "new":
        if lines.mean() >= MIN_LINES:
            added += np.ceil(NEW_SHARE * lines)
        return bool(lines.mean() >= MIN_LINES)
    place, factor = (most[0], 0.0) if fault == "missing" else (most[-1], 1.0 + EXCESS)
    if len(most) < 2 or mean[place] < MIN_LINES:  # noqa: PLR2004
        return False
    changed[:, own[place]] *= factor
    return True


def _slow_down(sums: LogSums, total: NDArray[np.float64], service: str, window_ms: NDArray[np.int64]) -> bool:
    """Lengthen the waits that begin at a service, in place; return whether it had any."""
    gaps = sums.gaps
    begins = np.array([kind.service == service for kind in gaps.kinds], dtype=bool)
    cells = begins[gaps.kind] if len(begins) else np.zeros(0, dtype=bool)
    cells &= (gaps.start_ms >= window_ms[0]) & (gaps.start_ms < window_ms[1])
    has_enough = bool(gaps.n[cells].sum() >= MIN_LINES * FAULT_WINDOWS)
    if has_enough:
        total[cells] += gaps.n[cells] * np.log(SLOWER)
    return has_enough
