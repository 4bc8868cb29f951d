"""The second stage, online: each flagged service scored by the detector that training chose."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from features.frame import Frame
from features.service_rows import service_rows
from models.artifacts.bundle import SECOND_STAGE
from models.detectors.baseline import expected_values
from models.state import NEVER_MS
from service.scoring.tick import ServiceScore

if TYPE_CHECKING:
    from collections.abc import Mapping

    from models.artifacts.bundle import Bundle
    from service.scoring.tick import ScoredTick

FLAGGED_SHARE = 0.5
"""A service is flagged while one of its series is over this share of the bundle's threshold."""


class SecondStage:
    """Scores the services that are flagged at a tick, in one batch; it is evidence, and never pages."""

    def __init__(self) -> None:
        self._columns: tuple[str, Mapping[str, list[int]]] = ("", {})
        self._latest: tuple[int, Mapping[str, ServiceScore]] = (NEVER_MS, {})

    def process(self, tick: ScoredTick) -> None:
        """Score the services flagged at a tick; those of the tick before are forgotten."""
        columns = self._columns_of(tick.bundle)
        self._latest = tick.tick_ms, service_scores(tick, columns) if columns else {}

    def score_of(self, item: str) -> ServiceScore | None:
        """Return the score of an item at the last tick; ``None`` unless it was flagged."""
        return self._latest[1].get(item)

    def scores_at(self, tick_ms: int) -> Mapping[str, ServiceScore]:
        """Return the scores of a tick by item; none unless it was the last one processed."""
        scored_ms, scores = self._latest
        return scores if scored_ms == tick_ms else {}

    def _columns_of(self, bundle: Bundle) -> Mapping[str, list[int]]:
        """Places of each item's series; none of a bundle whose training chose no detector."""
        version, columns = self._columns
        if version != bundle.version:
            columns = {}
            if bundle.metadata.get(SECOND_STAGE) in bundle.detectors.keys() & bundle.row_thresholds.keys():
                for place, key in enumerate(bundle.baseline.keys):
                    columns.setdefault(key.item, []).append(place)
            self._columns = bundle.version, columns
        return columns


def service_scores(tick: ScoredTick, columns: Mapping[str, list[int]]) -> dict[str, ServiceScore]:
    """Score every flagged service that has a golden signal or a resource.

    Parameters
    ----------
    columns
        Places of each item's series in the bundle; an item that is not in it is not scored.
    """
    bundle, onset = tick.bundle, tick.scores.onset.values
    keys = bundle.baseline.keys
    is_over = onset > FLAGGED_SHARE * bundle.threshold
    flagged = {keys[place].item for place in np.flatnonzero(is_over)} & columns.keys()
    if not flagged:
        return {}
    places = sorted(place for item in flagged for place in columns[item])
    frame = Frame(tick.tick_ms, bundle.step_ms, keys, tick.values[None, :])
    expected = expected_values(frame, bundle.baseline, tick.clock)
    own_keys = tuple(keys[place] for place in places)
    own = Frame(tick.tick_ms, bundle.step_ms, own_keys, frame.values[:, places])
    rows = service_rows(own, onset[None, places], expected[:, places])
    name = bundle.metadata[SECOND_STAGE]
    threshold = bundle.row_thresholds[name]
    scores = bundle.detectors[name].score(rows.flat)
    return {
        item: ServiceScore(name, float(score), threshold)
        for item, score in zip(rows.items, scores, strict=True)
        if np.isfinite(score)
    }
