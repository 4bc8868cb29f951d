"""Figures of a benchmark table, with their intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.rankers.ranking import Ranking


def share_within(ranking: Ranking, causes: Sequence[str], k: int) -> float:
    """Chance that a true cause is among the first ``k`` candidates; a tie of t counts 1/t at its ranks.

    With several true causes, the best-ranked one counts. A cause that is not a candidate counts 0. Without a
    fault there is no cause, and abstaining is right.
    """
    if not causes:
        return float(bool(ranking.abstained))
    scores = {candidate.item: candidate.score for candidate in ranking.candidates}
    placed = [scores[cause] for cause in causes if cause in scores]
    if not placed:
        return 0.0
    ahead, tied = _ahead_and_tied(ranking, max(placed))
    return min(max(k - ahead, 0), tied) / tied


def reciprocal_rank(ranking: Ranking, causes: Sequence[str]) -> float:
    """Mean of 1/rank over the possible ranks of the best-ranked true cause in its tie; 0 if it is missing."""
    if not causes:
        return float(bool(ranking.abstained))
    scores = {candidate.item: candidate.score for candidate in ranking.candidates}
    placed = [scores[cause] for cause in causes if cause in scores]
    if not placed:
        return 0.0
    ahead, tied = _ahead_and_tied(ranking, max(placed))
    return float(np.mean(1.0 / np.arange(ahead + 1, ahead + tied + 1)))


def _ahead_and_tied(ranking: Ranking, score: float) -> tuple[int, int]:
    ahead = sum(candidate.score > score for candidate in ranking.candidates)
    tied = sum(candidate.score == score for candidate in ranking.candidates)
    return ahead, tied
