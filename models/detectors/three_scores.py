"""Onset, severity and novelty of every series, advanced together at each tick.

All three share one memory and one step, so that the guarantee of onset holds for the others: the service's
ticks and a fold over a frame give the same bits, whatever restarts lie between them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from models.detectors import first_stage
from models.detectors.novelty import Novelty, initial_novelty, novelty_step
from models.detectors.severity import Severity, initial_severity, severity_step
from models.state import NEVER_MS, State, migrate, shared_places

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from features.calendar import Clock
    from features.frame import Frame
    from models.detectors.baseline import Baseline
    from models.detectors.first_stage import Scores

FIRST_MS = 86_400_000
"""Novelty learns a series' deviation from a day of values, so that every hour is among them."""


class Memory(NamedTuple):
    """The memory of the three scores between ticks.

    Attributes
    ----------
    state
        The memory of onset.
    """

    state: State
    severity: Severity
    novelty: Novelty


class ThreeScores(NamedTuple):
    """The scores of one tick, shape ``(n_series,)``, or of several, ``(n_ticks, n_series)``.

    Attributes
    ----------
    onset
        Distance from normal, and its status.
    severity
        How bad it has been lately, a logarithm; 0 where nothing was scored.
    novelty
        Distance from every value ever seen, relative to that of earlier new values; ``nan`` in the first day
        of values and where the value is missing.
    """

    onset: Scores
    severity: NDArray[np.float32]
    novelty: NDArray[np.float32]


def initial_memory(baseline: Baseline, clock: Clock) -> Memory:
    """Return the memory that a bundle starts with: it seeds onset; the other two have seen nothing."""
    n_series = len(baseline.keys)
    state = first_stage.initial_state(baseline, clock)
    return Memory(state, initial_severity(n_series), initial_novelty(n_series))


def step(
    memory: Memory, tick_ms: int, values: NDArray[np.floating], baseline: Baseline, clock: Clock
) -> tuple[Memory, ThreeScores]:
    """Score one closed tick, and return the memory after it.

    Parameters and errors are those of `models.detectors.first_stage.step`.
    """
    values = np.asarray(values)
    state, onset = first_stage.step(memory.state, tick_ms, values, baseline, clock)
    return _after(memory, values, state, onset, baseline.step_ms)


def score(
    frame: Frame, baseline: Baseline, clock: Clock, memory: Memory | None = None
) -> tuple[Memory, ThreeScores]:
    """Fold `step` over the ticks of a frame whose series are the baseline's, in its order.

    Returns
    -------
    The memory after the last tick, and scores of shape ``(n_ticks, n_series)``.
    """
    memory = initial_memory(baseline, clock) if memory is None else memory
    values, severity, novelty = np.full((3, *frame.values.shape), np.nan, dtype=np.float32)
    status = np.empty(frame.values.shape, dtype=np.int8)
    for tick, (after, scores) in enumerate(scan(frame, baseline, clock, memory)):
        memory, values[tick], status[tick] = after, scores.onset.values, scores.onset.status
        severity[tick], novelty[tick] = scores.severity, scores.novelty
    return memory, ThreeScores(first_stage.Scores(values, status), severity, novelty)


def scan(
    frame: Frame, baseline: Baseline, clock: Clock, memory: Memory
) -> Iterator[tuple[Memory, ThreeScores]]:
    """Yield the memory after each tick of a frame and the tick's scores, as `step` returns them."""
    for tick, (state, onset) in enumerate(first_stage.scan(frame, baseline, clock, memory.state)):
        memory, scores = _after(memory, frame.values[tick], state, onset, baseline.step_ms)
        yield memory, scores


def moved_to(memory: Memory, fresh: Memory) -> Memory:
    """Carry the memory of series that two bundles share, with equal steps, into the new bundle's memory."""
    to, source = shared_places(memory.state.keys, fresh.state.keys)
    severity = Severity(*_moved(memory.severity, fresh.severity, to, source))
    novelty = Novelty(*_moved(memory.novelty, fresh.novelty, to, source))
    return Memory(migrate(memory.state, fresh.state), severity, novelty)


def _after(
    memory: Memory, values: NDArray[np.floating], state: State, onset: Scores, step_ms: int
) -> tuple[Memory, ThreeScores]:
    """Add the other two scores to a tick whose onset is known."""
    before_ms = memory.state.tick_ms
    elapsed_ms = step_ms if before_ms == NEVER_MS else state.tick_ms - before_ms
    severity = severity_step(memory.severity, values, onset, state, elapsed_ms=elapsed_ms)
    novelty, how_novel = novelty_step(memory.novelty, values, n_first=FIRST_MS // step_ms)
    return Memory(state, severity, novelty), ThreeScores(onset, severity.held, how_novel)


def _moved(
    old: Iterable[NDArray[Any]],
    new: Iterable[NDArray[Any]],
    to: NDArray[np.int64],
    source: NDArray[np.int64],
) -> Iterator[NDArray[Any]]:
    for known, fresh in zip(old, new, strict=True):
        moved = fresh.copy()
        moved[to] = known[source]
        yield moved
