"""The spans of a running service: how they are received, summed up and saved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from service.health import HealthRegistry, damage_problems
from service.spans.closing import SpanClosing
from service.spans.evidence import SpanEvidence
from service.spans.intake import SpanIntake
from service.spans.names import PlainNames
from service.spans.observed_graph import ObservedGraph
from telemetry.instants import to_ms

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from service.batch_log import BatchLog
    from service.incidents.records import AffectedPeriod
    from service.masking import IncomingMasks
    from service.settings import Settings
    from service.signals.room import SignalsRoom
    from service.spans.checkpoint import SpanCheckpoints
    from service.spans.memory import SpanMemory
    from telemetry.spans import SpanBatch


SPANS_PART = "spans"
"""Name of the part whose health says whether spans can be written."""


@dataclass(frozen=True)
class SpansRoom:
    """Spans in; evidence and observed calls out."""

    history: BatchLog[SpanBatch]
    memory: SpanMemory
    intake: SpanIntake
    closing: SpanClosing
    evidence: SpanEvidence
    observed: ObservedGraph
    checkpoints: SpanCheckpoints

    def health_problems(self) -> list[str]:
        """Return problems with the spans on disk and in memory, usually none."""
        memory, problems = self.memory, damage_problems("spans", self.history.damage)
        if self.checkpoints.lost:
            problems.append(f"spans: {self.checkpoints.lost}")
        if n_hurried := memory.open.n_hurried:
            problems.append(f"spans: {n_hurried:,} were summed early, because too many were held")
        if n_left_out := memory.recent.n_left_out + memory.past.n_left_out:
            problems.append(f"spans: {n_left_out:,} sums of further kinds of call found no room")
        return problems

    def checkpoint(self) -> None:
        """Save the memory to disk if anything changed since it was saved last."""
        self.checkpoints.write(self.memory)


def spans_room(
    settings: Settings,
    history: BatchLog[SpanBatch],
    signals: SignalsRoom,
    checkpoints: SpanCheckpoints,
    masks: IncomingMasks,
    *,
    affected: Callable[[datetime], Sequence[AffectedPeriod]],
    health: HealthRegistry | None = None,
) -> SpansRoom:
    """Make the room; it continues where the checkpoint was when this returns.

    Parameters
    ----------
    affected
        As `SpanClosing` has it.
    health
        Where it is recorded whether the spans can be written.
    """
    record = (health or HealthRegistry(signals.time.clock)).record(SPANS_PART, is_vital=True)
    now_ms = to_ms(signals.time.clock.now())
    memory = checkpoints.read(position=history.position, at_ms=now_ms)
    memory.bring_back(signals.time.latest_ms())
    _replay(history, memory)
    if memory.latest_ms:
        signals.time.advance(memory.latest_ms)
    closing = SpanClosing(settings, signals, memory, affected=affected)
    return SpansRoom(
        history=history,
        memory=memory,
        intake=SpanIntake(history, memory, signals.time, PlainNames(masks), health=record),
        closing=closing,
        evidence=SpanEvidence(memory, closing),
        observed=ObservedGraph(memory),
        checkpoints=checkpoints,
    )


def _replay(history: BatchLog[SpanBatch], memory: SpanMemory) -> None:
    """Add every batch that is not in a memory yet, as if each arrived when its latest span began."""
    counted, at_ms = memory.counted, 0
    until, beyond = counted.until, counted.beyond
    for position, batch in history.replay(after=until):
        until = position
        if position not in beyond:
            at_ms = max(at_ms, int(batch.start_us.max()) // 1000)
            memory.receive(batch, at_ms=at_ms)
    counted.replayed(until)
