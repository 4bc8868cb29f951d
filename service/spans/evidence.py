"""What spans show for a ranking: what calls took lately, and what they usually take."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from cmdb.naming import item_named_by
from service.durations import duration
from telemetry.instants import from_ms

if TYPE_CHECKING:
    from collections.abc import Collection, Container
    from datetime import datetime

    from features.span_sums import SpanSums
    from service.spans.closing import SpanClosing
    from service.spans.memory import SpanMemory

SERVICE = "service"
CURRENT = timedelta(minutes=5)
"""Senders whose latest span is younger send."""

LAST_MS = 2**62


class SpanEvidence:
    """The spans of some items, each service by the item that it is."""

    def __init__(self, memory: SpanMemory, closing: SpanClosing) -> None:
        self._memory = memory
        self._closing = closing

    def age_sentence(self, at: datetime) -> str:
        """Say how old the latest span is; empty if spans come, and if none ever did."""
        latest_ms = self._memory.latest_ms
        age = at - from_ms(latest_ms)
        if not latest_ms or age < CURRENT:
            return ""
        return f"The latest trace received is {duration(age)} old: later calls could not be looked at."

    def collect(
        self, items: Container[str], chosen: Collection[str], *, since_ms: int
    ) -> tuple[SpanSums, SpanSums] | None:
        """Return what the spans of some items sum to lately and in normal operation.

        Parameters
        ----------
        items
            Every configuration item; services are mapped to them.
        chosen
            The items asked for.
        since_ms
            Start of the minutes that count as lately.

        Returns
        -------
        Lately; and all, without services that were part of an incident. ``None`` if no span was ever
        received.
        """
        self._closing.advance()  # a ranking does not depend on when this was last done
        memory = self._memory
        with memory.lock:
            if not memory.latest_ms:
                return None
            recent, past = memory.recent.sums(), memory.past.sums()
        services = {
            kind[0] for sums in (recent, past) for each in (sums.own, sums.gap) for kind in each.kinds
        }
        named = {name: item_of(name, items) for name in services}
        of = {name: item for name, item in named.items() if item in chosen}
        lately, earlier = recent.of_items(of), past.of_items(of)
        return lately.between(since_ms, LAST_MS), earlier.united(self._closing.normal(lately))


def item_of(service: str, items: Container[str]) -> str:
    """Return the item that a service is: the one of its name, or its name alone."""
    return item_named_by({SERVICE: service}, items=items, item_labels=(SERVICE,)).item
