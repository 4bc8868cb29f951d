"""Pages of a champion and its challenger compared tick by tick: by both, or by one alone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from models.artifacts.mlflow_names import CHALLENGER, CHAMPION
from service.shadow.record import N_SHOWN, LonePage

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from numpy.typing import NDArray

    from models.paging.rules import PagingMemory, Watched
    from service.shadow.record import ShadowRecord
    from telemetry.batches import SeriesKey


@dataclass(frozen=True)
class Side:
    """The state of one of the two after a tick.

    Attributes
    ----------
    keys
        Its series.
    watched
        The same, with their thresholds.
    scores
        Shape ``(n_series,)``; ``nan`` where there is none.
    memory
        Of its paging, after the tick.
    """

    name: str
    keys: tuple[SeriesKey, ...]
    watched: Watched
    scores: NDArray[np.floating]
    memory: PagingMemory

    def over(self) -> set[str]:
        """Items that are over a threshold."""
        return {self.watched.items[column] for column in np.flatnonzero(self.memory.n_over).tolist()}

    def paged(self, tick_ms: int) -> list[str]:
        """Items that it pages for at the tick: each is the first of an anomaly group that begins."""
        return [item for (item, at_ms) in self.lasting() if at_ms == tick_ms]

    def lasting(self) -> dict[tuple[str, int], frozenset[str]]:
        """Items in each anomaly group that lasts, by the item that was paged for and when."""
        return {each.since_ms[0]: each.items for each in self.memory.anomaly_groups}

    def strongest(self, item: str) -> SeriesKey:
        """Series of an item that is furthest over its threshold."""
        columns = [column for column, each in enumerate(self.watched.items) if each == item]
        strength = self.scores[columns] / self.watched.thresholds[columns]
        return self.keys[columns[int(np.argmax(np.nan_to_num(strength, nan=-1.0)))]]

    def judged(self, key: SeriesKey) -> tuple[float | None, float | None]:
        """Score and threshold of a series."""
        if key not in self.keys:
            return None, None
        column = self.keys.index(key)
        score, threshold = float(self.scores[column]), float(self.watched.thresholds[column])
        return (
            score if np.isfinite(score) else None,
            threshold if np.isfinite(threshold) else None,
        )


def compared(
    record: ShadowRecord,
    tick_ms: int,
    champion: Side,
    challenger: Side,
    related: Callable[[str], Collection[str]],
) -> ShadowRecord:
    """Add a tick to a record.

    Two pages are for the same anomaly if the later one's item is related to an item in the earlier one's
    anomaly group, and that group still lasts: paging itself merges items by this rule.
    """
    alone, n_both = list(record.alone), record.n_both
    n_alone = {CHAMPION: record.n_champion, CHALLENGER: record.n_challenger}
    for side, other in ((champion, challenger), (challenger, champion)):
        for item in side.paged(tick_ms):
            answered = _answered(alone, item, other, related)
            if answered is None:
                alone.append(_lone_page(item, tick_ms, side, champion, challenger))
                n_alone[side.name] += 1
            else:
                alone.remove(answered)
                n_alone[other.name] -= 1
                n_both += 1
    lasting = {side.name: side.lasting() for side in (champion, challenger)}
    old, new = alone[:-N_SHOWN], alone[-N_SHOWN:]
    return replace(
        record,
        n_ticks=record.n_ticks + 1,
        n_apart=record.n_apart + (champion.over() != challenger.over()),
        n_both=n_both,
        n_champion=n_alone[CHAMPION],
        n_challenger=n_alone[CHALLENGER],
        alone=(*(each for each in old if (each.item, each.at_ms) in lasting[each.by]), *new),
    )


def _answered(
    alone: Iterable[LonePage], item: str, other: Side, related: Callable[[str], Collection[str]]
) -> LonePage | None:
    """Return the other's page for the same anomaly as a page for an item; ``None`` if there is none."""
    near, lasting = related(item), other.lasting()
    for each in alone:
        group = lasting.get((each.item, each.at_ms)) if each.by == other.name else None
        if group is not None and not group.isdisjoint(near):
            return each
    return None


def _lone_page(item: str, tick_ms: int, side: Side, champion: Side, challenger: Side) -> LonePage:
    key = side.strongest(item)
    return LonePage(side.name, item, key.metric, tick_ms, *champion.judged(key), *challenger.judged(key))
